// The attendees of a meeting, each in one line.

import { attribute, type Drawn, el, setText } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';
import { nameOf } from '../ui/names';
import { loudness, percent } from './format';
import type { AttendeeRow, Sample, State } from './rows';
import { cell, VirtualTable } from './virtual';

/** What a session's state is called. */
export function stateWord(state: State | ''): string {
  const words: Record<State | '', string> = {
    '': 'not joined',
    joining: 'joining',
    connected: 'connected',
    left: 'left',
    dropped: 'lost',
    failed: 'failed to join',
    removed: 'removed',
    replaced: 'came back',
  };
  return words[state];
}

// Those in trouble come first, then those who are there.
const stateOrder: (State | '')[] = ['failed', 'dropped', 'joining', 'connected', '', 'left', 'removed', 'replaced'];

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
        {
          title: 'State',
          class: 'a-state',
          sort: (a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state) || a.order - b.order,
        },
        { title: 'Volume', class: 'a-volume' },
        { title: 'Lost', class: 'a-loss number' },
      ],
      rowHeight: 44,
      narrowRowHeight: 52,
      key: (a) => a.id,
      make: () => this.row(meeting),
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

  private row(meeting: string): Drawn<AttendeeRow> {
    const link = el('a', { 'data-local': true });
    const state = el('span', { class: 'pill' });
    const muted = mark('micOff', 'muted');
    const video = mark('camera', 'camera on');
    const share = mark('share', 'sharing');
    const bar = el('span', { class: 'volume-bar' });
    const loss = cell('a-loss number');
    const element = el(
      'div',
      { class: 'vt-row', role: 'row' },
      cell('a-name', link),
      cell('a-state', state, muted, video, share),
      cell('a-volume', el('span', { class: 'volume' }, bar)),
      loss,
    );
    const draw = (a: AttendeeRow) => {
      const chosen = a.id === this.chosen;
      attribute(link, 'href', `/operator/meetings/${meeting}/${a.id}`);
      attribute(link, 'aria-current', chosen ? 'true' : undefined);
      setText(link, a.external ? nameOf(a.external) : `${a.id.slice(0, 8)} (deleted)`);
      element.classList.toggle('chosen', chosen);
      attribute(state, 'data-state', a.state);
      setText(state, stateWord(a.state));
      const own = a.sessions.find((s) => !s.content && s.state === 'connected');
      const point = own && this.points[a.id];
      muted.hidden = !own?.muted && maySend(a);
      video.hidden = !own?.video;
      share.hidden = !a.sessions.some((s) => s.content && s.state === 'connected');
      bar.style.transform = `scaleX(${point ? loudness(point.level).toFixed(2) : 0})`;
      setText(loss, point ? percent(Math.max(point.lossIn, point.lossOut)) : '–');
    };
    return { element, draw };
  }
}

function mark(kind: IconName, label: string): HTMLElement {
  return el('span', { class: 'mark', title: label }, icon(kind, 16), el('span', { class: 'unseen' }, label));
}

/** Whether the attendee's capabilities let it be heard. */
export function maySend(a: AttendeeRow): boolean {
  return !a.capabilities || a.capabilities.audio === 'SendReceive' || a.capabilities.audio === 'Send';
}
