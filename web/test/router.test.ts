import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '../src/console/router';

test('every address has its page', () => {
  assert.deepEqual(addressOf('/operator/'), { page: 'live' });
  assert.deepEqual(addressOf('/operator/recordings'), { page: 'recordings' });
  assert.deepEqual(addressOf('/operator/ended'), { page: 'ended' });
  assert.deepEqual(addressOf('/operator/destinations'), { page: 'destinations' });
  assert.deepEqual(addressOf('/operator/nodes'), { page: 'nodes' });
  assert.deepEqual(addressOf('/operator/health'), { page: 'health' });
  assert.deepEqual(addressOf('/operator/log'), { page: 'log' });
  assert.deepEqual(addressOf('/operator/audit'), { page: 'audit' });
  assert.deepEqual(addressOf('/operator/settings'), { page: 'settings' });
  assert.deepEqual(addressOf('/operator/meetings/m1'), { page: 'meeting', meeting: 'm1', attendee: '' });
  assert.deepEqual(addressOf('/operator/meetings/m1/a1'), { page: 'meeting', meeting: 'm1', attendee: 'a1' });
  assert.deepEqual(addressOf('/operator/meetings'), { page: 'live' }, 'no meeting is named');
  assert.deepEqual(addressOf('/operator/nonsense'), { page: 'live' });
});
