// A chart of a node's figures over an hour or a day, with what they were at the
// moment that is pointed at, and as a table for those who see no lines.

import { attribute, el, fill, setText } from '../ui/dom';
import { svgElement } from '../ui/icons';
import { chartGrid } from './chart';
import { when } from './format';
import type { Vitals } from './rows';
import { type Measured, nearest, newest, strokes } from './series';

const width = 600;
const height = 100;

/** How many rows the table of a chart has, at most. */
const rows = 60;

export class TimeChart {
  readonly element: HTMLElement;
  private readonly paths: SVGPathElement[];
  private readonly marker = svgElement('line', { y1: 0, y2: height, class: 'chart-marker' });
  private readonly values: HTMLElement[];
  private readonly time = el('span', { class: 'soft chart-time' });
  private readonly scale = [el('span'), el('span'), el('span')];
  private readonly axis = [el('span'), el('span'), el('span')];
  private readonly table = el('div', { class: 'chart-rows', tabindex: 0 }); // it scrolls: the keyboard must reach it
  private readonly svg: SVGSVGElement;
  private readonly details: HTMLDetailsElement;
  private shown: { v: Vitals; from: number; to: number } | undefined;
  private pointed: number | undefined; // a time, while somebody points at it

  constructor(private readonly of: Measured) {
    this.svg = chartGrid(width, height);
    this.paths = of.lines.map((line) => svgElement('path', { class: `chart-line ${line.look}` }));
    this.svg.append(...this.paths, this.marker);
    this.values = of.lines.map(() => el('b', {}, '–'));
    this.details = el('details', { class: 'chart-table' }, el('summary', {}, 'Table'), this.table);
    this.details.addEventListener('toggle', () => this.drawTable());
    const box = el('div', { class: 'chart-box' }, this.svg);
    box.addEventListener('pointermove', (event) => this.point(event));
    box.addEventListener('pointerleave', () => this.point(undefined));
    this.element = el(
      'figure',
      { class: 'chart time-chart', 'aria-label': of.title },
      this.caption(),
      el('div', { class: 'chart-scale soft', 'aria-hidden': true }, ...this.scale),
      box,
      el('div', { class: 'chart-axis soft', 'aria-hidden': true }, ...this.axis),
      this.details,
    );
  }

  /** Shows what a node was like from one time to another. */
  draw(v: Vitals, from: number, to: number): void {
    this.shown = { v, from, to };
    const { lines, format } = this.of;
    const top = this.of.top(largest(v, this.of, from));
    [top, top / 2, 0].forEach((value, i) => {
      setText(this.scale[i] as HTMLElement, format(value));
    });
    [from, (from + to) / 2, to].forEach((at, i) => {
      setText(this.axis[i] as HTMLElement, hour(at));
    });
    lines.forEach((line, i) => {
      const d = strokes(v, line.column, from, to, top).map((stroke) => path(stroke));
      attribute(this.paths[i] as SVGPathElement, 'd', d.join(''));
    });
    const now = lines.map((line) => `${line.label} ${words(newest(v, line.column, to), format)}`);
    attribute(
      this.svg,
      'aria-label',
      `${this.of.title}, ${this.of.unit}, now: ${now.join(', ')}; the scale ends at ${format(top)}`,
    );
    this.drawValues();
    this.drawTable();
  }

  private caption(): HTMLElement {
    return el(
      'figcaption',
      {},
      el('span', { class: 'chart-title' }, this.of.title, ' ', el('span', { class: 'soft chart-unit' }, this.of.unit)),
      this.time,
      ...this.of.lines.map((line, i) =>
        el('span', { class: `chart-key ${line.look}` }, line.label, ' ', this.values[i] as HTMLElement),
      ),
    );
  }

  private point(event: PointerEvent | undefined): void {
    this.pointed = undefined;
    if (event && this.shown) {
      const box = this.svg.getBoundingClientRect();
      const { from, to } = this.shown;
      this.pointed = from + ((event.clientX - box.left) / box.width) * (to - from);
    }
    this.drawValues();
  }

  /** The figures of the moment that is pointed at, or else of now. */
  private drawValues(): void {
    if (!this.shown) return;
    const { v, from, to } = this.shown;
    const at = this.pointed === undefined ? -1 : nearest(v, this.pointed);
    const moment = v.at?.[at];
    setText(this.time, moment === undefined ? '' : when(moment));
    attribute(this.marker, 'visibility', moment === undefined ? 'hidden' : 'visible');
    if (moment !== undefined) {
      const x = (((moment - from) / (to - from)) * width).toFixed(1);
      attribute(this.marker, 'x1', x);
      attribute(this.marker, 'x2', x);
    }
    this.of.lines.forEach((line, i) => {
      const value = moment === undefined ? newest(v, line.column, to) : v.columns?.[line.column]?.[at];
      setText(this.values[i] as HTMLElement, words(value, this.of.format));
    });
  }

  /** The table is made while somebody looks at it. */
  private drawTable(): void {
    if (!this.details.open || !this.shown) return;
    const { v } = this.shown;
    const all = (v.at ?? []).map((_, i) => i);
    const every = Math.max(1, Math.ceil(all.length / rows));
    const chosen = all.filter((i) => (all.length - 1 - i) % every === 0).reverse();
    const head = ['Time', ...this.of.lines.map((line) => line.label)];
    const cells = (i: number) =>
      this.of.lines.map((line) => el('td', {}, words(v.columns?.[line.column]?.[i], this.of.format)));
    const body = chosen.map((i) =>
      el('tr', {}, el('th', { scope: 'row' }, when((v.at as number[])[i] as number)), ...cells(i)),
    );
    const table = el(
      'table',
      { 'aria-label': `${this.of.title}, ${this.of.unit}` },
      el('thead', {}, el('tr', {}, ...head.map((text) => el('th', { scope: 'col' }, text)))),
      el('tbody', {}, ...body),
    );
    fill(this.table, table);
  }
}

function largest(v: Vitals, of: Measured, from: number): number {
  let most = 0;
  for (const line of of.lines) {
    (v.columns?.[line.column] ?? []).forEach((value, i) => {
      if (value !== null && ((v.at as number[])[i] as number) >= from) most = Math.max(most, value);
    });
  }
  return most;
}

function path(stroke: [number, number][]): string {
  const points = stroke.map(([x, y]) => `${(x * width).toFixed(1)} ${(1 + y * (height - 2)).toFixed(1)}`);
  return points.length === 1 ? `M${points[0]}h1` : `M${points.join('L')}`;
}

function words(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value);
}

const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });

function hour(at: number): string {
  return clock.format(new Date(at));
}
