// The attendees of a meeting, each in one line.

import { attribute, type Drawn, el, setText } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';
import { compareNames, nameOf } from '../ui/names';
import { loudness, nameOfAttendee, percent } from './format';
import type { AttendeeRow, Sample, State } from './rows';
import { cell, VirtualTable } from './virtual';

/** What a connection's state is called. */
export const stateWords: Record<State | '', string> = {
  '': 'not joined',
  joining: 'joining',
  connected: 'connected',
  left: 'left',
  dropped: 'lost',
  failed: 'failed to join',
  removed: 'removed',
  replaced: 'came back',
};

/** Where an attendee stands: that of its newest connection, unless it was removed since. */
export function stateOf(a: AttendeeRow): State | '' {
  return a.deleted ? 'removed' : a.state;
}

/** What is said of where an attendee stands. Of a meeting that has ended, its connections may not have been kept. */
export function stateWord(a: AttendeeRow, ended: boolean): string {
  const state = stateOf(a);
  return ended && !state ? 'no connection kept' : stateWords[state];
}

// Those in trouble come first, then those who are there.
const stateOrder: (State | '')[] = ['failed', 'dropped', 'joining', 'connected', '', 'left', 'removed', 'replaced'];
const rank = (a: AttendeeRow) => stateOrder.indexOf(stateOf(a));

export class PeopleTable {
  readonly element: HTMLElement;
  private readonly table: VirtualTable<AttendeeRow>;
  private chosen = '';
  private ended = false;
  private points: Sample['points'] = {};

  constructor(meeting: string) {
    this.table = new VirtualTable<AttendeeRow>({
      label: 'Attendees',
      columns: [
        { title: 'Name', class: 'a-name', sort: (a, b) => compareNames(nameOf(a.external), nameOf(b.external)) },
        { title: 'State', class: 'a-state', sort: (a, b) => rank(a) - rank(b) || a.order - b.order },
        { title: 'Volume', class: 'a-volume' },
        { title: 'Lost', class: 'a-loss number' },
      ],
      rowHeight: 44,
      narrowRowHeight: 52,
      key: (a) => a.id,
      make: () => this.row(meeting),
      sortedBy: 1,
    });
    this.element = this.table.element;
  }

  close(): void {
    this.table.close();
  }

  /** Shows who was invited to a meeting, which may have ended. */
  show(attendees: AttendeeRow[], ended: boolean): void {
    this.ended = ended;
    this.table.explain(
      ended
        ? 'Nobody was invited, or nothing of it was kept.'
        : 'Nobody was invited yet: no attendee has been created.',
    );
    this.table.show(attendees);
  }

  select(attendee: string): void {
    this.chosen = attendee;
    this.table.later();
  }

  /** Takes what is measured now; nothing when that is not known. */
  sampled(points: Sample['points']): void {
    this.points = points;
    this.table.later();
  }

  private row(meeting: string): Drawn<AttendeeRow> {
    const link = el('a', { 'data-local': true });
    const state = el('span', { class: 'pill' });
    const muted = new Mark('micOff', 'muted');
    const video = new Mark('camera', 'camera on');
    const share = new Mark('share', 'sharing');
    const bar = el('span', { class: 'volume-bar' });
    const loss = cell('a-loss number');
    const name = cell('a-name', link);
    const element = el(
      'div',
      { class: 'vt-row', role: 'row' },
      name,
      cell('a-state', state, muted.element, video.element, share.element),
      cell('a-volume', el('span', { class: 'volume' }, bar)),
      loss,
    );
    const draw = (a: AttendeeRow) => {
      const chosen = a.id === this.chosen;
      attribute(link, 'href', `/operator/meetings/${meeting}/${a.id}`);
      attribute(link, 'aria-current', chosen ? 'true' : undefined);
      setText(link, nameOfAttendee(a.id, a.external));
      attribute(name, 'title', link.textContent ?? ''); // there may be room for a part of it only
      element.classList.toggle('chosen', chosen);
      attribute(state, 'data-state', stateOf(a));
      setText(state, stateWord(a, this.ended));
      const own = a.sessions.find((s) => !s.content && s.state === 'connected');
      const point = own && this.points[a.id];
      muted.show(!!own?.muted || !maySpeak(a), maySpeak(a) ? 'muted' : silencedWords(a));
      video.show(!!own?.video);
      share.show(a.sessions.some((s) => s.content && s.state === 'connected'));
      bar.style.transform = `scaleX(${point ? loudness(point.level).toFixed(2) : 0})`;
      setText(loss, point ? percent(Math.max(point.lossIn, point.lossOut)) : '–');
    };
    return { element, draw };
  }
}

/** A small icon with words for those who do not see it. */
class Mark {
  readonly element: HTMLElement;
  private readonly words: HTMLElement;

  constructor(kind: IconName, label: string) {
    this.words = el('span', { class: 'unseen' }, label);
    this.element = el('span', { class: 'mark', title: label }, icon(kind, 16), this.words);
  }

  show(on: boolean, label?: string): void {
    this.element.hidden = !on;
    if (!label) return;
    attribute(this.element, 'title', label);
    setText(this.words, label);
  }
}

/** Why somebody may not speak. */
export function silencedWords(a: AttendeeRow): string {
  return a.capabilitiesBy?.startsWith('operator:') ? 'muted by an operator' : 'may not send audio';
}

/** Whether the attendee's capabilities let it be heard. */
export function maySpeak(a: AttendeeRow): boolean {
  return !a.capabilities || a.capabilities.audio === 'SendReceive' || a.capabilities.audio === 'Send';
}
