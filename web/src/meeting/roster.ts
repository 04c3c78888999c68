// Who is here, how loud, and who is muted.

import { attribute, type Drawn, el, fill, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { colourOf, initials } from '../ui/names';
import { PersonName } from './personname';
import { inOrder, isMuted, type Person, type Rights, type RoomState } from './state';

export class Roster {
  readonly element: HTMLElement;
  private readonly list = el('ul', { class: 'roster', 'aria-label': 'People in the meeting' });
  private readonly rows: Keyed<Entry>;
  private readonly search: HTMLInputElement;
  private readonly found = el('p', { class: 'soft roster-found', role: 'status' });
  private readonly find: HTMLElement;
  private state: RoomState | undefined;

  constructor() {
    this.rows = new Keyed(this.list, (entry) => new RosterRow(entry.person));
    this.search = el('input', {
      class: 'input',
      type: 'search',
      placeholder: 'Find somebody',
      'aria-label': 'Find somebody',
      on: { input: () => this.state && this.draw(this.state) },
    });
    this.find = el('div', { class: 'roster-find' }, icon('search', 18), this.search);
    this.element = el('div', { class: 'roster-all' }, this.find, this.found, this.list);
  }

  draw(state: RoomState): void {
    this.state = state;
    const { people, rights, hands } = state;
    this.find.hidden = people.size < searchFrom && !this.search.value;
    const wanted = this.search.value.trim().toLocaleLowerCase();
    const all = inOrder(state, performance.now());
    const shown = wanted ? all.filter((p) => p.name.toLocaleLowerCase().includes(wanted)) : all;
    setText(this.found, wanted ? `${shown.length} of ${all.length}` : '');
    this.rows.show(shown.map((person) => [person.id, { person, rights, hand: hands.has(person.id) }]));
  }
}

/** From how many people on there is a field to find one. */
const searchFrom = 8;

interface Entry {
  person: Person;
  /** Of this page's own person. */
  rights: Rights;
  hand: boolean;
}

class RosterRow implements Drawn<Entry> {
  readonly element: HTMLElement;
  private readonly name = new PersonName('roster-name');
  private readonly bar = el('span', { class: 'volume-bar' });
  private readonly mic = el('span', { class: 'roster-mic' });
  private readonly hand = el(
    'span',
    { class: 'roster-hand', hidden: true },
    icon('hand', 18),
    el('span', { class: 'unseen' }, 'hand raised'),
  );

  constructor(person: Person) {
    this.element = el(
      'li',
      { class: 'roster-row' },
      el(
        'span',
        { class: 'avatar small', 'aria-hidden': true, 'data-colour': colourOf(person.id) },
        initials(person.name),
      ),
      el('span', { class: 'roster-who' }, this.name.element, this.hand),
      el('span', { class: 'volume', 'aria-hidden': true }, this.bar),
      this.mic,
    );
  }

  draw({ person, rights, hand }: Entry): void {
    const muted = isMuted(person, rights);
    this.name.draw(person);
    this.hand.hidden = !hand;
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
