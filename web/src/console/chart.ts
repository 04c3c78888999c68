// A small chart of values over the last minutes, drawn as SVG.

import { attribute, el, setText } from '../ui/dom';
import { svgElement } from '../ui/icons';

export interface Series<T> {
  label: string;
  class: string;
  of(point: T): number;
}

export interface ChartOptions<T> {
  title: string;
  series: Series<T>[];
  /** The top of the scale for the largest value in view. */
  top(largest: number): number;
  format(value: number): string;
}

const width = 480;
const height = 96;

/** How far back charts reach, in ms. */
export const span = 300_000;

/** For how long a measurement is taken to hold when no other follows, in ms. */
export const holds = 5000;

/** An empty chart of a size: lines at its top, middle and bottom. */
export function chartGrid(width: number, height: number): SVGSVGElement {
  const svg = svgElement('svg', {
    viewBox: `0 0 ${width} ${height}`,
    preserveAspectRatio: 'none',
    class: 'chart-svg',
    role: 'img',
  });
  for (const y of [0.5, height / 2, height - 0.5]) {
    svg.append(svgElement('line', { x1: 0, x2: width, y1: y, y2: y, class: 'chart-grid' }));
  }
  return svg;
}

export class Chart<T extends { at: number }> {
  readonly element: HTMLElement;
  private readonly paths: SVGPathElement[];
  private readonly values: HTMLElement[];
  private readonly scale = el('span', { class: 'chart-top soft' });
  private readonly svg: SVGSVGElement;

  constructor(private readonly options: ChartOptions<T>) {
    this.svg = chartGrid(width, height);
    this.paths = options.series.map((series) => svgElement('path', { class: `chart-line ${series.class}` }));
    this.svg.append(...this.paths);
    this.values = options.series.map(() => el('b', {}, '–'));
    const legend = options.series.map((series, i) =>
      el('span', { class: `chart-key ${series.class}` }, series.label, ' ', this.values[i] as HTMLElement),
    );
    this.element = el(
      'figure',
      { class: 'chart' },
      el('figcaption', {}, el('span', { class: 'chart-title' }, options.title), ...legend),
      el('div', { class: 'chart-box' }, this.svg, this.scale),
      el('div', { class: 'chart-axis soft', 'aria-hidden': true }, el('span', {}, '5 min ago'), el('span', {}, 'now')),
    );
  }

  draw(points: T[], now: number): void {
    const { series, format } = this.options;
    const shown = points.filter((point) => point.at > now - span);
    const largest = Math.max(0, ...shown.flatMap((point) => series.map((s) => s.of(point))));
    const top = this.options.top(largest);
    const last = shown.at(-1);
    const current = last && last.at > now - holds ? last : undefined;
    setText(this.scale, format(top));
    series.forEach((s, i) => {
      attribute(this.paths[i] as SVGPathElement, 'd', path(shown, s.of, now, top));
      setText(this.values[i] as HTMLElement, current ? format(s.of(current)) : '–');
    });
    const texts = series.map((s, i) => `${s.label} ${this.values[i]?.textContent ?? ''}`);
    attribute(
      this.svg,
      'aria-label',
      `${this.options.title} over the last five minutes, now ${texts.join(', ')}, highest ${format(largest)}`,
    );
  }
}

/** A line that breaks where nothing was measured. */
function path<T extends { at: number }>(points: T[], of: (point: T) => number, now: number, top: number): string {
  let d = '';
  let before = 0;
  for (const point of points) {
    const x = ((point.at - now + span) / span) * width;
    const y = height - (Math.min(of(point), top) / top) * (height - 2) - 1;
    d += `${point.at - before > holds ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`;
    before = point.at;
  }
  return d;
}
