import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rightsOf } from '../src/meeting/rights';
import { isMuted, type Person } from '../src/meeting/state';

const all = { speak: true, listen: true, camera: true, share: true };

test('capabilities become what somebody may do', () => {
  assert.deepEqual(rightsOf(undefined), all, 'an attendee without any may do everything');
  assert.deepEqual(rightsOf({ Audio: 'SendReceive', Video: 'SendReceive', Content: 'SendReceive' }), all);
  assert.deepEqual(rightsOf({ Audio: 'Receive', Video: 'Receive', Content: 'None' }), {
    speak: false,
    listen: true,
    camera: false,
    share: false,
  });
  assert.deepEqual(rightsOf({ Audio: 'Send', Video: 'None', Content: 'Send' }), {
    speak: true,
    listen: false,
    camera: false,
    share: true,
  });
  assert.deepEqual(rightsOf({ Audio: 'None', Video: 'Send', Content: 'Receive' }), {
    speak: false,
    listen: false,
    camera: true,
    share: false,
  });
});

test('the one who lost the right to speak is muted, whatever the microphone', () => {
  const person = (self: boolean, muted: boolean): Person => ({
    id: 'a',
    name: 'Ada',
    self,
    muted,
    volume: 0,
    signal: 1,
    speaking: false,
    spoke: 0,
    order: 0,
  });
  const silenced = { ...all, speak: false };
  assert.equal(isMuted(person(true, false), silenced), true);
  assert.equal(isMuted(person(true, false), all), false);
  assert.equal(isMuted(person(true, true), all), true);
  assert.equal(isMuted(person(false, false), silenced), false, 'the rights are those of this page’s own person');
});
