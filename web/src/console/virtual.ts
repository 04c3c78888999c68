// A table that draws only the rows that can be seen, however many there are.

import { attribute, type Drawn, el, setText } from '../ui/dom';

export interface Column<T> {
  title: string;
  class: string;
  /** Compares two rows; columns without it cannot be sorted by. */
  sort?: (a: T, b: T) => number;
}

export interface TableOptions<T> {
  label: string;
  columns: Column<T>[];
  /** Heights in pixels, in a wide window and in a narrow one. */
  rowHeight: number;
  narrowRowHeight: number;
  key(item: T): string;
  /** Makes an empty row: one cell for each column. */
  make(): Drawn<T>;
  /** What is said when there are no rows. */
  empty?: string;
  sortedBy?: number;
  descending?: boolean;
}

/** Rows drawn above and below those in view, so that scrolling finds them there. */
const overscan = 6;

/** Which rows to draw, the last one not included. Lengths are in pixels. */
export function rowsInView(scrollTop: number, height: number, rowHeight: number, count: number): [number, number] {
  const first = Math.max(0, Math.floor(scrollTop / rowHeight) - overscan);
  const last = Math.min(count, Math.ceil((scrollTop + height) / rowHeight) + overscan);
  return [Math.min(first, last), last];
}

/** Sorts rows in place; those that compare equal stay in the order of their keys, whatever the direction. */
export function sortRows<T>(
  rows: T[],
  compare: (a: T, b: T) => number,
  descending: boolean,
  key: (row: T) => string,
): void {
  const sign = descending ? -1 : 1;
  rows.sort((a, b) => sign * compare(a, b) || (key(a) < key(b) ? -1 : 1));
}

export class VirtualTable<T> {
  readonly element: HTMLElement;
  private readonly head: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly spacer = el('div', { class: 'vt-spacer', role: 'rowgroup' });
  private readonly nothing: HTMLElement;
  private readonly narrow = window.matchMedia('(max-width: 760px)');
  private readonly rows = new Map<string, Drawn<T>>();
  private readonly spare: Drawn<T>[] = []; // rows that scrolled out of view, to be used again
  private items: T[] = [];
  private sortColumn: number;
  private descending: boolean;
  private frame = 0;
  private readonly resized: ResizeObserver;

  constructor(private readonly options: TableOptions<T>) {
    this.sortColumn = options.sortedBy ?? -1;
    this.descending = options.descending ?? false;
    this.head = el(
      'div',
      { class: 'vt-head', role: 'rowgroup' },
      el('div', { class: 'vt-row', role: 'row' }, ...this.headers()),
    );
    this.nothing = el('p', { class: 'vt-empty soft', hidden: true }, options.empty ?? ''); // until it is known
    this.scroller = el(
      'div',
      {
        class: 'vt-scroll',
        role: 'table',
        'aria-label': options.label,
        tabindex: 0,
        on: { scroll: () => this.later() },
      },
      this.head,
      this.spacer,
    );
    this.element = el('div', { class: 'vt' }, this.scroller, this.nothing);
    this.resized = new ResizeObserver(() => this.later());
    this.resized.observe(this.scroller);
  }

  close(): void {
    this.resized.disconnect();
    cancelAnimationFrame(this.frame);
  }

  show(items: T[]): void {
    this.items = items;
    this.sort();
    this.nothing.hidden = items.length > 0;
    this.element.classList.toggle('empty', items.length === 0);
    attribute(this.scroller, 'aria-rowcount', items.length + 1);
    this.later();
  }

  /** Changes what is said when there are no rows. */
  explain(empty: string): void {
    setText(this.nothing, empty);
  }

  /** Draws the rows in view again, for what changes with time alone. */
  later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const height = this.narrow.matches ? this.options.narrowRowHeight : this.options.rowHeight;
    // All is measured before anything is changed, so that the browser lays out once.
    const { scrollTop, clientHeight } = this.scroller;
    const [first, last] = rowsInView(scrollTop, clientHeight, height, this.items.length);
    this.spacer.style.height = `${this.items.length * height}px`;
    this.release(first, last);
    let before: HTMLElement | undefined;
    for (let i = first; i < last; i++) {
      const item = this.items[i] as T;
      const key = this.options.key(item);
      const row = this.rows.get(key) ?? this.add(key);
      row.draw(item);
      const { element } = row;
      attribute(element, 'aria-rowindex', i + 2);
      element.style.transform = `translateY(${i * height}px)`;
      element.style.height = `${height}px`;
      // Keeps the order of the document that of the table, for readers and tabbing.
      const place = before ? before.nextElementSibling : this.spacer.firstElementChild;
      if (place !== element) this.spacer.insertBefore(element, place);
      before = element;
    }
  }

  /** Takes rows that are not in view out of use. */
  private release(first: number, last: number): void {
    const kept = new Set(this.items.slice(first, last).map((item) => this.options.key(item)));
    for (const [key, row] of this.rows) {
      if (kept.has(key)) continue;
      if (row.element.contains(document.activeElement) && this.items.some((item) => this.options.key(item) === key))
        continue;
      this.rows.delete(key);
      this.spare.push(row);
      row.element.remove();
    }
  }

  private add(key: string): Drawn<T> {
    const row = this.spare.pop() ?? this.options.make();
    this.rows.set(key, row);
    return row;
  }

  private headers(): HTMLElement[] {
    return this.options.columns.map((column, i) => {
      if (!column.sort) return el('div', { class: column.class, role: 'columnheader' }, column.title);
      const button = el(
        'button',
        { class: 'vt-sort', type: 'button', on: { click: () => this.sortBy(i) } },
        column.title,
      );
      return el('div', { class: column.class, role: 'columnheader', 'aria-sort': this.direction(i) }, button);
    });
  }

  private direction(i: number): string {
    if (i !== this.sortColumn) return 'none';
    return this.descending ? 'descending' : 'ascending';
  }

  private sortBy(i: number): void {
    this.descending = i === this.sortColumn ? !this.descending : false;
    this.sortColumn = i;
    this.head.querySelectorAll('[role=columnheader]').forEach((header, n) => {
      if (this.options.columns[n]?.sort) attribute(header, 'aria-sort', this.direction(n));
    });
    this.sort();
    this.later();
  }

  private sort(): void {
    const compare = this.options.columns[this.sortColumn]?.sort;
    if (!compare) return;
    sortRows(this.items, compare, this.descending, this.options.key);
  }
}

/** One cell of a row. */
export function cell(className: string, ...children: (Node | string)[]): HTMLElement {
  return el('div', { class: className, role: 'cell' }, ...children);
}
