import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dataOf, stateOf, troubleOf } from '../src/console/nodelist';
import type { NodeRow } from '../src/console/rows';

const node = (id: string, has: Partial<NodeRow> = {}): NodeRow => ({
  id,
  here: id === 'a',
  live: true,
  leader: false,
  draining: false,
  slots: 21,
  arriving: 0,
  connected: 3,
  address: '10.0.0.1:7401',
  version: '0.2.0',
  silent: 0,
  copies: 6,
  behind: 0,
  ...has,
});

test('how a node is', () => {
  assert.equal(stateOf(node('a')), 'live');
  assert.equal(stateOf(node('a', { leader: true })), 'live, moves slots');
  assert.equal(stateOf(node('a', { draining: true })), 'hands its slots over');
  assert.equal(stateOf(node('a', { draining: true, slots: 0 })), 'emptied');
  assert.equal(stateOf(node('a', { live: false, silent: 12_400, draining: true })), 'silent for 12 s');
  assert.equal(stateOf(node('a', { live: false })), 'silent');
});

test('how complete its data is', () => {
  assert.equal(dataOf(node('a')), 'current');
  assert.equal(dataOf(node('a', { behind: 2 })), '2 of 6 copies behind');
  assert.equal(dataOf(node('a', { copies: 0 })), 'keeps no copies');
  assert.equal(dataOf(node('a', { copies: -1, behind: -1 })), 'not known now');
});

test('what cannot be had is said', () => {
  const gone = { live: false, silent: 9000 };
  assert.equal(troubleOf([node('a'), node('b'), node('c')]), '');
  assert.match(troubleOf([node('a'), node('b', gone), node('c')]), /^The meetings of b cannot be reached until/);
  assert.match(
    troubleOf([node('a'), node('b', { ...gone, slots: 0 }), node('c')]),
    /^Nothing is heard of b; the others/,
  );
  assert.match(troubleOf([node('a'), node('b', gone), node('c', gone)]), /^a, which you ask, hears of less than half/);
  assert.match(
    troubleOf([node('a'), node('b'), node('c', { behind: 1 })]),
    /^Leave the other nodes alone until the data of c/,
  );
  assert.match(troubleOf([node('a', { copies: -1, behind: -1 })]), /cannot be told now/);
  const both = troubleOf([node('a'), node('b', { ...gone, slots: 0 }), node('c', { behind: 1 })]);
  assert.match(both, /Nothing is heard of b.*the data of c/);
});
