// Who is here, how loud, and who is muted.

import { attribute, el, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import type { Call, Person } from './call';
import { colourOf, initials } from './names';

export class Roster {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'roster', 'aria-label': 'People in the meeting' });
  private readonly rows: Keyed<Person>;

  constructor(private readonly call: Call) {
    this.rows = new Keyed(this.list, makeRow, drawRow);
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
      const bar = this.rows.get(person.id)?.querySelector<HTMLElement>('.volume-bar');
      if (bar) bar.style.transform = `scaleX(${person.muted ? 0 : person.volume.toFixed(2)})`;
    }
  }
}

function makeRow(person: Person): HTMLElement {
  return el(
    'li',
    { class: 'roster-row' },
    el('span', { class: 'avatar small', 'aria-hidden': true, 'data-colour': colourOf(person.id) }, initials(person.name)),
    el('span', { class: 'roster-name' }),
    el('span', { class: 'volume', 'aria-hidden': true }, el('span', { class: 'volume-bar' })),
    el('span', { class: 'roster-mic' }),
  );
}

function drawRow(row: HTMLElement, person: Person): void {
  setText(row.querySelector('.roster-name') as HTMLElement, person.self ? `${person.name} (you)` : person.name);
  const mic = row.querySelector('.roster-mic') as HTMLElement;
  const state = person.muted ? 'muted' : person.speaking ? 'speaking' : 'microphone on';
  if (attributeChanged(mic, state)) mic.replaceChildren(icon(person.muted ? 'micOff' : 'mic', 18), el('span', { class: 'unseen' }, state));
  row.classList.toggle('speaking', person.speaking && !person.muted);
  row.classList.toggle('muted', person.muted);
  const weak = person.signal < 1;
  row.classList.toggle('weak', weak);
  attribute(row, 'title', weak ? 'Weak connection' : undefined);
}

function attributeChanged(node: HTMLElement, state: string): boolean {
  if (node.dataset.state === state) return false;
  node.dataset.state = state;
  return true;
}
