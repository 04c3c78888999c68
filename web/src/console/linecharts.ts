// How an attendee's line was in the last minutes.

import { el } from '../ui/dom';
import { Chart, holds, span } from './chart';
import { loudness, percent } from './format';
import { rate as rateWords } from './measured';
import type { Point } from './rows';

export class LineCharts {
  readonly element: HTMLElement;
  private readonly charts: Chart<Point>[];
  private points: Point[] = [];

  /** now tells the server's time, which is that of the points. */
  constructor(private readonly now: () => number) {
    this.charts = [volume(), loss(), rate()];
    this.element = el('div', { class: 'line-charts' }, ...this.charts.map((chart) => chart.element));
  }

  /** What was measured just now; undefined when nothing was. */
  get current(): Point | undefined {
    const last = this.points.at(-1);
    return last && last.at > this.now() - holds ? last : undefined;
  }

  /** Takes what was measured before the charts were there. */
  remember(points: Point[]): void {
    const since = this.points[0]?.at ?? Infinity;
    this.points = [...points.filter((p) => p.at < since), ...this.points];
    this.draw();
  }

  add(point: Point): void {
    this.points.push(point);
    while (this.points.length && (this.points[0] as Point).at < point.at - span) this.points.shift();
    this.draw();
  }

  draw(): void {
    const right = Math.max(this.now(), this.points.at(-1)?.at ?? 0);
    for (const chart of this.charts) chart.draw(this.points, right);
  }
}

function volume(): Chart<Point> {
  return new Chart({
    title: 'Volume',
    series: [{ label: 'speaks', class: 'one', of: (p) => loudness(p.level) * 100 }],
    top: () => 100,
    format: (v) => `${Math.round(v)} %`,
  });
}

function loss(): Chart<Point> {
  return new Chart({
    title: 'Packets lost',
    series: [
      { label: 'from client', class: 'one', of: (p) => p.lossIn },
      { label: 'to client', class: 'two', of: (p) => p.lossOut },
    ],
    top: (largest) => (largest <= 5 ? 5 : largest <= 20 ? 20 : 100),
    format: percent,
  });
}

function rate(): Chart<Point> {
  return new Chart({
    title: 'Video rate',
    series: [
      { label: 'from client', class: 'one', of: (p) => p.kbpsIn },
      { label: 'to client', class: 'two', of: (p) => p.kbpsOut },
    ],
    top: niceAbove,
    format: rateWords,
  });
}

/** The next of 64, 128, 256… kbit/s. */
function niceAbove(value: number): number {
  let top = 64;
  while (top < value) top *= 2;
  return top;
}
