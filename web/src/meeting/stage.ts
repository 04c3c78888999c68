// The stage: everybody's tile, shared content in front, the speaker marked.

import { attribute, type Drawn, el, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { colourOf, initials } from '../ui/names';
import type { Call } from './call';
import { isMuted, type Person, type Rights, type RoomState, type Tile } from './state';

/** One place on the stage: a person, or something shared. */
interface Place {
  person: Person | undefined;
  /** Of this page's own person. */
  rights: Rights;
  video: Tile | undefined;
  content: boolean;
}

const gap = 10;

export class Stage {
  readonly element: HTMLElement;
  private readonly content = el('ul', { class: 'content-area', 'aria-label': 'Shared content' });
  private readonly grid = el('ul', { class: 'tiles', 'aria-label': 'People in view' });
  private readonly more = el('button', { class: 'more', type: 'button' });
  private readonly people: Keyed<Place>;
  private readonly shares: Keyed<Place>;
  private readonly resized: ResizeObserver;
  private shown: string[] = [];
  private arranged = 0;

  constructor(
    private readonly call: Call,
    showPeople: () => void,
  ) {
    this.more.addEventListener('click', showPeople);
    this.element = el('section', { class: 'stage', 'aria-label': 'Meeting' }, this.content, this.grid, this.more);
    this.people = new Keyed(this.grid, (place) => new PlaceTile(call, place));
    this.shares = new Keyed(this.content, (place) => new PlaceTile(call, place));
    this.resized = new ResizeObserver(() => this.arrange(true));
    this.resized.observe(this.grid);
  }

  close(): void {
    this.resized.disconnect();
  }

  draw({ people, tiles, rights }: RoomState): void {
    const cameras = new Map<string, Tile>();
    const shares: Tile[] = [];
    for (const tile of tiles.values()) {
      if (tile.content && tile.person === this.call.selfId) continue; // one's own screen is in view anyway
      if (tile.content) shares.push(tile);
      else cameras.set(tile.person, tile);
    }
    this.element.classList.toggle('with-content', shares.length > 0);
    this.content.hidden = shares.length === 0;
    this.shares.show(
      shares.map((tile) => [
        `tile-${tile.id}`,
        { person: people.get(tile.person), rights, video: tile, content: true },
      ]),
    );
    const ids = this.choose([...people.values()], cameras, shares.length > 0);
    this.shown = ids;
    this.people.show(ids.map((id) => [id, { person: people.get(id), rights, video: cameras.get(id), content: false }]));
    const hidden = people.size - ids.length;
    this.more.hidden = hidden <= 0;
    setText(this.more, `and ${hidden} more`);
    this.arrange();
  }

  /** Who is on stage. People keep their place as long as they can. */
  private choose(people: Person[], cameras: Map<string, Tile>, withContent: boolean): string[] {
    const narrow = window.matchMedia('(max-width: 640px)').matches;
    const room = withContent ? (narrow ? 2 : 6) : narrow ? 6 : 16;
    const present = people.sort((a, b) => a.order - b.order);
    if (present.length <= room) return present.map((person) => person.id);
    const rank = (person: Person) =>
      (person.self ? 4e12 : 0) + (cameras.has(person.id) ? 1e12 : 0) + (person.speaking ? 2e12 : 0) + person.spoke;
    const best = new Set(
      [...present]
        .sort((a, b) => rank(b) - rank(a))
        .slice(0, room)
        .map((person) => person.id),
    );
    const staying = this.shown.filter((id) => best.has(id));
    const coming = present.filter((person) => best.has(person.id) && !staying.includes(person.id));
    return [...staying, ...coming.map((person) => person.id)];
  }

  /** Picks the number of columns that makes the tiles largest. */
  private arrange(resized = false): void {
    const count = this.grid.childElementCount;
    if (count === this.arranged && !resized) return;
    this.arranged = count;
    const { clientWidth: width, clientHeight: height } = this.grid;
    if (count === 0 || width === 0 || height === 0) return;
    const ratio = width < height ? 1 : 16 / 9;
    let best = { columns: 1, width: 0 };
    for (let columns = 1; columns <= count; columns++) {
      const rows = Math.ceil(count / columns);
      const byWidth = (width - gap * (columns - 1)) / columns;
      const byHeight = ((height - gap * (rows - 1)) / rows) * ratio;
      const fit = Math.min(byWidth, byHeight);
      if (fit > best.width * 0.95) best = { columns, width: fit }; // side by side rather than stacked
    }
    this.grid.style.setProperty('--tile-width', `${Math.floor(best.width)}px`);
    this.grid.style.setProperty('--tile-height', `${Math.floor(best.width / ratio)}px`);
    this.grid.style.setProperty(
      '--tiles-width',
      `${Math.ceil(best.width * best.columns + gap * (best.columns - 1) + 1)}px`,
    );
  }
}

class PlaceTile implements Drawn<Place> {
  readonly element: HTMLElement;
  private readonly video = el('video', { playsinline: true, hidden: true, 'aria-hidden': true });
  private readonly avatar = el('div', { class: 'avatar', 'aria-hidden': true });
  private readonly name = el('span', { class: 'plate-name' });
  private readonly mutedMark = el('span', { class: 'plate-icon' }, icon('micOff', 16));
  private shown: number | undefined;

  constructor(
    private readonly call: Call,
    place: Place,
  ) {
    this.element = el(
      'li',
      { class: place.content ? 'tile shared' : 'tile' },
      this.video,
      this.avatar,
      el('div', { class: 'plate' }, this.mutedMark, this.name),
    );
  }

  draw({ person, rights, video: tile, content }: Place): void {
    if (tile && this.shown !== tile.id) this.call.show(tile.id, this.video);
    this.shown = tile?.id;
    this.video.hidden = !tile;
    this.avatar.hidden = !!tile;
    const name = person ? (person.self ? `${person.name} (you)` : person.name) : 'Somebody';
    const label = content ? `${name} is sharing` : name;
    const muted = !content && !!person && isMuted(person, rights);
    setText(this.name, label);
    this.mutedMark.hidden = !muted;
    setText(this.avatar, initials(person?.name ?? '?'));
    attribute(this.element, 'data-colour', colourOf(person?.id ?? ''));
    this.element.classList.toggle('speaking', !content && !!person?.speaking && !muted);
    this.element.classList.toggle('weak', (person?.signal ?? 1) < 1);
    const camera = !content && (tile ? 'camera on' : 'camera off');
    attribute(
      this.element,
      'aria-label',
      [label, muted && 'muted', camera, tile?.paused && 'paused'].filter(Boolean).join(', '),
    );
  }
}
