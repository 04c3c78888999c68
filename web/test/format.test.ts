import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lasting, loudness, missing, percent, short, when } from '../src/console/format';

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

test('a duration is told in its two largest units', () => {
  const cases: [number, string][] = [
    [0, '0 s'],
    [999, '0 s'],
    [59 * second, '59 s'],
    [minute, '1 min'],
    [hour - 1, '59 min'],
    [hour, '1 h'],
    [2 * hour + 5 * minute, '2 h 5 min'],
    [day, '1 d'],
    [day + 4 * hour, '1 d 4 h'],
    [-5 * minute, '0 s'], // the server's clock is ahead of this one
  ];
  for (const [ms, words] of cases) assert.equal(lasting(ms), words);
});

test('a time of another day says which day', () => {
  const today = new Date();
  today.setHours(12, 0, 0, 0);
  assert.doesNotMatch(when(today.getTime()), /,/);
  assert.match(when(today.getTime() - 3 * day), /, /);
  assert.equal(when(0), '–');
});

test('ids, shares and levels', () => {
  assert.equal(short('0f9c2d11-aaaa-4bbb-8ccc-000000000000'), '0f9c2d11');
  assert.equal(percent(0.4), '0.4 %');
  assert.equal(percent(100), '100.0 %');
  assert.equal(loudness(127), 0, 'silence');
  assert.equal(loudness(60), 0);
  assert.equal(loudness(37), 0.5);
  assert.equal(loudness(14), 1);
  assert.equal(loudness(0), 1, 'full scale');
});

test('nodes that do not answer are named', () => {
  assert.equal(missing(undefined, 'lines'), '');
  assert.equal(missing([], 'lines'), '');
  assert.equal(missing(['a'], 'lines'), 'Node a does not answer: its lines are missing here.');
  assert.equal(missing(['a', 'b', 'c'], 'entries'), 'Nodes a, b and c do not answer: their entries are missing here.');
});
