import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Vitals } from '../src/console/rows';
import { measured, nearest, newest, niceAbove, stepAbove, strokes } from '../src/console/series';

const step = 10_000;

function vitals(at: number[], cpu: (number | null)[]): Vitals {
  return { id: 'n1', here: true, cores: 2, memory: 0, step, at, columns: { cpu } };
}

test('a scale ends at a round figure that is not below the largest', () => {
  for (const [value, top] of [
    [0, 1],
    [0.4, 1],
    [1.2, 2],
    [2.1, 5],
    [7, 10],
    [10, 10],
    [101, 200],
    [1e9, 1e9],
    [1.1e9, 2e9],
  ] as const) {
    assert.equal(niceAbove(value, 1), top, `above ${value}`);
  }
  assert.equal(stepAbove(11, [10, 25, 50, 100]), 25);
  assert.equal(stepAbove(101, [10, 25, 50, 100]), 100);
  for (const of of measured) {
    for (const value of [0, 0.01, 3, 99]) assert.ok(of.top(value) >= value, `${of.title} of ${value}`);
  }
});

test('a line goes from the left to the right and is never above the chart', () => {
  const v = vitals([0, step, 2 * step], [0, 50, 200]);
  assert.deepEqual(strokes(v, 'cpu', 0, 2 * step, 100), [
    [
      [0, 1],
      [0.5, 0.5],
      [1, 0],
    ],
  ]);
});

test('a line breaks where nothing was measured, and where a figure is unknown', () => {
  const v = vitals([0, step, 9 * step, 10 * step, 11 * step], [1, 2, 3, null, 5]);
  const counts = strokes(v, 'cpu', 0, 11 * step, 10).map((stroke) => stroke.length);
  assert.deepEqual(counts, [2, 1, 1]);
  assert.deepEqual(strokes(v, 'other', 0, 11 * step, 10), [], 'a column that is not there');
  assert.deepEqual(strokes({ ...v, at: null, columns: null }, 'cpu', 0, 1, 1), [], 'a node that does not answer');
  const later = strokes(v, 'cpu', 9 * step, 11 * step, 10).flat();
  assert.ok(later.every(([x]) => x >= 0 && x <= 1) && later.length === 2, 'what is before the chart is left out');
});

test('the moment that is pointed at is the nearest, if there is one near', () => {
  const v = vitals([0, step, 9 * step], [1, 2, 3]);
  assert.equal(nearest(v, 0.4 * step), 0);
  assert.equal(nearest(v, 0.6 * step), 1);
  assert.equal(nearest(v, 5 * step), -1, 'in a gap');
  assert.equal(nearest(vitals([], []), 0), -1);
});

test('the newest figure is of now or not told', () => {
  const v = vitals([0, step], [1, 2]);
  assert.equal(newest(v, 'cpu', 1.5 * step), 2);
  assert.equal(newest(v, 'cpu', 9 * step), undefined);
  assert.equal(newest(vitals([0], [null]), 'cpu', 0), undefined);
});

test('figures have their unit', () => {
  const told = Object.fromEntries(measured.map((of) => [of.title, of.format(12.34)]));
  assert.deepEqual(told, {
    Processor: '12 %',
    Memory: '12 B',
    Disk: '12 B',
    'Late sound': '12 %',
    'API calls': '12/s',
    'Calls without success': '12/s',
    'People and meetings': '12',
    'Media not sent': '12/s',
  });
});
