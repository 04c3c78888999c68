// One place on the stage: a person, or something shared.

import { attribute, type Drawn, el, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { colourOf, initials } from '../ui/names';
import type { Call } from './call';
import { PersonName } from './personname';
import { isMuted, type Person, type Rights, type Tile } from './state';

export interface Place {
  person: Person | undefined;
  /** Of this page's own person. */
  rights: Rights;
  video: Tile | undefined;
  content: boolean;
  hand: boolean;
  /** A reaction; empty for none. */
  shown: string;
  pinned: boolean;
}

export class PlaceTile implements Drawn<Place> {
  readonly element: HTMLElement;
  private readonly video = el('video', { playsinline: true, hidden: true, 'aria-hidden': true });
  private readonly avatar = el('div', { class: 'avatar', 'aria-hidden': true });
  private readonly name = new PersonName('plate-name');
  private readonly mutedMark = el('span', { class: 'plate-icon' }, icon('micOff', 16));
  private readonly hand = el('span', { class: 'tile-hand', 'aria-hidden': true }, icon('hand', 20));
  private readonly reaction = el('span', { class: 'tile-reaction', 'aria-hidden': true });
  private readonly pin: HTMLButtonElement;
  private drawn: number | undefined;
  private place: Place;

  /** pin is told whose tile is to be large, or no more. */
  constructor(
    private readonly call: Call,
    place: Place,
    pin: (person: string) => void,
  ) {
    this.place = place;
    this.pin = el(
      'button',
      {
        class: 'tile-pin',
        type: 'button',
        on: { click: () => pin(this.place.pinned ? '' : (this.place.person?.id ?? '')) },
      },
      icon('pin', 18),
    );
    this.element = el(
      'li',
      { class: place.content ? 'tile shared' : place.pinned ? 'tile pinned' : 'tile' },
      this.video,
      this.avatar,
      this.hand,
      this.reaction,
      el('div', { class: 'plate' }, this.mutedMark, this.name.element),
      !place.content && this.pin,
    );
  }

  draw(place: Place): void {
    this.place = place;
    const { person, rights, video: tile, content, hand, shown, pinned } = place;
    if (tile && this.drawn !== tile.id) this.call.show(tile.id, this.video);
    this.drawn = tile?.id;
    this.video.hidden = !tile;
    this.avatar.hidden = !!tile;
    const label = this.name.draw(person, content ? 'is sharing' : '');
    const muted = !content && !!person && isMuted(person, rights);
    this.mutedMark.hidden = !muted;
    this.hand.hidden = !hand || content;
    setText(this.reaction, content ? '' : shown);
    setText(this.avatar, initials(person?.name ?? '?'));
    attribute(this.element, 'data-colour', colourOf(person?.id ?? ''));
    this.element.classList.toggle('speaking', !content && !!person?.speaking && !muted);
    this.element.classList.toggle('weak', (person?.signal ?? 1) < 1);
    attribute(this.pin, 'aria-label', `${pinned ? 'Unpin' : 'Pin'} ${label}`);
    attribute(this.pin, 'title', pinned ? 'Unpin' : 'Show large');
    const camera = !content && (tile ? 'camera on' : 'camera off');
    attribute(
      this.element,
      'aria-label',
      [label, muted && 'muted', camera, tile?.paused && 'paused', hand && !content && 'hand raised']
        .filter(Boolean)
        .join(', '),
    );
  }
}
