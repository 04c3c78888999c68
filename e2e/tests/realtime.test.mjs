import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import {
  BatchUpdateAttendeeCapabilitiesExceptCommand,
  DeleteAttendeeCommand,
  StartMeetingTranscriptionCommand,
  StopMeetingTranscriptionCommand,
  UpdateAttendeeCapabilitiesCommand,
} from '@aws-sdk/client-chime-sdk-meetings';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';

const f = fixture();
afterEach(() => f.closeAll());

test('data messages reach the others, and the stored ones whoever joins later', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada');
  await bob.join(made, 'bob');
  await ada.av('realtimeSendDataMessage', 'chat', 'kept', 60000);
  await ada.av('realtimeSendDataMessage', 'chat', 'fleeting', 0);
  const got = await bob.until('both messages', s => s.messages.length === 2 && s.messages);
  assert.deepEqual(got.map(m => [m.text, m.from, m.external, m.throttled]), [['kept', ada.id, 'ada', false], ['fleeting', ada.id, 'ada', false]]);
  assert.ok(got[1].at >= got[0].at);
  await cleo.join(made, 'cleo');
  await cleo.until('the stored message', s => s.messages.length === 1 && s.messages[0].text === 'kept');
  assert.equal((await ada.snapshot()).messages.length, 0, 'no echo to the sender');
});

test('too many messages come back to their sender as throttled', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada');
  await bob.join(made, 'bob');
  await ada.tab.evaluate(() => {
    for (let i = 0; i < 600; i++) window.attendee.av.realtimeSendDataMessage('chat', `m${i}`, 0);
  });
  await ada.until('throttled messages', s => s.messages.some(m => m.throttled));
  const { messages } = await bob.snapshot();
  assert.ok(messages.length >= 200 && messages.length < 600, `${messages.length} delivered`);
});

test('capabilities changed during the call take effect in both directions', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await ada.call('startCamera');
  await bob.sees(ada.id);
  const set = (id, Audio, Video, Content) => made.client.send(new UpdateAttendeeCapabilitiesCommand({
    MeetingId: made.meeting.MeetingId, AttendeeId: id, Capabilities: { Audio, Video, Content },
  }));

  await set(ada.id, 'Receive', 'Receive', 'Receive');
  await bob.hears([], [440]);
  await bob.until('the tile is gone', s => !s.tiles.some(t => t.attendeeId === ada.id));
  await ada.event('videoSendUnavailable');
  await ada.hears([880], [440]);

  await set(ada.id, 'SendReceive', 'SendReceive', 'SendReceive');
  await bob.hears([440], [880]);
  await ada.call('startCamera');
  await bob.sees(ada.id);

  await made.client.send(new BatchUpdateAttendeeCapabilitiesExceptCommand({
    MeetingId: made.meeting.MeetingId, ExcludedAttendeeIds: [{ AttendeeId: ada.id }], Capabilities: { Audio: 'Send', Video: 'Send', Content: 'Send' },
  }));
  await bob.hears([], [440, 880]);
  await bob.until('no tiles left', s => !s.tiles.some(t => t.attendeeId === ada.id));
  await ada.hears([880], [440]);
});

test('an attendee created without video cannot send it', async () => {
  const none = { Audio: 'SendReceive', Video: 'None', Content: 'None' };
  const made = await makeMeeting(f.server, ['ada', 'bob'], { capabilities: { bob: none } });
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await ada.hears([880], [440]);
  await ada.call('startCamera');
  await bob.call('startCamera');
  await bob.event('videoSendUnavailable');
  await ada.until('still no tile of bob', s => s.tiles.some(t => t.local) && !s.tiles.some(t => t.attendeeId === bob.id && !t.local));
  assert.deepEqual((await bob.snapshot()).sources, []);
});

test('transcription without an engine is told as failed, each time, and never as stopped', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada] = await f.open('ada');
  await ada.join(made, 'ada');
  const { MeetingId } = made.meeting;
  for (const count of [1, 2]) {
    await made.client.send(
      new StartMeetingTranscriptionCommand({ MeetingId, TranscriptionConfiguration: { EngineTranscribeSettings: { LanguageCode: 'en-US', Region: 'us-east-1' } } }),
    );
    const failed = await ada.event('transcription', { type: 'failed', region: 'us-east-1' }, { count });
    assert.ok(failed.message, 'it says why');
    await made.client.send(new StopMeetingTranscriptionCommand({ MeetingId }));
  }
  const { events } = await ada.snapshot();
  assert.deepEqual(events.filter(e => e.name === 'transcription').map(e => e.type), ['failed', 'failed']);
});

test('an attendee of a replica listens unseen, takes part while promoted, and is sent back', async () => {
  const main = await makeMeeting(f.server, ['ada', 'cleo-on-stage']);
  const replica = await makeMeeting(f.server, ['cleo'], { meeting: { PrimaryMeetingId: main.meeting.MeetingId } });
  const [ada, cleo] = await f.open('ada', 'cleo');
  await ada.join(main, 'ada', { tone: 440 });
  await cleo.join(replica, 'cleo', { tone: 880 });
  await cleo.hears([440], [880]);
  await cleo.until('the primary roster', s => s.roster[ada.id]);
  await ada.hears([], [880]);
  assert.deepEqual(Object.keys((await ada.snapshot()).roster), [ada.id], 'nobody sees who listens');

  const stage = main.attendees['cleo-on-stage'];
  assert.equal(await cleo.call('promote', stage), 'OK');
  await ada.event('presence', { id: stage.AttendeeId, present: true, externalUserId: 'cleo-on-stage' });
  await ada.hears([880], [440]);
  await cleo.call('startCamera');
  await ada.sees(stage.AttendeeId);

  await cleo.av('demoteFromPrimaryMeeting');
  await ada.event('presence', { id: stage.AttendeeId, present: false });
  await ada.hears([], [880]);
  await cleo.hears([440], [880]);

  assert.equal(await cleo.call('promote', stage), 'OK');
  await ada.event('presence', { id: stage.AttendeeId, present: true }, { count: 2 });
  await main.client.send(new DeleteAttendeeCommand({ MeetingId: main.meeting.MeetingId, AttendeeId: stage.AttendeeId }));
  await cleo.event('demoted', { code: 'AudioVideoWasRemovedFromPrimaryMeeting' });
  await ada.event('presence', { id: stage.AttendeeId, present: false }, { count: 2 });
  await cleo.hears([440], [880]); // and listens on
});
