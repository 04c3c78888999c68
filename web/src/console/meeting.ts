// One meeting: its facts, its people, one person in full, and its record.

import { attribute, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { nameOf } from '../ui/names';
import { confirm } from './confirm';
import { Feed } from './feed';
import { count, lasting, when } from './format';
import type { Frame, Page } from './frame';
import { PeopleTable } from './people';
import { PersonCard } from './person';
import { RecordTable } from './records';
import type { AttendeeRow, Features, MeetingRow, RecordRow, RefusalRow, Sample } from './rows';

/** What the creator asked for, not the defaults. */
function features(f: Features = {}): [string, string][] {
  const all: [string, string | number | undefined][] = [
    ['Echo reduction', f.echoReduction],
    ['Video up to', f.videoMax],
    ['Content up to', f.contentMax],
    ['Attendees up to', f.maxCount],
  ];
  return all.flatMap(([label, value]) => (value ? [[label, String(value)]] : []));
}

export class MeetingPage implements Page {
  readonly element = el('div', { class: 'meeting-page' });
  readonly title = 'Meeting';

  private readonly feed: Feed;
  private readonly people: PeopleTable;
  private readonly records = new RecordTable((id) => this.nameOfAttendee(id));
  private readonly heading = el('h1', {}, 'Meeting');
  private readonly facts = el('dl', { class: 'facts' });
  private readonly problem = el('p', { class: 'note bad', role: 'alert', hidden: true });
  private readonly endButton: HTMLButtonElement;
  private readonly side = el('section', { class: 'side', 'aria-label': 'Attendee' });
  private readonly refused = el('section', { class: 'refused', hidden: true });
  private readonly timer: number;
  private card: PersonCard | undefined;
  private chosen = '';

  constructor(
    private readonly frame: Frame,
    readonly id: string,
    attendee: string,
  ) {
    this.people = new PeopleTable(id);
    this.endButton = el(
      'button',
      { class: 'button danger small', type: 'button', disabled: true, on: { click: () => this.askEnd() } },
      'End meeting',
    );
    fill(
      this.element,
      el(
        'div',
        { class: 'meeting-head' },
        el(
          'a',
          { class: 'plain back', href: '/operator/', 'data-local': true },
          icon('back', 20),
          el('span', { class: 'unseen' }, 'All meetings'),
        ),
        this.heading,
        el('span', { class: 'mono soft full-id' }, id),
        el('span', { class: 'spring' }),
        this.endButton,
      ),
      this.problem,
      this.facts,
      el(
        'div',
        { class: 'people-and-side' },
        el(
          'div',
          { class: 'left' },
          el('section', { class: 'people' }, el('h2', {}, 'Attendees'), this.people.element),
          this.refused,
          el('section', { class: 'records' }, el('h2', {}, 'Record'), this.records.element),
        ),
        this.side,
      ),
    );
    this.select(attendee);
    this.feed = new Feed(frame.server.eventsOf(id), {
      changed: () => this.draw(),
      sample: (sample) => this.sampled(sample as Sample),
      live: (on) => {
        frame.live(on);
        if (on) this.problem.hidden = true;
      },
      fault: (sentence) => {
        this.problem.hidden = false;
        setText(this.problem, `${sentence.charAt(0).toUpperCase()}${sentence.slice(1)}.`);
      },
      signedOut: () => frame.signedOut(),
    });
    this.timer = window.setInterval(() => this.tick(), 1000);
  }

  close(): void {
    window.clearInterval(this.timer);
    this.feed.close();
    this.people.close();
    this.records.close();
  }

  /** Shows an attendee in full, or none. */
  select(attendee: string): void {
    this.chosen = attendee;
    this.people.select(attendee);
    this.element.classList.toggle('with-person', attendee !== '');
    this.side.classList.toggle('none', attendee === '');
    this.card = undefined;
    if (!attendee) {
      fill(
        this.side,
        el(
          'p',
          { class: 'soft side-hint' },
          'Choose an attendee to see how joining went, how the line is, and what can be done.',
        ),
      );
      return;
    }
    const card = new PersonCard(this.frame, this.id, attendee);
    this.card = card;
    fill(this.side, card.element);
    const row = this.feed?.table<AttendeeRow>('attendees').get(attendee);
    if (row) card.draw(row, !this.isEnded());
    this.frame.server
      .history(this.id, attendee)
      .then(({ sessions }) => card.remember(sessions.filter((s) => !s.content).flatMap((s) => s.samples ?? [])))
      .catch(() => undefined); // the chart then begins now
  }

  private meeting(): MeetingRow | undefined {
    return this.feed.table<MeetingRow>('meeting').get(this.id);
  }

  private isEnded(): boolean {
    return (this.meeting()?.ended ?? 0) > 0;
  }

  private nameOfAttendee(id: string): string {
    const attendee = this.feed.table<AttendeeRow>('attendees').get(id);
    return attendee?.external ? nameOf(attendee.external) : id.slice(0, 8);
  }

  private draw(): void {
    const meeting = this.meeting();
    if (!meeting) return;
    setText(this.heading, meeting.external || 'Meeting without a name');
    document.title = `${meeting.external || meeting.id} · Carillon console`;
    attribute(this.endButton, 'disabled', meeting.ended > 0);
    this.drawFacts(meeting);
    const attendees = this.feed.table<AttendeeRow>('attendees');
    this.people.show([...attendees.values()]);
    this.drawRefusals([...this.feed.table<RefusalRow>('refusals').values()]);
    this.records.show([...this.feed.table<RecordRow>('records').values()]);
    const row = attendees.get(this.chosen);
    if (row) this.card?.draw(row, !this.isEnded());
    else if (this.chosen) this.card?.gone();
  }

  private drawFacts(m: MeetingRow): void {
    const facts: [string, string][] = m.ended
      ? [
          ['Ended', `${when(m.ended)}: ${m.reason ?? ''}`],
          ['Lasted', lasting(m.ended - m.created)],
        ]
      : [
          ['Age', lasting(Date.now() - m.created)],
          ['Attendees', `${count(m.connected)} connected of ${count(m.attendees)}`],
          ['Media', `${count(m.audio)} audio, ${count(m.video)} video, ${count(m.content)} content`],
          ['Attendee-minutes', count(m.minutes)],
          ['Host', m.host || 'none yet'],
        ];
    facts.push(
      ['Created', when(m.created)],
      ['Account', m.account],
      ['API', `${m.flavour}, ${m.region}`],
      ['Media Region', m.mediaRegion],
    );
    if (m.primary) facts.push(['Replica of', m.primary]);
    facts.push(...features(m.features));
    for (const tag of m.tags) facts.push([`Tag ${tag.key}`, tag.value]);
    const key = JSON.stringify(facts);
    if (this.facts.dataset.shown === key) return;
    this.facts.dataset.shown = key;
    fill(this.facts, ...facts.map(([label, value]) => el('div', {}, el('dt', {}, label), el('dd', {}, value))));
  }

  /** Joins with a token that was not good: nobody knows whose they were. */
  private drawRefusals(refusals: RefusalRow[]): void {
    const newest = refusals.sort((a, b) => b.at - a.at).slice(0, 20);
    const key = newest.map((r) => r.id).join();
    if (this.refused.dataset.shown === key) return;
    this.refused.dataset.shown = key;
    this.refused.hidden = newest.length === 0;
    const items = newest.map((r) =>
      el(
        'li',
        {},
        el('span', { class: 'soft' }, when(r.at)),
        el('span', { class: 'mono' }, r.remote),
        el('span', {}, r.words),
      ),
    );
    fill(this.refused, el('h2', {}, 'Refused joins'), el('ul', { class: 'refusals' }, ...items));
  }

  private tick(): void {
    const meeting = this.meeting();
    if (meeting) this.drawFacts(meeting);
    this.card?.tick();
  }

  private sampled(sample: Sample): void {
    this.people.sampled(sample);
    const point = sample.points[this.chosen];
    if (this.card && point) this.card.add(point);
  }

  private askEnd(): void {
    const m = this.meeting();
    confirm({
      title: 'End this meeting?',
      text: `Everybody in “${m?.external || this.id}” is disconnected and told that the meeting has ended. Their join tokens stop working. This cannot be undone.`,
      yes: 'End meeting',
      danger: true,
      act: () => this.frame.server.endMeeting(this.id).then(() => this.frame.say('The meeting has ended')),
    });
  }
}
