import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Evidence, judge } from '../src/meeting/line';

const now = 100_000;

/** A line of which everything good is known, and what is different. */
const verdict = (different: Partial<Evidence>) =>
  judge(
    {
      phase: 'connected',
      arrived: now - 500,
      sounded: now - 500,
      listens: true,
      strength: 1,
      missedPongs: 0,
      lossPercent: 0,
      roundTripMs: 20,
      ...different,
    },
    now,
  );

test('a line is good only while everything says so', () => {
  assert.deepEqual(verdict({}), {
    bars: 3,
    word: 'Good connection',
    details: '0.0 % of audio lost, 20 ms there and back',
  });
  assert.equal(verdict({ lossPercent: undefined, roundTripMs: undefined }).details, '');
});

test('before and between connections there is none', () => {
  const connecting = { bars: 0, word: 'Connecting…', details: '', begins: true };
  assert.deepEqual(verdict({ phase: 'connecting' }), connecting);
  assert.deepEqual(verdict({ phase: 'reconnecting' }), { bars: 0, word: 'Connection lost', details: '' });
  assert.deepEqual(verdict({ arrived: 0 }), connecting, 'nothing has come yet');
});

test('a line from which nothing comes is none', () => {
  assert.equal(verdict({ arrived: now - 4000 }).bars, 3);
  assert.deepEqual(verdict({ arrived: now - 4001 }), {
    bars: 0,
    word: 'No connection',
    details: 'Nothing arrives from the server',
    dead: true,
  });
});

test('a line is poor when sound, the server or its signaling does not come through', () => {
  const poor: [string, Partial<Evidence>][] = [
    ['no sound', { sounded: now - 4001 }],
    ['the server gets little', { strength: 0.5 }],
    ['the server gets nothing', { strength: 0 }],
    ['signaling is silent', { missedPongs: 2 }],
    ['much of the sound is lost', { lossPercent: 10 }],
  ];
  for (const [what, different] of poor) {
    assert.equal(verdict(different).word, 'Poor connection', what);
    assert.equal(verdict(different).bars, 1, what);
  }
  assert.match(verdict({ strength: 0 }).details, /Hardly anything gets through/);
});

test('who may not listen misses no sound', () => {
  assert.equal(verdict({ sounded: 0, listens: false }).bars, 3);
});

test('loss that is heard makes it fair', () => {
  assert.equal(verdict({ lossPercent: 1.9 }).bars, 3);
  assert.deepEqual([verdict({ lossPercent: 2 }).bars, verdict({ lossPercent: 2 }).word], [2, 'Fair connection']);
});
