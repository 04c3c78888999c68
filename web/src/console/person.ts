// One attendee in full: how joining went, how the line is, what can be done.

import { attribute, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { nameOf } from '../ui/names';
import { capabilityFields } from './capabilities';
import { Chart, span } from './chart';
import { confirm } from './confirm';
import { lasting, loudness, percent, when } from './format';
import type { Frame } from './frame';
import { measuredFacts, rate } from './measured';
import { maySend, stateWord } from './people';
import type { AttendeeRow, Point, SessionRow } from './rows';
import { drawTimeline } from './timeline';

export class PersonCard {
  readonly element: HTMLElement;
  private readonly heading = el('h2', { class: 'person-name' }, 'Attendee');
  private readonly state = el('span', { class: 'pill' });
  private readonly facts = el('dl', { class: 'facts compact' });
  private readonly timeline = el('ol', { class: 'timeline', 'aria-label': 'How joining went' });
  private readonly tries = el('p', { class: 'soft tries' });
  private readonly volume: Chart<Point>;
  private readonly loss: Chart<Point>;
  private readonly rate: Chart<Point>;
  private readonly mute: HTMLButtonElement;
  private readonly change: HTMLButtonElement;
  private readonly remove: HTMLButtonElement;
  private points: Point[] = [];
  private row: AttendeeRow | undefined;

  constructor(
    private readonly frame: Frame,
    private readonly meeting: string,
    private readonly id: string,
  ) {
    this.volume = new Chart({
      title: 'Volume',
      series: [{ label: 'speaks', class: 'one', of: (p) => loudness(p.level) * 100 }],
      top: () => 100,
      format: (v) => `${Math.round(v)} %`,
    });
    this.loss = new Chart({
      title: 'Packets lost',
      series: [
        { label: 'from client', class: 'one', of: (p) => p.lossIn },
        { label: 'to client', class: 'two', of: (p) => p.lossOut },
      ],
      top: (largest) => (largest <= 5 ? 5 : largest <= 20 ? 20 : 100),
      format: percent,
    });
    this.rate = new Chart({
      title: 'Video rate',
      series: [
        { label: 'from client', class: 'one', of: (p) => p.kbpsIn },
        { label: 'to client', class: 'two', of: (p) => p.kbpsOut },
      ],
      top: (largest) => niceAbove(largest),
      format: rate,
    });
    const button = (text: string, look: string, click: () => void) =>
      el('button', { class: `button small ${look}`, type: 'button', on: { click } }, text);
    this.mute = button('Mute', '', () => this.askMute());
    this.change = button('Capabilities…', '', () => this.askCapabilities());
    this.remove = button('Remove', 'danger', () => this.askRemove());
    this.element = this.layout();
  }

  /** Takes what was measured before this card was opened. */
  remember(points: Point[]): void {
    const since = this.points[0]?.at ?? Infinity;
    this.points = [...points.filter((p) => p.at < since), ...this.points];
    this.drawCharts();
  }

  add(point: Point): void {
    this.points.push(point);
    while (this.points.length && (this.points[0] as Point).at < point.at - span) this.points.shift();
    this.drawCharts();
  }

  /** The attendee is not in the meeting (any more) and left no trace. */
  gone(): void {
    setText(this.heading, 'No such attendee');
    for (const button of [this.mute, this.change, this.remove]) button.disabled = true;
  }

  draw(row: AttendeeRow, active: boolean): void {
    this.row = row;
    setText(this.heading, row.external ? nameOf(row.external) : 'Deleted attendee');
    setText(this.state, stateWord(row.state));
    attribute(this.state, 'data-state', row.state);
    const usable = active && !row.deleted;
    setText(this.mute, maySend(row) ? 'Mute' : 'Let speak');
    attribute(this.mute, 'disabled', !usable || !row.capabilities);
    attribute(this.change, 'disabled', !usable || !row.capabilities);
    attribute(this.remove, 'disabled', !usable);
    const own = row.sessions.filter((s) => !s.content);
    drawTimeline(this.timeline, own.at(-1));
    setText(this.tries, own.length > 1 ? `The newest of ${own.length} connections is shown.` : '');
    this.drawFacts(row);
  }

  /** Called once a second. */
  tick(): void {
    if (this.row) this.drawFacts(this.row);
    this.drawCharts();
  }

  private layout(): HTMLElement {
    return el(
      'article',
      { class: 'person' },
      el(
        'header',
        { class: 'person-head' },
        el(
          'a',
          { class: 'plain back', href: `/operator/meetings/${this.meeting}`, 'data-local': true },
          icon('cross', 18),
          el('span', { class: 'unseen' }, 'Close'),
        ),
        this.heading,
        this.state,
      ),
      el('div', { class: 'person-actions' }, this.mute, this.change, this.remove),
      this.facts,
      el('h3', {}, 'Joining'),
      this.timeline,
      this.tries,
      el('h3', {}, 'Line'),
      this.volume.element,
      this.loss.element,
      this.rate.element,
    );
  }

  private drawFacts(row: AttendeeRow): void {
    const facts: [string, string][] = [['Attendee id', row.id]];
    if (row.external) facts.push(['External user id', row.external]);
    if (row.capabilities) {
      const { audio, video, content } = row.capabilities;
      facts.push(['May use', `audio ${audio}, video ${video}, content ${content}`]);
    }
    for (const tag of row.tags) facts.push([`Tag ${tag.key}`, tag.value]);
    const own = row.sessions.filter((s) => !s.content).at(-1);
    if (own) facts.push(...sessionFacts(own, this.points.at(-1)));
    const share = row.sessions.filter((s) => s.content).at(-1);
    if (share) facts.push(['Content share', `${stateWord(share.state)} since ${when(share.ended || share.opened)}`]);
    const key = JSON.stringify(facts);
    if (this.facts.dataset.shown === key) return;
    this.facts.dataset.shown = key;
    fill(this.facts, ...facts.map(([label, value]) => el('div', {}, el('dt', {}, label), el('dd', {}, value))));
  }

  private drawCharts(): void {
    const now = Date.now();
    // The server's clock may differ; the newest point is taken to be new.
    const last = this.points.at(-1)?.at ?? now;
    const right = Math.abs(now - last) > 30_000 ? last : Math.max(now, last);
    for (const chart of [this.volume, this.loss, this.rate]) chart.draw(this.points, right);
  }

  private name(): string {
    return this.row?.external ? nameOf(this.row.external) : this.id;
  }

  private askMute(): void {
    const caps = this.row?.capabilities;
    if (!this.row || !caps) return;
    const silence = maySend(this.row);
    const receives = caps.audio === 'SendReceive' || caps.audio === 'Receive';
    const audio = silence ? (receives ? 'Receive' : 'None') : receives ? 'SendReceive' : 'Send';
    confirm({
      title: silence ? `Mute ${this.name()}?` : `Let ${this.name()} speak?`,
      text: silence
        ? 'The right to send audio is taken away on the server, so unmuting in the client has no effect until it is given back here.'
        : 'The right to send audio is given back. If the microphone is open, the others hear it at once.',
      yes: silence ? 'Mute' : 'Let speak',
      act: () => this.frame.server.setCapabilities(this.meeting, this.id, { ...caps, audio }),
    });
  }

  private askCapabilities(): void {
    const caps = this.row?.capabilities;
    if (!caps) return;
    const fields = capabilityFields(caps);
    confirm({
      title: `What may ${this.name()} do?`,
      text: 'Taking something away works at once. A camera or share that is given back starts only when the client starts it again.',
      yes: 'Change',
      extra: fields.element,
      act: () => this.frame.server.setCapabilities(this.meeting, this.id, fields.value()),
    });
  }

  private askRemove(): void {
    confirm({
      title: `Remove ${this.name()}?`,
      text: 'The attendee is deleted: its connection ends at once and its join token stops working.',
      yes: 'Remove',
      danger: true,
      act: () =>
        this.frame.server.removeAttendee(this.meeting, this.id).then(() => this.frame.say('The attendee was removed')),
    });
  }
}

function sessionFacts(s: SessionRow, point: Point | undefined): [string, string][] {
  const until = s.ended || Date.now();
  const facts: [string, string][] = [
    [
      s.ended ? 'Was connected' : 'Since',
      s.ended ? `${when(s.opened)} to ${when(s.ended)}` : `${when(s.opened)} (${lasting(until - s.opened)})`,
    ],
  ];
  if (s.reason) facts.push(['Ended because', s.reason]);
  if (s.remote) facts.push(['From', s.remote]);
  if (s.client) facts.push(['Client', s.client]);
  if (s.state === 'connected') {
    facts.push(['Sends', [s.muted ? 'muted' : 'audio', s.video && 'video'].filter(Boolean).join(', ')]);
  }
  facts.push(...measuredFacts(s, point));
  return facts;
}

/** The next of 64, 128, 256… kbit/s. */
function niceAbove(value: number): number {
  let top = 64;
  while (top < value) top *= 2;
  return top;
}
