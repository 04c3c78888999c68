// A table that draws only the rows that can be seen, however many there are.

import { attribute, el } from '../ui/dom';

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
  make(): HTMLElement;
  update(row: HTMLElement, item: T): void;
  empty: string;
  sortedBy?: number;
  descending?: boolean;
}

const overscan = 6;
const narrow = window.matchMedia('(max-width: 760px)');

export class VirtualTable<T> {
  readonly element: HTMLElement;
  private readonly head: HTMLElement;
  private readonly scroller: HTMLElement;
  private readonly spacer = el('div', { class: 'vt-spacer', role: 'rowgroup' });
  private readonly nothing: HTMLElement;
  private readonly rows = new Map<string, HTMLElement>();
  private readonly spare: HTMLElement[] = []; // rows that scrolled out of view, to be used again
  private items: T[] = [];
  private sortColumn: number;
  private descending: boolean;
  private frame = 0;
  private readonly resized: ResizeObserver;

  constructor(private readonly options: TableOptions<T>) {
    this.sortColumn = options.sortedBy ?? -1;
    this.descending = options.descending ?? false;
    this.head = el('div', { class: 'vt-head', role: 'rowgroup' }, el('div', { class: 'vt-row', role: 'row' }, ...this.headers()));
    this.nothing = el('p', { class: 'vt-empty soft' }, options.empty);
    this.scroller = el('div', { class: 'vt-scroll', role: 'table', 'aria-label': options.label, tabindex: 0, on: { scroll: () => this.later() } }, this.head, this.spacer);
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

  /** Draws the rows in view again, for what changes with time alone. */
  later(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  private draw(): void {
    const height = narrow.matches ? this.options.narrowRowHeight : this.options.rowHeight;
    // All is measured before anything is changed, so that the browser lays out once.
    const { scrollTop, clientHeight } = this.scroller;
    const first = Math.max(0, Math.floor(scrollTop / height) - overscan);
    const last = Math.min(this.items.length, Math.ceil((scrollTop + clientHeight) / height) + overscan);
    this.spacer.style.height = `${this.items.length * height}px`;
    this.release(first, last);
    let before: HTMLElement | undefined;
    for (let i = first; i < last; i++) {
      const item = this.items[i] as T;
      const key = this.options.key(item);
      const row = this.rows.get(key) ?? this.add(key);
      this.options.update(row, item);
      attribute(row, 'aria-rowindex', i + 2);
      row.style.transform = `translateY(${i * height}px)`;
      row.style.height = `${height}px`;
      // Keeps the order of the document that of the table, for readers and tabbing.
      const place = before ? before.nextElementSibling : this.spacer.firstElementChild;
      if (place !== row) this.spacer.insertBefore(row, place);
      before = row;
    }
  }

  /** Takes rows that are not in view out of use. */
  private release(first: number, last: number): void {
    const kept = new Set(this.items.slice(first, last).map((item) => this.options.key(item)));
    for (const [key, row] of this.rows) {
      if (kept.has(key)) continue;
      if (row.contains(document.activeElement) && this.items.some((item) => this.options.key(item) === key)) continue;
      this.rows.delete(key);
      this.spare.push(row);
      row.remove();
    }
  }

  private add(key: string): HTMLElement {
    const row = this.spare.pop() ?? this.options.make();
    this.rows.set(key, row);
    return row;
  }

  private headers(): HTMLElement[] {
    return this.options.columns.map((column, i) => {
      if (!column.sort) return el('div', { class: column.class, role: 'columnheader' }, column.title);
      const button = el('button', { class: 'vt-sort', type: 'button', on: { click: () => this.sortBy(i) } }, column.title);
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
    const sign = this.descending ? -1 : 1;
    this.items.sort((a, b) => sign * compare(a, b) || (this.options.key(a) < this.options.key(b) ? -1 : 1));
  }
}

/** One cell of a row. */
export function cell(className: string, ...children: (Node | string)[]): HTMLElement {
  return el('div', { class: className, role: 'cell' }, ...children);
}
