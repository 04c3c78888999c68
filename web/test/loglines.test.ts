import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf } from '../src/console/loglines';

test('the fields of a line stand as in the log itself', () => {
  const line = { time: '2026-05-01T12:00:00Z', level: 'WARN', msg: 'refused' };
  assert.equal(fieldsOf(line), '');
  assert.equal(
    fieldsOf({
      ...line,
      part: 'api',
      status: 403,
      took: 0.25,
      reason: 'say "friend"',
      empty: '',
      on: true,
      list: [1, 2],
    }),
    'part=api status=403 took=0.25 reason="say \\"friend\\"" empty="" on=true list=[1,2]',
  );
});
