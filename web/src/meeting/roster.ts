// Who is here, how loud, and who is muted.

import { attribute, type Drawn, el, fill, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { colourOf, initials } from '../ui/names';
import { isMuted, type Person, type Rights, type RoomState } from './state';

export class Roster {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'roster', 'aria-label': 'People in the meeting' });
  private readonly rows: Keyed<Entry>;

  constructor() {
    this.rows = new Keyed(this.list, (entry) => new RosterRow(entry.person));
    this.element = this.list;
  }

  draw({ people, rights }: RoomState): void {
    const sorted = [...people.values()].sort(
      (a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || a.order - b.order,
    );
    this.rows.show(sorted.map((person) => [person.id, { person, rights }]));
  }
}

interface Entry {
  person: Person;
  /** Of this page's own person. */
  rights: Rights;
}

class RosterRow implements Drawn<Entry> {
  readonly element: HTMLElement;
  private readonly name = el('span', { class: 'roster-name' });
  private readonly bar = el('span', { class: 'volume-bar' });
  private readonly mic = el('span', { class: 'roster-mic' });

  constructor(person: Person) {
    this.element = el(
      'li',
      { class: 'roster-row' },
      el(
        'span',
        { class: 'avatar small', 'aria-hidden': true, 'data-colour': colourOf(person.id) },
        initials(person.name),
      ),
      this.name,
      el('span', { class: 'volume', 'aria-hidden': true }, this.bar),
      this.mic,
    );
  }

  draw({ person, rights }: Entry): void {
    const muted = isMuted(person, rights);
    setText(this.name, person.self ? `${person.name} (you)` : person.name);
    const byOperator = person.self && !rights.speak;
    const state = byOperator
      ? 'muted by an operator'
      : muted
        ? 'muted'
        : person.speaking
          ? 'speaking'
          : 'microphone on';
    if (this.mic.dataset.state !== state) {
      this.mic.dataset.state = state;
      fill(this.mic, icon(muted ? 'micOff' : 'mic', 18), el('span', { class: 'unseen' }, state));
    }
    this.element.classList.toggle('speaking', person.speaking && !muted);
    this.element.classList.toggle('muted', muted);
    const weak = person.signal < 1;
    this.element.classList.toggle('weak', weak);
    attribute(this.element, 'title', weak ? 'Weak connection' : undefined);
    this.bar.style.transform = `scaleX(${muted ? 0 : person.volume.toFixed(2)})`;
  }
}
