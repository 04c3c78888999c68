// Who is told of events: the objects as the server sends them against the types
// the page reads them by, and what the page makes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type golden from '../../internal/console/testdata/rows.json';
import {
  attemptsOf,
  type Destination,
  type Letter,
  linesOf,
  lookOf,
  rowsOf,
  stateOf,
  type Told,
  type Way,
} from '../src/console/delivery';
import { when } from '../src/console/format';

type Golden = typeof golden;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : keyof A) : false;

const same: {
  destination: Same<Required<Destination>, Golden['Destination']>;
  letter: Same<Letter, Golden['Letter']>;
  told: Same<Omit<Told, 'ways'>, Omit<Golden['Told'], 'ways'>>;
  way: Same<Required<Way>, Golden['Told']['ways'][number]>;
} = { destination: true, letter: true, told: true, way: true };

const destination = (name: string, change: Partial<Destination> = {}): Destination => ({
  name,
  kind: 'webhook',
  waiting: 0,
  bytes: 0,
  oldest: 0,
  circuitOpen: false,
  off: false,
  since: 0,
  ...change,
});

const letter = (to: string, key: string): Letter => ({
  key,
  destination: to,
  event: 'e',
  type: 'chime:MeetingEnded',
  meeting: 'm',
  account: 'a',
  sequence: 1,
  at: 1,
  first: 1,
  last: 1,
  given: 1,
  attempts: 2,
  reason: 'HTTP 400',
});

test('the page knows every field', () => assert.ok(Object.values(same).every((equal) => equal)));

test('what is in trouble stands first, and dead letters with whom they were for', () => {
  const rows = rowsOf({
    told: true,
    more: false,
    destinations: [
      destination('webhook:a'),
      destination('webhook:b'),
      destination('webhook:c', { off: true }),
      destination('webhook:d', { circuitOpen: true, waiting: 3 }),
    ],
    letters: [letter('webhook:b', '1'), letter('webhook:gone', '2'), letter('webhook:b', '3')],
  });
  assert.deepEqual(
    rows.map((row) => [row.name, row.letters.map((l) => l.key).join()]),
    [
      ['webhook:c', ''],
      ['webhook:d', ''],
      ['webhook:b', '1,3'],
      ['webhook:gone', '2'],
      ['webhook:a', ''],
    ],
  );
  assert.equal(rows[3]?.destination, undefined);
});

test('how a destination is doing', () => {
  const word = (change: Partial<Destination>, ...letters: Letter[]) =>
    stateOf({ destination: destination('x', change), letters }).word;
  assert.equal(word({}), 'takes events');
  assert.equal(word({ waiting: 2 }), 'takes events');
  assert.equal(word({ waiting: 2, trouble: 'HTTP 503' }), 'trying again');
  assert.equal(word({ circuitOpen: true, waiting: 2 }), 'refuses everything');
  assert.equal(word({ off: true, circuitOpen: true }), 'wants no more');
  assert.equal(word({}, letter('x', '1')), 'has not taken all');
  assert.equal(word({ circuitOpen: true }, letter('x', '1')), 'refuses everything');
  assert.equal(stateOf({ destination: undefined, letters: [] }).word, 'not configured now');
});

const way = (change: Partial<Way>): Way => ({
  destination: 'webhook:a',
  state: 'waiting',
  attempts: 0,
  last: 0,
  ...change,
});

test('each way of an event has a line', () => {
  const ways = [way({}), way({ destination: 'webhook:b', state: 'taken' })];
  const lines = linesOf([
    { id: 'e', sequence: 1, type: 'chime:MeetingStarted', at: 1, ways },
    { id: 'f', sequence: 2, type: 'chime:MeetingEnded', at: 2, ways: [] },
  ]);
  assert.deepEqual(
    lines.map((l) => [l.id, l.sequence, l.destination, l.state]),
    [
      ['e', 1, 'webhook:a', 'waiting'],
      ['e', 1, 'webhook:b', 'taken'],
    ],
  );
});

test('what became of an event', () => {
  const last = new Date().setHours(12, 0, 5);
  assert.equal(attemptsOf(way({})), 'not tried yet');
  assert.equal(attemptsOf(way({ state: 'given up', answer: 'backlog full' })), 'backlog full');
  assert.equal(attemptsOf(way({ state: 'taken', attempts: 1, last })), `at ${when(last)}`);
  assert.equal(
    attemptsOf(way({ attempts: 3, last, answer: 'HTTP 503' })),
    `HTTP 503, 3 attempts, the last at ${when(last)}`,
  );
  assert.deepEqual(
    ['waiting', 'taken', 'given up', 'lost'].map((state) => lookOf(way({ state }))),
    ['warn', 'good', 'bad', 'bad'],
  );
});
