import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsInView, sortRows } from '../src/console/virtual';

test('only rows in view and six around them are drawn', () => {
  const cases: { scrolled: number; height: number; count: number; rows: [number, number] }[] = [
    { scrolled: 0, height: 400, count: 1000, rows: [0, 16] },
    { scrolled: 2000, height: 400, count: 1000, rows: [44, 66] },
    { scrolled: 2039, height: 400, count: 1000, rows: [44, 67] }, // a row cut at both ends counts
    { scrolled: 39_600, height: 400, count: 1000, rows: [984, 1000] },
    { scrolled: 0, height: 400, count: 3, rows: [0, 3] },
    { scrolled: 0, height: 400, count: 0, rows: [0, 0] },
    { scrolled: 39_600, height: 400, count: 5, rows: [5, 5] }, // rows went while far down
    { scrolled: 0, height: 0, count: 1000, rows: [0, 6] }, // not laid out yet
  ];
  for (const { scrolled, height, count, rows } of cases) {
    assert.deepEqual(rowsInView(scrolled, height, 40, count), rows, `${scrolled} of ${count}`);
  }
});

test('rows that compare equal keep their order when the direction turns', () => {
  const rows = () => [
    { id: 'c', n: 1 },
    { id: 'a', n: 1 },
    { id: 'b', n: 2 },
  ];
  const sorted = (descending: boolean) => {
    const list = rows();
    sortRows(
      list,
      (x, y) => x.n - y.n,
      descending,
      (row) => row.id,
    );
    return list.map((row) => row.id).join('');
  };
  assert.equal(sorted(false), 'acb');
  assert.equal(sorted(true), 'bac');
});
