import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { codes } from '../src/meeting/codes';
import { explain } from '../src/meeting/words';

const sdk = createRequire(import.meta.url)(
  'amazon-chime-sdk-js/build/meetingsession/MeetingSessionStatusCode.js',
) as typeof import('amazon-chime-sdk-js/build/meetingsession/MeetingSessionStatusCode');

test('the codes are those of the SDK', () => {
  for (const [name, code] of Object.entries(codes)) {
    assert.equal(code, sdk.MeetingSessionStatusCode[name as keyof typeof codes], name);
  }
});

test('every code has words of its own, and any other has some', () => {
  for (const [name, code] of Object.entries(codes)) assert.doesNotMatch(explain(code).text, /has no words/, name);
  assert.match(explain(999).text, /status 999/);
});
