// The attendees of a meeting, each in one line.

import { attribute, el, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { nameOf } from '../meeting/names';
import { loudness, percent } from './format';
import type { AttendeeRow, Sample } from './rows';
import { cell, VirtualTable } from './virtual';

/** What a session's state is called. */
export function stateWord(state: string): string {
  const words: Record<string, string> = {
    '': 'not joined',
    joining: 'joining',
    connected: 'connected',
    left: 'left',
    dropped: 'lost',
    failed: 'failed to join',
    removed: 'removed',
    replaced: 'came back',
  };
  return words[state] ?? state;
}

// Those in trouble come first, then those who are there.
const stateOrder = ['failed', 'dropped', 'joining', 'connected', '', 'left', 'removed', 'replaced'];

export class PeopleTable {
  readonly element: HTMLElement;
  private readonly table: VirtualTable<AttendeeRow>;
  private chosen = '';
  private points: Sample['points'] = {};

  constructor(meeting: string) {
    this.table = new VirtualTable<AttendeeRow>({
      label: 'Attendees',
      columns: [
        { title: 'Name', class: 'a-name', sort: (a, b) => nameOf(a.external).localeCompare(nameOf(b.external)) },
        { title: 'State', class: 'a-state', sort: (a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state) || a.order - b.order },
        { title: 'Volume', class: 'a-volume' },
        { title: 'Lost', class: 'a-loss number' },
      ],
      rowHeight: 44,
      narrowRowHeight: 52,
      key: (a) => a.id,
      make: makeRow,
      update: (row, a) => this.drawRow(row, a, meeting),
      empty: 'Nobody was invited yet: no attendee has been created.',
      sortedBy: 1,
    });
    this.element = this.table.element;
  }

  close(): void {
    this.table.close();
  }

  show(attendees: AttendeeRow[]): void {
    this.table.show(attendees);
  }

  select(attendee: string): void {
    this.chosen = attendee;
    this.table.later();
  }

  sampled(sample: Sample): void {
    this.points = sample.points;
    this.table.later();
  }

  private drawRow(row: HTMLElement, a: AttendeeRow, meeting: string): void {
    const link = row.querySelector('a') as HTMLElement;
    attribute(link, 'href', `/operator/meetings/${meeting}/${a.id}`);
    attribute(link, 'aria-current', a.id === this.chosen ? 'true' : undefined);
    setText(link, a.external ? nameOf(a.external) : `${a.id.slice(0, 8)} (deleted)`);
    row.classList.toggle('chosen', a.id === this.chosen);
    const state = row.querySelector('.pill') as HTMLElement;
    attribute(state, 'data-state', a.state);
    setText(state, stateWord(a.state));
    const own = a.sessions.find((s) => !s.content && s.state === 'connected');
    const point = own && this.points[a.id];
    (row.querySelector('[data-mark=muted]') as HTMLElement).hidden = !own?.muted && maySend(a);
    (row.querySelector('[data-mark=video]') as HTMLElement).hidden = !own?.video;
    const sharing = a.sessions.some((s) => s.content && s.state === 'connected');
    (row.querySelector('[data-mark=share]') as HTMLElement).hidden = !sharing;
    const bar = row.querySelector('.volume-bar') as HTMLElement;
    bar.style.transform = `scaleX(${point ? loudness(point.level).toFixed(2) : 0})`;
    setText(row.querySelector('.a-loss') as HTMLElement, point ? percent(Math.max(point.lossIn, point.lossOut)) : '–');
  }
}

/** Whether the attendee's capabilities let it be heard. */
export function maySend(a: AttendeeRow): boolean {
  return !a.capabilities || a.capabilities.audio === 'SendReceive' || a.capabilities.audio === 'Send';
}

function makeRow(): HTMLElement {
  const mark = (name: string, kind: 'micOff' | 'camera' | 'share', label: string) =>
    el('span', { class: 'mark', 'data-mark': name, title: label }, icon(kind, 16), el('span', { class: 'unseen' }, label));
  return el(
    'div',
    { class: 'vt-row', role: 'row' },
    cell('a-name', el('a', { 'data-local': true })),
    cell(
      'a-state',
      el('span', { class: 'pill' }),
      mark('muted', 'micOff', 'muted'),
      mark('video', 'camera', 'camera on'),
      mark('share', 'share', 'sharing'),
    ),
    cell('a-volume', el('span', { class: 'volume' }, el('span', { class: 'volume-bar' }))),
    cell('a-loss number'),
  );
}
