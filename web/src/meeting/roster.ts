// Who is here, how loud, and who is muted.

import { attribute, type Drawn, el, fill, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { colourOf, initials } from '../ui/names';
import type { Call, Person } from './call';

export class Roster {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'roster', 'aria-label': 'People in the meeting' });
  private readonly rows: Keyed<Person, RosterRow>;

  constructor(private readonly call: Call) {
    this.rows = new Keyed(this.list, (person) => new RosterRow(person));
    this.element = this.list;
  }

  draw(): void {
    const people = [...this.call.people.values()].sort(
      (a, b) => Number(b.self) - Number(a.self) || a.name.localeCompare(b.name) || a.order - b.order,
    );
    this.rows.show(people.map((person) => [person.id, person]));
    this.drawVolumes();
  }

  drawVolumes(): void {
    for (const person of this.call.people.values()) {
      this.rows.get(person.id)?.drawVolume(person);
    }
  }
}

class RosterRow implements Drawn<Person> {
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

  draw(person: Person): void {
    setText(this.name, person.self ? `${person.name} (you)` : person.name);
    const state = person.muted ? 'muted' : person.speaking ? 'speaking' : 'microphone on';
    if (this.mic.dataset.state !== state) {
      this.mic.dataset.state = state;
      fill(this.mic, icon(person.muted ? 'micOff' : 'mic', 18), el('span', { class: 'unseen' }, state));
    }
    this.element.classList.toggle('speaking', person.speaking && !person.muted);
    this.element.classList.toggle('muted', person.muted);
    const weak = person.signal < 1;
    this.element.classList.toggle('weak', weak);
    attribute(this.element, 'title', weak ? 'Weak connection' : undefined);
  }

  drawVolume(person: Person): void {
    this.bar.style.transform = `scaleX(${person.muted ? 0 : person.volume.toFixed(2)})`;
  }
}
