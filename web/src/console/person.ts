// One attendee in full: how joining went, how the line is, what can be done.

import { attribute, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { FactList } from './facts';
import { nameOfAttendee } from './format';
import { LineCharts } from './linecharts';
import { stateOf, stateWord } from './people';
import { PersonActions } from './personactions';
import { personFacts } from './personfacts';
import type { AttendeeRow, Point } from './rows';
import type { Server } from './server';
import { drawTimeline } from './timeline';

export class PersonCard {
  readonly element: HTMLElement;
  private readonly heading = el('h2', { class: 'person-name' }, 'Attendee');
  private readonly state = el('span', { class: 'pill' });
  private readonly facts = new FactList('compact');
  private readonly timeline = el('ol', { class: 'timeline', 'aria-label': 'How joining went' });
  private readonly tries = el('p', { class: 'soft tries' });
  private readonly charts: LineCharts;
  private readonly actions: PersonActions;
  private readonly body: HTMLElement; // hidden until the attendee is known
  private row: AttendeeRow | undefined;

  /** now tells the server's time. */
  constructor(
    server: Server,
    meeting: string,
    private readonly id: string,
    private readonly now: () => number,
    say: (text: string) => void,
  ) {
    this.charts = new LineCharts(now);
    this.actions = new PersonActions(server, meeting, id, say);
    this.body = el(
      'div',
      { class: 'person-body', hidden: true },
      this.actions.element,
      this.facts.element,
      el('h3', {}, 'Joining'),
      this.timeline,
      this.tries,
      el('h3', {}, 'Line'),
      this.charts.element,
    );
    this.element = el('article', { class: 'person' }, this.head(meeting), this.body);
  }

  /** Takes what was measured before this card was opened. */
  remember(points: Point[]): void {
    this.charts.remember(points);
  }

  add(point: Point): void {
    this.charts.add(point);
  }

  /** Shows the attendee; undefined when the meeting has none of this id. */
  draw(row: AttendeeRow | undefined, ended: boolean): void {
    this.row = row;
    this.body.hidden = !row;
    this.state.hidden = !row;
    if (!row) {
      setText(this.heading, 'No such attendee');
      return;
    }
    setText(this.heading, nameOfAttendee(this.id, row.external));
    setText(this.state, stateWord(row, ended));
    attribute(this.state, 'data-state', stateOf(row));
    this.actions.draw(row, ended);
    const own = row.sessions.filter((s) => !s.content);
    drawTimeline(this.timeline, own.at(-1), ended);
    setText(this.tries, own.length > 1 ? `The newest of ${own.length} connections is shown.` : '');
    this.drawFacts(row);
  }

  /** Called once a second; live tells whether what is known is of now. */
  tick(live: boolean): void {
    if (this.row && live) this.drawFacts(this.row);
    this.charts.draw();
  }

  private drawFacts(row: AttendeeRow): void {
    this.facts.show(personFacts(row, this.charts.current, this.now()));
  }

  private head(meeting: string): HTMLElement {
    const close = el(
      'a',
      { class: 'plain back', href: `/operator/meetings/${meeting}`, 'data-local': true },
      icon('cross', 18),
      el('span', { class: 'unseen' }, 'Close'),
    );
    const head = el('header', { class: 'person-head' });
    fill(head, close, this.heading, this.state);
    return head;
  }
}
