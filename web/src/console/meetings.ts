// The list of meetings: those that go on, or those that have ended.

import { el, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { Feed } from './feed';
import { count } from './format';
import type { Frame, Page } from './frame';
import { endedColumns, endedRow, liveColumns, liveRow } from './meetinglist';
import type { MeetingRow } from './rows';
import { VirtualTable } from './virtual';

type Counted = 'meetings' | 'connected' | 'audio' | 'video' | 'content';

/** What is counted over all meetings: one of it, and more. */
const words: Record<Counted, [string, string]> = {
  meetings: ['meeting', 'meetings'],
  connected: ['person', 'people'],
  audio: ['with audio', 'with audio'],
  video: ['camera', 'cameras'],
  content: ['share', 'shares'],
};

export class MeetingsPage implements Page {
  readonly element: HTMLElement;
  readonly title: string;

  private readonly feed: Feed;
  private readonly table: VirtualTable<MeetingRow>;
  private readonly totals: Record<Counted, { word: HTMLElement; number: HTMLElement }>;
  private readonly found = el('span', { class: 'soft found', role: 'status' });
  private readonly search: HTMLInputElement;
  private readonly timer: number;
  private live = false;

  constructor(
    frame: Frame,
    private readonly ended: boolean,
  ) {
    this.title = ended ? 'Ended meetings' : 'Meetings';
    this.search = el('input', {
      class: 'input',
      type: 'search',
      placeholder: 'Find by name, id, account or host',
      'aria-label': 'Find meetings',
      on: { input: () => this.draw() },
    });
    const total = () => ({ word: el('dt'), number: el('dd') });
    this.totals = { meetings: total(), connected: total(), audio: total(), video: total(), content: total() };
    this.table = new VirtualTable<MeetingRow>({
      label: this.title,
      columns: ended ? endedColumns : liveColumns,
      rowHeight: 48,
      narrowRowHeight: 76,
      key: (m) => m.id,
      make: () => (ended ? endedRow() : liveRow(() => this.feed.now())),
      empty: ended
        ? 'No meeting has ended lately. The last 500 are listed here; each is kept for some days.'
        : 'No meetings now. They appear here the moment they are created.',
      sortedBy: 3,
      descending: ended,
    });
    this.element = el(
      'div',
      { class: ended ? 'list-page ended' : 'list-page' },
      el('div', { class: 'list-head' }, el('h1', {}, this.title), !ended && this.summary()),
      el('div', { class: 'find' }, icon('search', 18), this.search, this.found),
      this.table.element,
    );
    this.feed = new Feed(frame.server.eventsOf(), {
      changed: () => this.draw(),
      liveness: (liveness) => {
        this.live = liveness.state === 'live';
        frame.liveness(liveness);
      },
      signedOut: () => frame.signedOut(),
    });
    this.timer = window.setInterval(() => this.live && this.table.later(), 1000); // ages grow
  }

  close(): void {
    window.clearInterval(this.timer);
    this.feed.close();
    this.table.close();
  }

  private summary(): HTMLElement {
    const pairs = Object.values(this.totals).map(({ word, number }) => el('div', {}, word, number));
    return el('dl', { class: 'totals' }, ...pairs);
  }

  private draw(): void {
    const wanted = this.search.value.trim().toLowerCase();
    const rows: MeetingRow[] = [];
    const sum = { meetings: 0, connected: 0, audio: 0, video: 0, content: 0 };
    for (const m of this.feed.table<MeetingRow>('meetings').values()) {
      if (m.ended > 0 !== this.ended) continue;
      sum.meetings++;
      sum.connected += m.connected;
      sum.audio += m.audio;
      sum.video += m.video;
      sum.content += m.content;
      if (!wanted || `${m.external} ${m.id} ${m.account} ${m.host}`.toLowerCase().includes(wanted)) rows.push(m);
    }
    for (const key of Object.keys(sum) as Counted[]) {
      const [one, more] = words[key];
      setText(this.totals[key].number, count(sum[key]));
      setText(this.totals[key].word, sum[key] === 1 ? one : more);
    }
    setText(this.found, wanted ? `${count(rows.length)} found` : '');
    this.table.show(rows);
  }
}
