import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { codes } from '../src/meeting/codes';
import { explain, explainDevice } from '../src/meeting/words';

const sdk = createRequire(import.meta.url)(
  'amazon-chime-sdk-js/build/meetingsession/MeetingSessionStatusCode.js',
) as typeof import('amazon-chime-sdk-js/build/meetingsession/MeetingSessionStatusCode');

test('the codes are those of the SDK', () => {
  for (const [name, code] of Object.entries(codes)) {
    assert.equal(code, sdk.MeetingSessionStatusCode[name as keyof typeof codes], name);
  }
});

const outside = { joined: false, host: 'meet.example' };
const inside = { ...outside, joined: true };

test('every code has words of its own, and any other has some', () => {
  for (const course of [outside, inside]) {
    for (const [name, code] of Object.entries(codes)) {
      assert.doesNotMatch(explain(code, course).text, /has no words/, name);
    }
    assert.match(explain(999, course).text, /status 999/);
  }
});

test('a connection that was there is said to be lost, not never to have come', () => {
  for (const code of [codes.TaskFailed, codes.NoAttendeePresent, codes.SignalingChannelClosedUnexpectedly]) {
    assert.equal(explain(code, inside).title, 'The connection was lost');
    assert.notEqual(explain(code, outside).title, 'The connection was lost');
  }
  assert.match(explain(codes.SignalingChannelClosedUnexpectedly, outside).text, /WebSocket to meet\.example/);
  assert.equal(explain(codes.MeetingEnded, inside).title, 'The meeting has ended');
});

test('a device is explained by what the browser said, also when the SDK has wrapped it', () => {
  const refused = new DOMException('Permission denied', 'NotAllowedError');
  const missing = new DOMException('Requested device not found', 'NotFoundError');
  const wrapped = new Error('Permission denied by user', { cause: refused });
  assert.match(explainDevice(refused, 'camera'), /may not use the camera/);
  assert.equal(explainDevice(wrapped, 'camera'), explainDevice(refused, 'camera'));
  assert.match(explainDevice(missing, 'microphone'), /No microphone was found/);
});
