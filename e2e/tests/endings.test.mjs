import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { DeleteAttendeeCommand, DeleteMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';

const f = fixture();
afterEach(() => f.closeAll());

test('DeleteAttendee throws the attendee out at once and for good', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await made.client.send(new DeleteAttendeeCommand({ MeetingId: made.meeting.MeetingId, AttendeeId: ada.id }));
  await ada.event('didStop', { code: 'AudioAttendeeRemoved' });
  const left = await bob.event('presence', { id: ada.id, present: false });
  assert.equal(left.dropped, false);
  const [again] = await f.open('again');
  await again.join(made, 'ada', { wait: false });
  await again.event('didStop', { code: 'SignalingBadRequest' });
});

test('DeleteMeeting ends it for everybody, and nobody gets in again', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob');
  await made.client.send(new DeleteMeetingCommand({ MeetingId: made.meeting.MeetingId }));
  await ada.event('didStop', { code: 'MeetingEnded' });
  await bob.event('didStop', { code: 'MeetingEnded' });
  const [late] = await f.open('late');
  await late.join(made, 'bob', { wait: false });
  await late.event('didStop', { code: 'MeetingEnded' });
});

test('the same token on a second device takes over from the first', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [phone, laptop, bob] = await f.open('phone', 'laptop', 'bob');
  await bob.join(made, 'bob');
  await phone.join(made, 'ada', { tone: 440 });
  await laptop.join(made, 'ada', { tone: 1320 });
  await phone.event('didStop', { code: 'AudioJoinedFromAnotherDevice' });
  await bob.hears([1320], [440]);
  await bob.until('ada still present', s => s.roster[laptop.id]);
});

test('forged, truncated and foreign tokens do not get past the socket', async () => {
  const made = await makeMeeting(f.server, ['ada']);
  const other = await makeMeeting(f.server, ['mallory']);
  const good = made.attendees.ada.JoinToken;
  const last = good.at(-1) === 'A' ? 'B' : 'A';
  for (const token of [good.slice(0, -1) + last, good.slice(0, 60), other.attendees.mallory.JoinToken]) {
    const [intruder] = await f.open('intruder');
    await intruder.join({ ...made, attendees: { ada: { ...made.attendees.ada, JoinToken: token } } }, 'ada', { wait: false });
    await intruder.event('didStop', { code: 'SignalingBadRequest' });
    const { roster } = await intruder.snapshot();
    assert.deepEqual(roster, {});
  }
});

test('a signaling drop is repaired by the client, video and all', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await ada.call('startCamera');
  await bob.sees(ada.id);
  await ada.call('dropSignaling');
  await ada.event('connecting', { reconnecting: true });
  await ada.event('didStart', {}, { count: 2 });
  await bob.hears([440], [880]);
  await ada.hears([880], [440]);
  await bob.sees(ada.id);
  const { events } = await bob.snapshot();
  assert.equal(events.filter(e => e.name === 'presence' && e.id === ada.id && !e.present).length, 0, 'nobody saw her leave');
});
