// What has been written down of a meeting, newest first.

import { type Drawn, el, setText } from '../ui/dom';
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
      make: () => recordRow(nameOfAttendee),
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

function recordRow(nameOfAttendee: (id: string) => string): Drawn<RecordRow> {
  const at = cell('r-at');
  const kind = cell('r-kind');
  const actor = cell('r-actor mono');
  const detail = cell('r-detail');
  return {
    element: el('div', { class: 'vt-row', role: 'row' }, at, kind, actor, detail),
    draw(r) {
      setText(at, when(r.at));
      setText(kind, r.kind);
      setText(actor, r.actor || '–');
      setText(detail, [r.attendee && nameOfAttendee(r.attendee), r.detail].filter(Boolean).join(': '));
    },
  };
}
