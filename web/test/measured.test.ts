import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measuredFacts, rate, timingWords } from '../src/console/measured';
import { qualityFacts } from '../src/console/personfacts';
import type { Point, SessionRow } from '../src/console/rows';

const session: SessionRow = {
  key: 'k',
  attendee: 'k',
  external: 'ada',
  content: false,
  state: 'connected',
  opened: 1,
  ended: 0,
  remote: '',
  client: '',
  steps: [],
  muted: false,
  silenced: false,
  video: false,
};
const point: Point = {
  at: 1,
  level: 127,
  signal: 2,
  lossIn: 0,
  lossOut: 0,
  rtt: 0,
  kbpsIn: 0,
  kbpsOut: 0,
  available: 0,
};

test('the start of a client is told as far as it told it', () => {
  assert.equal(timingWords(undefined), '');
  assert.equal(timingWords({ socket: 20, ice: 90, firstAudio: 110 }), 'socket 20 ms, ICE 90 ms, first audio 110 ms');
  assert.equal(timingWords({ joinAck: 5, timedOut: true }), 'JOIN 5 ms, gave up waiting');
});

test('rates are told in the larger unit from a thousand on', () => {
  assert.equal(rate(999), '999 kbit/s');
  assert.equal(rate(2500), '2.5 Mbit/s');
});

test('nothing is said of what was not measured', () => {
  assert.deepEqual(measuredFacts(session, undefined), []);
  assert.deepEqual(measuredFacts(session, point), []);
});

test('everything that was measured is said, and of now only while the connection is up', () => {
  const measured = { ...session, signalingRtt: 12, timing: { socket: 20 } };
  const now = { ...point, rtt: 20, available: 900, concealing: true };
  const past = [
    ['Start, by the client', 'socket 20 ms'],
    ['Signaling round trip', '12 ms'],
  ];
  assert.deepEqual(measuredFacts({ ...measured, state: 'left' }, now), past);
  assert.deepEqual(measuredFacts(measured, now), [
    ...past,
    ['Media round trip', '20 ms'],
    ['Bandwidth to client', '900 kbit/s'],
    ['Audio from client', 'gaps are being filled'],
  ]);
});

test('a connection is summed up, with what was bad only if anything was', () => {
  const good = {
    samples: 100,
    lossIn: 0.1,
    lossInMax: 1.5,
    lossOut: 0,
    lossOutMax: 0,
    rtt: 0,
    rttMax: 0,
    weak: 0,
    concealed: 0,
  };
  assert.deepEqual(qualityFacts(good), [
    ['Lost from the client', '0.1 %, at worst 1.5 %'],
    ['Lost to the client', '0 %, at worst 0 %'],
  ]);
  assert.deepEqual(qualityFacts({ ...good, rtt: 20, rttMax: 90, weak: 3, concealed: 10 }).slice(2), [
    ['Round trip, whole connection', '20 ms, at worst 90 ms'],
    ['Bad moments', '3 % weak signal, 10 % gaps in the sound'],
  ]);
});
