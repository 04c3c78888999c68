import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { fixture } from '../lib/fixture.mjs';
import { makeMeeting } from '../lib/meetings.mjs';

const f = fixture();
afterEach(() => f.closeAll());

test('three attendees hear the other two and not themselves, and mute silences', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob', { tone: 880 });
  await cleo.join(made, 'cleo', { tone: 1320 });

  await ada.hears([880, 1320], [440]);
  await bob.hears([440, 1320], [880]);
  await cleo.hears([440, 880], [1320]);

  await ada.av('realtimeMuteLocalAudio');
  await bob.until('ada shown as muted', s => s.volumes[ada.id]?.muted === true);
  await bob.hears([1320], [440, 880]);
  await ada.av('realtimeUnmuteLocalAudio');
  await bob.until('ada shown as not muted', s => s.volumes[ada.id]?.muted === false);
  await bob.hears([440, 1320], [880]);
});

test('everybody is in the roster with presence, external id and volume, and leaves it', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440, options: { configuration: { attendeePresenceTimeoutMs: 10000 } } });
  await ada.event('presence', { id: ada.id, present: true, externalUserId: 'ada' });
  await bob.join(made, 'bob');
  await bob.event('presence', { id: ada.id, present: true, externalUserId: 'ada' });
  await ada.event('presence', { id: bob.id, present: true, externalUserId: 'bob' });
  await bob.until('volume of ada', s => s.loudest[ada.id] > 0.3);
  await bob.until('ada is the active speaker', s => s.speakers[0] === ada.id);
  await bob.until('own signal strength', s => s.ownSignal === undefined || s.ownSignal === 1);

  await ada.av('stop');
  await ada.event('didStop', { code: 'Left' });
  const left = await bob.event('presence', { id: ada.id, present: false });
  assert.equal(left.dropped, false);
});

test('somebody whose page vanishes is shown as dropped', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440 });
  await bob.join(made, 'bob');
  await bob.event('presence', { id: ada.id, present: true });
  await ada.tab.close();
  const gone = await bob.event('presence', { id: ada.id, present: false }, { timeout: 40000 });
  assert.equal(gone.dropped, true);
});

test('a lone attendee never gets a poor connection warning: silence keeps flowing', async () => {
  const made = await makeMeeting(f.server, ['ada']);
  const [ada] = await f.open('ada');
  await ada.join(made, 'ada');
  const packets = async () => (await ada.call('inbound', 'audio')).reduce((n, s) => n + s.packetsReceived, 0);
  const from = await packets();
  const start = Date.now();
  await ada.until('a thousand packets', async () => (await packets()) >= from + 1000, 40000);
  assert.ok(Date.now() - start < 30000, 'fewer than 33 packets a second');
  const { events } = await ada.snapshot();
  assert.equal(events.filter(e => e.name === 'poor').length, 0);
});

test('plain Opus without redundancy works too', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob']);
  const [ada, bob] = await f.open('ada', 'bob');
  await ada.join(made, 'ada', { tone: 440, options: { noRedundancy: true } });
  await bob.join(made, 'bob', { tone: 880, options: { noRedundancy: true } });
  await ada.hears([880], [440]);
  await bob.hears([440], [880]);
});
