import assert from 'node:assert/strict';
import { test } from 'node:test';
import { looked, Pace, tooLong } from '../src/meeting/pace';

/** Takes so many frames of a length, and returns whether each was in time. */
function frames(pace: Pace, count: number, time: number): boolean[] {
  return Array.from({ length: count }, () => pace.keeps(time));
}

test('what is slow once keeps up, what stays slow does not', () => {
  const pace = new Pace();
  assert.ok(frames(pace, 1, 3000).every(Boolean), 'the first frame compiles the shaders');
  assert.ok(
    frames(pace, 3 * looked, 30)
      .slice(looked)
      .every(Boolean),
  );
  const slow = frames(pace, looked, 2 * tooLong);
  assert.equal(slow[0], true);
  assert.equal(slow.at(-1), false);
  assert.ok(frames(pace, looked, 30).at(-1), 'and keeps up again');
});

test('nothing is said of few frames', () => {
  assert.ok(frames(new Pace(), looked - 1, 100 * tooLong).every(Boolean));
  assert.equal(frames(new Pace(), looked, tooLong + 1).at(-1), false);
  assert.equal(frames(new Pace(), looked, tooLong).at(-1), true);
});
