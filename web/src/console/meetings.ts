// The list of meetings: those that go on, or those that have ended.

import { attribute, el, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { Feed } from './feed';
import { count, lasting, short, when } from './format';
import type { Frame, Page } from './main';
import type { MeetingRow } from './rows';
import { cell, type Column, VirtualTable } from './virtual';

const byText = (of: (m: MeetingRow) => string) => (a: MeetingRow, b: MeetingRow) => of(a).localeCompare(of(b));
const byNumber = (of: (m: MeetingRow) => number) => (a: MeetingRow, b: MeetingRow) => of(a) - of(b);

const liveColumns: Column<MeetingRow>[] = [
  { title: 'Meeting', class: 'm-name', sort: byText((m) => m.external || m.id) },
  { title: 'Account', class: 'm-account', sort: byText((m) => m.account) },
  { title: 'API', class: 'm-flavour', sort: byText((m) => m.flavour) },
  { title: 'Age', class: 'm-age number', sort: (a, b) => b.created - a.created },
  { title: 'Here', class: 'm-people number', sort: byNumber((m) => m.connected * 1000 + m.attendees) },
  { title: 'Media', class: 'm-media' },
  { title: 'Minutes', class: 'm-minutes number', sort: byNumber((m) => m.minutes) },
  { title: 'Host', class: 'm-host', sort: byText((m) => m.host) },
];

const endedColumns: Column<MeetingRow>[] = [
  { title: 'Meeting', class: 'm-name', sort: byText((m) => m.external || m.id) },
  { title: 'Account', class: 'm-account', sort: byText((m) => m.account) },
  { title: 'API', class: 'm-flavour', sort: byText((m) => m.flavour) },
  { title: 'Ended', class: 'm-ended number', sort: byNumber((m) => m.ended) },
  { title: 'Lasted', class: 'm-age number', sort: byNumber((m) => m.ended - m.created) },
  { title: 'Why', class: 'm-why', sort: byText((m) => m.reason ?? '') },
];

export class MeetingsPage implements Page {
  readonly element: HTMLElement;
  readonly title: string;

  private readonly feed: Feed;
  private readonly table: VirtualTable<MeetingRow>;
  private readonly totals: Record<'meetings' | 'connected' | 'audio' | 'video' | 'content', HTMLElement>;
  private readonly problem = el('p', { class: 'note bad', role: 'alert', hidden: true });
  private readonly found = el('span', { class: 'soft found', role: 'status' });
  private readonly search: HTMLInputElement;
  private readonly timer: number;

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
    const total = () => el('dd', {}, '0');
    this.totals = { meetings: total(), connected: total(), audio: total(), video: total(), content: total() };
    this.table = new VirtualTable<MeetingRow>({
      label: this.title,
      columns: ended ? endedColumns : liveColumns,
      rowHeight: 48,
      narrowRowHeight: 76,
      key: (m) => m.id,
      make: ended ? makeEnded : makeLive,
      update: ended ? drawEnded : drawLive,
      empty: ended ? 'No meeting has ended lately. Ended meetings are kept for a while to say why.' : 'No meetings now. They appear here the moment they are created.',
      sortedBy: 3,
      descending: ended,
    });
    this.element = el(
      'div',
      { class: ended ? 'list-page ended' : 'list-page' },
      el('div', { class: 'list-head' }, el('h1', {}, this.title), !ended && this.summary()),
      el('div', { class: 'find' }, icon('search', 18), this.search, this.found),
      this.problem,
      this.table.element,
    );
    this.feed = new Feed(frame.server.eventsOf(), {
      changed: () => this.draw(),
      live: (on) => {
        frame.live(on);
        if (on) this.problem.hidden = true;
      },
      fault: (sentence) => {
        this.problem.hidden = false;
        setText(this.problem, sentence);
      },
      signedOut: () => frame.signedOut(),
    });
    this.timer = window.setInterval(() => this.table.later(), 1000); // ages grow
  }

  close(): void {
    window.clearInterval(this.timer);
    this.feed.close();
    this.table.close();
  }

  private summary(): HTMLElement {
    const pair = (label: string, value: HTMLElement) => el('div', {}, el('dt', {}, label), value);
    const t = this.totals;
    return el(
      'dl',
      { class: 'totals' },
      pair('meetings', t.meetings),
      pair('people', t.connected),
      pair('with audio', t.audio),
      pair('cameras', t.video),
      pair('shares', t.content),
    );
  }

  private draw(): void {
    const wanted = this.search.value.trim().toLowerCase();
    const rows: MeetingRow[] = [];
    const sum = { meetings: 0, connected: 0, audio: 0, video: 0, content: 0 };
    for (const m of this.feed.table<MeetingRow>('meetings').values()) {
      if ((m.ended > 0) !== this.ended) continue;
      sum.meetings++;
      sum.connected += m.connected;
      sum.audio += m.audio;
      sum.video += m.video;
      sum.content += m.content;
      if (!wanted || `${m.external} ${m.id} ${m.account} ${m.host}`.toLowerCase().includes(wanted)) rows.push(m);
    }
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) setText(this.totals[key], count(sum[key]));
    setText(this.found, wanted ? `${count(rows.length)} found` : '');
    this.table.show(rows);
  }
}

