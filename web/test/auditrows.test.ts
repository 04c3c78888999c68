import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outcomeOf, spoilt, targetOf } from '../src/console/auditrows';

const id = '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9';

test('what an entry is about', () => {
  assert.deepEqual(targetOf(undefined), { meeting: '', rest: '' });
  assert.deepEqual(targetOf(`meeting ${id}`), { meeting: id, rest: '' });
  assert.deepEqual(targetOf(`meeting ${id} attendee ${id}`), { meeting: id, rest: 'attendee 0a1b2c3d' });
  assert.deepEqual(targetOf('node b'), { meeting: '', rest: 'node b' });
  assert.deepEqual(targetOf('operators file'), { meeting: '', rest: 'operators file' });
});

test('how many lines cannot be read', () => {
  assert.equal(spoilt(0), '');
  assert.equal(spoilt(1), 'One line of the audit cannot be read: it is missing here. The log has the file.');
  assert.match(spoilt(3), /^3 lines of the audit cannot be read/);
});

test('how an outcome looks', () => {
  const entry = { at: '2026-05-01T12:00:00Z', via: 'console', action: 'end meeting' };
  assert.deepEqual(outcomeOf({ ...entry, outcome: 'done' }), { word: 'done', look: 'good' });
  assert.deepEqual(outcomeOf({ ...entry, outcome: 'refused' }), { word: 'refused', look: 'warn' });
  assert.deepEqual(outcomeOf({ ...entry, outcome: 'failed' }), { word: 'failed', look: 'bad' });
});
