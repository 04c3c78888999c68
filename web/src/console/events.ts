// What has become of a meeting's latest events at each receiver, newest first.

import { attribute, type Drawn, el, setText } from '../ui/dom';
import { attemptsOf, linesOf, lookOf, type TellingLine, type Told } from './delivery';
import { when } from './format';
import { cell, VirtualTable } from './virtual';

export class EventTable {
  /** Hidden as long as nobody is told anything of the meeting. */
  readonly element: HTMLElement;
  private readonly table: VirtualTable<TellingLine>;

  constructor() {
    this.table = new VirtualTable<TellingLine>({
      label: 'Events',
      columns: [
        { title: 'When', class: 'e-at', sort: (a, b) => a.sequence - b.sequence },
        { title: 'Event', class: 'e-type' },
        { title: 'To', class: 'e-to' },
        { title: 'Outcome', class: 'e-outcome' },
      ],
      rowHeight: 38,
      narrowRowHeight: 62,
      key: (line) => `${line.id} ${line.destination}`,
      make: eventRow,
      sortedBy: 0,
      descending: true,
    });
    this.element = el(
      'section',
      { class: 'records events', hidden: true },
      el('h2', {}, 'Events told'),
      this.table.element,
    );
  }

  close(): void {
    this.table.close();
  }

  show(told: Iterable<Told>): void {
    const lines = linesOf(told);
    this.element.hidden = lines.length === 0;
    this.table.show(lines);
  }
}

function eventRow(): Drawn<TellingLine> {
  const at = cell('e-at');
  const type = cell('e-type');
  const to = cell('e-to mono');
  const outcome = cell('e-outcome');
  const pill = el('span', { class: 'pill' });
  const attempts = el('span', { class: 'soft' });
  outcome.append(pill, ' ', attempts);
  return {
    element: el('div', { class: 'vt-row', role: 'row' }, at, type, to, outcome),
    draw(line) {
      setText(at, when(line.at));
      setText(type, line.type.replace('chime:', ''));
      attribute(type, 'title', `number ${line.sequence} of the meeting, id ${line.id}`);
      setText(to, line.destination);
      attribute(to, 'title', line.destination); // an ARN is long
      setText(pill, line.state);
      attribute(pill, 'class', `pill ${lookOf(line)}`);
      setText(attempts, attemptsOf(line));
      attribute(outcome, 'title', attemptsOf(line));
    },
  };
}