function makeName(): HTMLElement {
  return cell('m-name', el('a', { 'data-local': true }), el('span', { class: 'mono soft m-id' }));
}

function drawName(row: HTMLElement, m: MeetingRow): void {
  const link = row.querySelector('a') as HTMLElement;
  attribute(link, 'href', `/operator/meetings/${m.id}`);
  setText(link, m.external || 'without a name');
  setText(row.querySelector('.m-id') as HTMLElement, short(m.id));
  setText(row.querySelector('.m-account') as HTMLElement, m.account);
  const flavour = row.querySelector('.m-flavour') as HTMLElement;
  setText(flavour, m.flavour);
}

const media = [
  { key: 'audio', icon: 'mic', label: 'with audio' },
  { key: 'video', icon: 'camera', label: 'with camera' },
  { key: 'content', icon: 'share', label: 'sharing' },
] as const;

function makeLive(): HTMLElement {
  const kinds = media.map((kind) =>
    el('span', { class: 'm-kind', 'data-kind': kind.key, title: kind.label }, icon(kind.icon, 16), el('span', { class: 'm-kind-count' }), el('span', { class: 'unseen' }, ` ${kind.label}`)),
  );
  return el(
    'div',
    { class: 'vt-row', role: 'row' },
    makeName(),
    cell('m-account mono'),
    cell('m-flavour'),
    cell('m-age number'),
    cell('m-people number'),
    cell('m-media', ...kinds),
    cell('m-minutes number'),
    cell('m-host mono'),
  );
}

function drawLive(row: HTMLElement, m: MeetingRow): void {
  drawName(row, m);
  const set = (name: string, text: string) => setText(row.querySelector(name) as HTMLElement, text);
  set('.m-age', lasting(Date.now() - m.created));
  set('.m-people', `${m.connected} / ${m.attendees}`);
  set('.m-minutes', count(m.minutes));
  set('.m-host', m.host || '–');
  for (const { key } of media) {
    const kind = row.querySelector(`[data-kind=${key}]`) as HTMLElement;
    setText(kind.querySelector('.m-kind-count') as HTMLElement, String(m[key]));
    kind.classList.toggle('none', m[key] === 0);
  }
  row.classList.toggle('faulty', m.faults > 0);
  attribute(row, 'title', m.faults ? `${m.faults} connections failed while joining` : undefined);
}

function makeEnded(): HTMLElement {
  return el(
    'div',
    { class: 'vt-row', role: 'row' },
    makeName(),
    cell('m-account mono'),
    cell('m-flavour'),
    cell('m-ended number'),
    cell('m-age number'),
    cell('m-why'),
  );
}

function drawEnded(row: HTMLElement, m: MeetingRow): void {
  drawName(row, m);
  const set = (name: string, text: string) => setText(row.querySelector(name) as HTMLElement, text);
  set('.m-ended', when(m.ended));
  set('.m-age', lasting(m.ended - m.created));
  set('.m-why', m.reason ?? '');
}
