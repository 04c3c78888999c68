import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pulse } from '../src/console/pulse';

const beat = (fault?: string) => ({ at: 0, every: 1000, ...(fault === undefined ? {} : { fault }) });

test('a page is live while beats come, and no longer than three of them', () => {
  const pulse = new Pulse();
  assert.deepEqual(pulse.liveness(5000), { state: 'connecting' }, 'nothing has come yet');
  pulse.beat(beat(), 10_000);
  assert.deepEqual(pulse.liveness(10_000), { state: 'live' });
  assert.deepEqual(pulse.liveness(13_000), { state: 'live' });
  assert.deepEqual(pulse.liveness(13_001), { state: 'silent', since: 10_000 });
  assert.equal(pulse.silence(15_000), 5000);
  pulse.beat(beat(), 20_000);
  assert.deepEqual(pulse.liveness(20_000), { state: 'live' }, 'it comes back by itself');
});

test('how long a silence may last follows the server', () => {
  const pulse = new Pulse();
  pulse.beat({ at: 0, every: 5000 }, 0);
  assert.deepEqual(pulse.liveness(15_000), { state: 'live' });
  assert.deepEqual(pulse.liveness(15_001), { state: 'silent', since: 0 });
});

test('a broken connection is told at once', () => {
  const pulse = new Pulse();
  pulse.lost();
  assert.deepEqual(pulse.liveness(0), { state: 'connecting' }, 'it never was up');
  pulse.beat(beat(), 1000);
  pulse.lost();
  assert.deepEqual(pulse.liveness(1000), { state: 'silent', since: 1000 });
});

test('a server that beats and cannot read is not live', () => {
  const pulse = new Pulse();
  pulse.beat(beat('the store is down'), 1000);
  assert.deepEqual(pulse.liveness(1000), { state: 'faulty', since: 0, fault: 'the store is down' });
  pulse.beat(beat(), 2000);
  pulse.beat(beat('the store is down'), 3000);
  assert.deepEqual(pulse.liveness(3000), { state: 'faulty', since: 2000, fault: 'the store is down' });
  pulse.beat(beat(), 4000);
  assert.deepEqual(pulse.liveness(4000), { state: 'live' });
});
