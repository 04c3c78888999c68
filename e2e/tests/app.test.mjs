import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { DeleteMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { app } from '../lib/app.mjs';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { waitFor } from '../lib/wait.mjs';

const f = fixture();
afterEach(() => f.closeAll());

/** Waits until what the application API answers fits, and returns it. */
const answers = (what, path, fits) => {
  let last;
  return waitFor(what, async () => fits(last = await app(f.server, 'GET', path)) && last, { explain: () => JSON.stringify(last) });
};

test('a message of the server reaches all or one, and whoever joins while it lasts', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const messages = `meetings/${made.meeting.MeetingId}/messages`;
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada');
  await bob.join(made, 'bob');
  assert.deepEqual(await app(f.server, 'POST', messages, { topic: 'chat', text: 'to äll', lifetimeMs: 60000 }), { sent: 2 });
  assert.deepEqual(await app(f.server, 'POST', messages, { topic: 'chat', data: btoa('to bob'), attendeeId: bob.id }), { sent: 1 });
  assert.deepEqual(await app(f.server, 'POST', messages, { topic: 'elsewhere', text: 'on a topic nobody has asked for' }), { sent: 2 });
  const got = await bob.until('both messages', s => s.messages.length === 2 && s.messages);
  assert.deepEqual(got.map(m => [m.text, m.from, m.external, m.throttled]), [['to äll', '', '', false], ['to bob', '', '', false]]);
  await cleo.join(made, 'cleo');
  await cleo.until('the message that lasts', s => s.messages.length === 1 && s.messages[0].text === 'to äll');
  await bob.av('realtimeSendDataMessage', 'chat', 'last', 0);
  const all = await ada.until("bob's message", s => s.messages.length === 2 && s.messages);
  assert.deepEqual(all.map(m => m.text), ['to äll', 'last']);
});

test('an attendee is muted, unmuted and removed', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await bob.hears([440], [880]);
  const person = `meetings/${made.meeting.MeetingId}/attendees/${ada.id}`;

  const muted = await app(f.server, 'POST', `${person}/mute`);
  assert.deepEqual(muted.capabilities, { audio: 'Receive', video: 'SendReceive', content: 'SendReceive' });
  await bob.hears([], [440]);
  await bob.until('ada shown as muted', s => s.volumes[ada.id]?.muted === true);
  await ada.av('realtimeUnmuteLocalAudio'); // of no use
  await ada.hears([880], [440]);
  await bob.hears([], [440]);

  await app(f.server, 'POST', `${person}/unmute`);
  await bob.hears([440], [880]);
  await bob.until('ada shown as not muted', s => s.volumes[ada.id]?.muted === false);

  assert.equal(await app(f.server, 'DELETE', person), undefined);
  await ada.event('didStop', { code: 'AudioAttendeeRemoved' });
  await bob.event('presence', { id: ada.id, present: false });
  await assert.rejects(app(f.server, 'DELETE', person), { code: 'NotFoundException' });
});

test('who is here, and what happened, during a call and after it', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo'], { meeting: { ExternalMeetingId: 'timeline', Tags: [{ Key: 'team', Value: 'red' }] } });
  const meeting = `meetings/${made.meeting.MeetingId}`;
  const [ada, bob] = await f.open('ada', 'bob');
  const before = Date.now();
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await ada.call('startCamera');
  await bob.sees(ada.id);
  await bob.hears([440], [880]);
  await bob.call('startContent');
  await ada.event('presence', { id: `${bob.id}#content`, present: true });

  const { meetings } = await app(f.server, 'GET', 'meetings?tagKey=team&tagValue=red&externalMeetingId=timeline');
  assert.deepEqual(meetings.map(m => [m.id, m.connected, m.video, m.content, m.attendees]), [[made.meeting.MeetingId, 2, 1, 1, 3]]);
  const now = await answers('the connections and their quality', meeting, m => m.connections.length === 3 && m.connections.every(c => c.content || c.quality?.rtt > 0));
  const [hers, , share] = now.connections;
  assert.deepEqual([share.external, share.content, share.key], ['bob', true, `${bob.id}#content`]);
  assert.deepEqual([hers.external, hers.state, hers.content, hers.video, hers.remote], ['ada', 'connected', false, true, '127.0.0.1']);
  assert.match(hers.client, /^chrome.*amazon-chime-sdk-js/);
  assert.ok(hers.opened >= before - 1000 && hers.opened <= Date.now(), 'since when she is here');
  assert.ok(hers.now.stats.packetsIn > 0 && hers.quality.samples > 0 && hers.quality.lossIn < 5, JSON.stringify(hers));

  const attendee = await answers("ada's join", `${meeting}/attendees/${ada.id}`, a => a.sessions[0]?.steps.length === 7);
  const { steps, samples } = attendee.sessions[0];
  assert.deepEqual(steps.map(s => s.name), ['token', 'socket', 'join', 'subscribe', 'ice', 'dtls', 'audio']);
  assert.ok(steps.every((s, i) => s.at >= before - 1000 && (i === 0 || s.name === 'audio' || s.at >= steps[i - 1].at)), JSON.stringify(steps));
  assert.ok(samples.length > 0);

  await app(f.server, 'DELETE', `${meeting}/attendees/${ada.id}`);
  await ada.event('didStop', { code: 'AudioAttendeeRemoved' });
  await made.client.send(new DeleteMeetingCommand({ MeetingId: made.meeting.MeetingId }));
  await bob.event('didStop', { code: 'MeetingEnded' });

  const ended = await answers('the end', 'meetings?state=ended&externalMeetingId=timeline', list => list.meetings.length === 1);
  const [row] = ended.meetings;
  assert.deepEqual([row.id, row.reason, row.endedBy, row.connected, row.tags], [made.meeting.MeetingId, 'deleted by request', 'key:AKIAE2ETESTKEY', 0, [{ key: 'team', value: 'red' }]]);
  const kept = await answers('what is kept', `${meeting}/attendees`, list => list.attendees.every(a => a.external === 'cleo' || a.sessions[0]?.ended > 0));
  assert.deepEqual(kept.attendees.map(a => [a.external, Boolean(a.deleted), a.state]), [['ada', true, 'removed'], ['bob', false, 'removed'], ['cleo', false, '']]);
  assert.ok(kept.attendees[0].sessions[0].quality.samples > 0, 'how good the connection was');
  const { records } = await app(f.server, 'GET', `${meeting}/records`);
  const kinds = records.map(r => (r.external ? `${r.kind} ${r.external}` : r.kind));
  for (const kind of ['created', 'attendees added', 'joined ada', 'joined bob', 'video started ada', 'attendee deleted ada', 'left ada', 'ended', 'left bob']) {
    assert.ok(kinds.includes(kind), `${kind} is not in the timeline: ${kinds}`);
  }
});
