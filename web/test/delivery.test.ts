// Who is told of events: the objects as the server sends them against the types
// the page reads them by, and what the page makes of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type golden from '../../internal/console/testdata/rows.json';
import { type Destination, type Letter, rowsOf, stateOf } from '../src/console/delivery';

type Golden = typeof golden;
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : keyof A) : false;

const same: {
  destination: Same<Required<Destination>, Golden['Destination']>;
  letter: Same<Letter, Golden['Letter']>;
} = { destination: true, letter: true };

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
  const word = (change: Partial<Destination>) => stateOf(destination('x', change)).word;
  assert.equal(word({}), 'takes events');
  assert.equal(word({ waiting: 2 }), 'takes events');
  assert.equal(word({ waiting: 2, trouble: 'HTTP 503' }), 'trying again');
  assert.equal(word({ circuitOpen: true, waiting: 2 }), 'refuses everything');
  assert.equal(word({ off: true, circuitOpen: true }), 'wants no more');
  assert.equal(stateOf(undefined).word, 'not configured now');
});
