// What a backend hears of a real call, in the order of docs/events.md.
import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { DeleteAttendeeCommand, DeleteMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { waitFor } from '../lib/wait.mjs';

/** A web hook's endpoint, which keeps the events whose signature is right. */
const key = randomBytes(32);
const events = [];
const hook = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
  const right = `v1,${createHmac('sha256', key).update(`${id}.${at}.${body}`).digest('base64')}`;
  if (signature === right) events.push(JSON.parse(body).detail);
  response.writeHead(signature === right ? 204 : 401).end();
});
await new Promise(done => hook.listen(0, '127.0.0.1', done));
const secret = join(mkdtempSync(join(tmpdir(), 'carillon-hook-')), 'secret');
writeFileSync(secret, `whsec_${key.toString('base64')}`);

const f = fixture(['--webhook', `http://127.0.0.1:${hook.address().port}/`, '--webhook-secret-file', secret, '--webhook-allow-private']);
afterEach(() => f.closeAll());
after(() => hook.close());

/** The types of a meeting's events, each with the name of whom it is about. */
const told = made =>
  events
    .filter(e => e.meetingId === made.meeting.MeetingId)
    .map(e => `${e.eventType.replace('chime:', '')} ${e.externalUserId ?? ''}${e.attendeeId?.includes('#') ? '#content' : ''}`.trim());

/** Waits until the meeting has been told to have ended, and returns all that was told of one person, or of none. */
async function heard(made) {
  await waitFor('the end of the meeting', () => told(made).includes('MeetingEnded'), { explain: () => told(made).join('\n') });
  const all = told(made);
  return who => all.filter(e => (who ? e.split(/[ #]/)[1] === who : !e.includes(' '))).map(e => e.replace(` ${who}`, ''));
}

test('a call: joining, camera, share, leaving, and the end with somebody inside', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await bob.join(made, 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await ada.call('startCamera');
  await bob.sees(ada.id);
  await ada.call('startContent', { width: 320, height: 240, fps: 5 });
  await bob.sees(`${ada.id}#content`);
  await ada.call('stopContent');
  await bob.event('presence', { id: `${ada.id}#content`, present: false });
  await ada.av('stop');
  await bob.event('presence', { id: ada.id, present: false });
  await made.client.send(new DeleteMeetingCommand({ MeetingId: made.meeting.MeetingId }));
  const of = await heard(made);
  assert.deepEqual(of(), ['MeetingStarted', 'MeetingEnded']);
  assert.deepEqual(of('bob'), ['AttendeeAdded', 'AttendeeAuthorized', 'AttendeeJoined', 'AttendeeLeft']);
  const ofAda = of('ada');
  assert.deepEqual(
    ofAda.filter(e => !e.includes('ontent')),
    ['AttendeeAdded', 'AttendeeAuthorized', 'AttendeeJoined', 'AttendeeVideoStarted', 'AttendeeVideoStopped', 'AttendeeLeft'],
  );
  const share = ['AttendeeContentJoined#content', 'AttendeeContentVideoStarted#content', 'AttendeeContentVideoStopped#content', 'AttendeeContentLeft#content'];
  assert.deepEqual(ofAda.filter(e => share.includes(e)), share);
  assert.equal(told(made).at(-1), 'MeetingEnded');
  assert.equal(told(made)[0], 'MeetingStarted');
});

test('an attendee who is deleted while connected: deleted, then left', async () => {
  const made = await makeMeeting(f.server, ['ada']);
  const [ada] = await f.open('ada');
  await ada.join(made, 'ada');
  await made.client.send(new DeleteAttendeeCommand({ MeetingId: made.meeting.MeetingId, AttendeeId: ada.id }));
  await ada.event('didStop', { code: 'AudioAttendeeRemoved' });
  await made.client.send(new DeleteMeetingCommand({ MeetingId: made.meeting.MeetingId }));
  const of = await heard(made);
  assert.deepEqual(of('ada'), ['AttendeeAdded', 'AttendeeAuthorized', 'AttendeeJoined', 'AttendeeDeleted', 'AttendeeLeft']);
});
