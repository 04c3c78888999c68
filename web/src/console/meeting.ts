// One meeting: its facts, its people, one person in full, and its record.

import { el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { confirm } from './confirm';
import type { Told } from './delivery';
import { EventTable } from './events';
import { FactList, factsOf } from './facts';
import { Feed } from './feed';
import { nameOfAttendee } from './format';
import type { Frame, Page } from './frame';
import { PeopleTable } from './people';
import { PersonCard } from './person';
import type { Liveness } from './pulse';
import { Recordings } from './recordings';
import { RecordTable } from './records';
import { Refusals } from './refusals';
import type { AttendeeRow, MeetingRow, RecordingRow, RecordRow, RefusalRow, Sample } from './rows';

export class MeetingPage implements Page {
  readonly element = el('div', { class: 'meeting-page' });
  readonly title = 'Meeting';

  private readonly feed: Feed;
  private readonly people: PeopleTable;
  private readonly records = new RecordTable();
  private readonly events = new EventTable();
  private readonly refusals = new Refusals();
  private readonly recordings: Recordings;
  private readonly heading = el('h1', {}, 'Meeting');
  private readonly facts = new FactList();
  private readonly end: HTMLButtonElement;
  private readonly side = el('section', { class: 'side', 'aria-label': 'Attendee' });
  private readonly known = el('div', { class: 'people-and-side', hidden: true }); // until there is something to show
  private readonly timer: number;
  private card: PersonCard | undefined;
  private chosen = '';
  private live = false;

  constructor(
    private readonly frame: Frame,
    readonly id: string,
    attendee: string,
  ) {
    this.people = new PeopleTable(id);
    this.recordings = new Recordings(frame.server, id, frame.say);
    this.end = el(
      'button',
      { class: 'button danger small', type: 'button', hidden: true, on: { click: () => this.askEnd() } },
      'End meeting',
    );
    this.layout();
    this.feed = new Feed(frame.server.eventsOf(id), {
      changed: () => this.draw(),
      sample: (sample) => this.sampled(sample.points),
      liveness: (liveness) => this.pulse(liveness),
      signedOut: () => frame.signedOut(),
    });
    this.select(attendee);
    this.timer = window.setInterval(() => this.tick(), 1000);
  }

  close(): void {
    window.clearInterval(this.timer);
    this.feed.close();
    this.people.close();
    this.events.close();
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
        el('p', { class: 'soft side-hint' }, 'Choose an attendee to see how joining went and how the line is.'),
      );
      return;
    }
    const card = new PersonCard(this.frame.server, this.id, attendee, () => this.feed.now(), this.frame.say);
    this.card = card;
    fill(this.side, card.element);
    this.drawCard();
    this.frame.server
      .history(this.id, attendee)
      .then(({ sessions }) => card.remember(sessions.filter((s) => !s.content).flatMap((s) => s.samples ?? [])))
      .catch(() => undefined); // the chart then begins now
  }

  private layout(): void {
    fill(
      this.known,
      el(
        'div',
        { class: 'left' },
        el('section', { class: 'people' }, el('h2', {}, 'Attendees'), this.people.element),
        this.recordings.element,
        this.refusals.element,
        this.events.element,
        el('section', { class: 'records' }, el('h2', {}, 'Record'), this.records.element),
      ),
      this.side,
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
        el('span', { class: 'mono soft full-id' }, this.id),
        el('span', { class: 'spring' }),
        this.end,
      ),
      this.facts.element,
      this.known,
    );
  }

  private meeting(): MeetingRow | undefined {
    return this.feed.table<MeetingRow>('meeting').get(this.id);
  }

  private draw(): void {
    const meeting = this.meeting();
    if (!meeting) return;
    const ended = meeting.ended > 0;
    this.known.hidden = false;
    this.end.hidden = ended || this.frame.server.readOnly !== '';
    setText(this.heading, meeting.external || 'Meeting without a name');
    this.frame.title(meeting.external || meeting.id);
    this.facts.show(factsOf(meeting, this.feed.now()));
    const attendees = this.feed.table<AttendeeRow>('attendees');
    this.people.show([...attendees.values()], ended);
    this.side.hidden = attendees.size === 0 && !this.chosen; // nobody to choose
    this.recordings.show([...this.feed.table<RecordingRow>('recordings').values()], ended, (id) =>
      nameOfAttendee(id, attendees.get(id)?.external),
    );
    this.refusals.show([...this.feed.table<RefusalRow>('refusals').values()]);
    this.events.show(this.feed.table<Told>('events').values());
    this.records.show([...this.feed.table<RecordRow>('records').values()], ended);
    this.drawCard();
  }

  private drawCard(): void {
    const meeting = this.meeting();
    if (!meeting) return;
    const row = this.feed.table<AttendeeRow>('attendees').get(this.chosen);
    this.card?.draw(row, meeting.ended > 0);
  }

  /** What changes with time alone; nothing is known to change while the server is silent. */
  private tick(): void {
    const meeting = this.meeting();
    if (meeting && this.live) this.facts.show(factsOf(meeting, this.feed.now()));
    this.card?.tick(this.live);
  }

  private sampled(points: Sample['points']): void {
    this.people.sampled(points);
    const point = points[this.chosen];
    if (point) this.card?.add(point);
  }

  private pulse(liveness: Liveness): void {
    this.live = liveness.state === 'live';
    if (!this.live) this.people.sampled({});
    this.frame.liveness(liveness);
  }

  private askEnd(): void {
    confirm({
      title: 'End this meeting?',
      text: `Everybody in “${this.meeting()?.external || this.id}” is disconnected and told that the meeting has ended. Their join tokens stop working. This cannot be undone.`,
      yes: 'End meeting',
      danger: true,
      act: () => this.frame.server.endMeeting(this.id).then(() => this.frame.say('The meeting has ended')),
    });
  }
}
