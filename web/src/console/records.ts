// What has been written down of a meeting, newest first.

import { attribute, type Drawn, el, setText } from '../ui/dom';
import { nameOfAttendee, when } from './format';
import type { RecordRow } from './rows';
import { cell, VirtualTable } from './virtual';

export class RecordTable {
  readonly element: HTMLElement;
  private readonly table: VirtualTable<RecordRow>;

  constructor() {
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
      make: recordRow,
      sortedBy: 0,
      descending: true,
    });
    this.element = this.table.element;
  }

  close(): void {
    this.table.close();
  }

  /** Shows the lines of a meeting, which may be gone some time after its end. */
  show(records: RecordRow[], ended: boolean): void {
    this.table.explain(ended ? 'Nothing of this meeting was kept.' : 'Nothing is recorded.');
    this.table.show(records);
  }
}

function recordRow(): Drawn<RecordRow> {
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
      const text = detailOf(r);
      setText(detail, text);
      attribute(detail, 'title', text || undefined); // there is seldom room for all of it
    },
  };
}

/** What a line says, about whom first. */
function detailOf(r: RecordRow): string {
  if (!r.attendee) return r.detail;
  const more = r.detail.replace(/^1 attendee(: )?/, ''); // the name says as much
  return [nameOfAttendee(r.attendee, r.external), more].filter(Boolean).join(': ');
}
