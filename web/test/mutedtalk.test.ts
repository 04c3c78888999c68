import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TalkDetector } from '../src/meeting/mutedtalk';

/** When a detector says something, for levels that come every 50 ms from a moment on. */
function told(detector: TalkDetector, levels: number[], from = 0): number[] {
  return levels.flatMap((level, i) => (detector.talks(level, from + i * 50) ? [from + i * 50] : []));
}

const seconds = (n: number, level: number) => Array.from({ length: n * 20 }, () => level);

test('talk is noticed within half a second, and said once', () => {
  const moments = told(new TalkDetector(), seconds(15, 0.7));
  assert.deepEqual(moments, [350]);
});

test('who goes on is told again after a while', () => {
  assert.deepEqual(told(new TalkDetector(), seconds(45, 0.7)), [350, 20_350, 40_350]);
});

test('silence, a hum and a cough are no talk', () => {
  assert.deepEqual(told(new TalkDetector(), seconds(30, 0)), []);
  assert.deepEqual(told(new TalkDetector(), seconds(30, 0.45)), []);
  const coughs = Array.from({ length: 600 }, (_, i) => (i % 40 < 6 ? 0.9 : 0.1));
  assert.deepEqual(told(new TalkDetector(), coughs), []);
});

test('words with pauses between them are', () => {
  const speech = Array.from({ length: 100 }, (_, i) => (i % 10 < 5 ? 0.65 : 0.2));
  assert.equal(told(new TalkDetector(), speech).length, 1);
});
