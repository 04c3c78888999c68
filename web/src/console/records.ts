// What has been written down of a meeting, newest first.

import { el, setText } from '../ui/dom';
import { when } from './format';
import type { RecordRow } from './rows';
import { cell, VirtualTable } from './virtual';

export class RecordTable {
  readonly element: HTMLElement;
  private readonly table: VirtualTable<RecordRow>;

  constructor(nameOfAttendee: (id: string) => string) {
    this.table = new VirtualTable<RecordRow>({
      label: 'Record',
      columns: [
        { title: 'When', class: 'r-at', sort: (a, b) => a.at - b.at },
        { title: 'What', class: 'r-kind' },
        { title: 'By', class: 'r-actor' },
        { title: 'Details', class: 'r-detail' },
      ],
      rowHeight: 38,
      narrowRowHeight: 62,
      key: (r) => r.id,
      make: () => el('div', { class: 'vt-row', role: 'row' }, cell('r-at'), cell('r-kind'), cell('r-actor mono'), cell('r-detail')),
      update: (row, r) => {
        const set = (name: string, text: string) => setText(row.querySelector(name) as HTMLElement, text);
        set('.r-at', when(r.at));
        set('.r-kind', r.kind);
        set('.r-actor', r.actor || '–');
        set('.r-detail', [r.attendee && nameOfAttendee(r.attendee), r.detail].filter(Boolean).join(': '));
      },
      empty: 'Nothing is recorded.',
      sortedBy: 0,
      descending: true,
    });
    this.element = this.table.element;
  }

  close(): void {
    this.table.close();
  }

  show(records: RecordRow[]): void {
    this.table.show(records);
  }
}
