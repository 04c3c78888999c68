// How each node fares: what it is like now, and charts of the last hour or day.

import { attribute, el, fill, setText } from '../ui/dom';
import { type Fact, FactList } from './facts';
import { count, size } from './format';
import type { Frame, Page } from './frame';
import { Poll } from './poll';
import type { Health, Vitals } from './rows';
import { measured, newest } from './series';
import { TimeChart } from './timechart';

/** How often the page asks anew, in ms: moments come no more often. */
const every = 10_000;

type Span = 'hour' | 'day';
const spans: Record<Span, number> = { hour: 3_600_000, day: 86_400_000 };

export class HealthPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Health';

  private readonly poll: Poll;
  private readonly charts = measured.map((of) => new TimeChart(of));
  private readonly node: HTMLSelectElement;
  private readonly choice: HTMLElement;
  private readonly facts = new FactList();
  private readonly fault = el('p', { class: 'note bad', role: 'status', hidden: true });
  private readonly grid = el('div', { class: 'health-charts' }, ...this.charts.map((chart) => chart.element));
  private readonly note = el('p', { class: 'soft' });
  private readonly buttons: Record<Span, HTMLElement>;
  private span: Span = 'hour';
  private health: Health | undefined;

  constructor(frame: Frame) {
    const button = (span: Span, text: string) =>
      el('button', { class: 'plain', type: 'button', on: { click: () => this.choose(span) } }, text);
    this.buttons = { hour: button('hour', 'Last hour'), day: button('day', 'Last 24 hours') };
    this.node = el('select', { class: 'input', id: 'health-node', on: { change: () => this.draw() } });
    this.choice = el('label', { for: 'health-node', hidden: true }, 'Node ', this.node);
    this.element = el(
      'div',
      { class: 'list-page health' },
      el(
        'div',
        { class: 'list-head' },
        el('h1', {}, this.title),
        el('div', { class: 'health-choice' }, this.choice, this.buttons.hour, this.buttons.day),
      ),
      this.fault,
      this.facts.element,
      this.grid,
      this.note,
    );
    this.poll = new Poll(frame, every, async (current) => {
      const health = await frame.server.health(this.span);
      if (!current()) return;
      this.health = health;
      this.draw();
    });
    this.choose('hour');
  }

  close(): void {
    this.poll.close();
  }

  private choose(span: Span): void {
    this.span = span;
    for (const [name, button] of Object.entries(this.buttons)) {
      attribute(button, 'aria-pressed', String(name === span));
    }
    setText(
      this.note,
      span === 'hour' ? 'Each point is the mean of 10 seconds.' : 'Each point is the mean of a minute.',
    );
    void this.poll.now();
  }

  private draw(): void {
    if (!this.health) return;
    const { now, nodes } = this.health;
    this.offer(nodes);
    const v = nodes.find((n) => n.id === this.node.value) ?? nodes[0];
    if (!v) return;
    this.fault.hidden = !v.fault;
    setText(this.fault, v.fault ?? '');
    this.grid.hidden = this.facts.element.hidden = Boolean(v.fault);
    const last = Math.max(now, v.at?.at(-1) ?? 0);
    this.facts.show(factsOf(v, last));
    for (const chart of this.charts) chart.draw(v, last - spans[this.span], last);
  }

  /** Lists the nodes to choose from; with one there is no choice. */
  private offer(nodes: Vitals[]): void {
    this.choice.hidden = nodes.length < 2;
    const names = nodes.map((n) => n.id);
    if (names.join('\n') === [...this.node.options].map((o) => o.value).join('\n')) return;
    const chosen = this.node.value;
    fill(this.node, ...nodes.map((n) => el('option', { value: n.id }, n.here ? `${n.id} (here)` : n.id)));
    if (names.includes(chosen)) this.node.value = chosen;
  }
}

/** What a node is like now. */
function factsOf(v: Vitals, now: number): Fact[] {
  const facts: Fact[] = [
    ['Node', v.id],
    ['Processors', count(v.cores)],
  ];
  const free = newest(v, 'free', now);
  if (free !== undefined && v.memory) facts.push(['Memory of the machine', `${size(free)} free of ${size(v.memory)}`]);
  const left = newest(v, 'diskFree', now);
  if (left !== undefined) facts.push(['Disk', `${size(left)} free`]);
  return facts;
}
