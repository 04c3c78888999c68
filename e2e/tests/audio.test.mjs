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

const stereo = { audioProfile: 'fullbandMusicStereo', contentAudioProfile: 'fullbandMusicStereo' };

test('stereo: each tone of a microphone and of a share arrives in its own ear', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada', { stereo: [440, 880], options: stereo });
  await bob.join(made, 'bob', { options: stereo });
  await cleo.join(made, 'cleo');
  await bob.hearsStereo([440, 880]);
  await cleo.hearsStereo([440, 880], { apart: false }); // she did not ask for stereo

  await ada.call('startContent', { stereo: [660, 1320] });
  await ada.event('contentStart');
  await bob.hearsStereo([660, 1320]);
  await bob.hearsStereo([440, 880]);
  await cleo.hearsStereo([660, 1320], { apart: false });
  await ada.hears([], [440, 660, 880, 1320]);

  await ada.call('stopContent');
  await bob.hears([440, 880], [660, 1320]);
  await bob.hearsStereo([440, 880]);
});

test('stereo talkers hear each other in stereo, and mono voices in the middle', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo']);
  const [ada, bob, cleo] = await f.open('ada', 'bob', 'cleo');
  await ada.join(made, 'ada', { stereo: [440, 880], options: stereo });
  await bob.join(made, 'bob', { stereo: [550, 1100], options: stereo });
  await ada.hearsStereo([550, 1100]);
  await bob.hearsStereo([440, 880]);
  await ada.hears([550, 1100], [440, 880]);
  await cleo.join(made, 'cleo', { tone: 1760, options: { audioProfile: 'fullbandMusicMono' } });
  await ada.hearsStereo([1760, 1760], { apart: false });
  await cleo.hearsStereo([440, 880], { apart: false });
  await cleo.hearsStereo([550, 1100], { apart: false });
});

test('the bitrate that an audio profile asks for is what comes', async () => {
  const made = await makeMeeting(f.server, ['ada', 'bob', 'cleo', 'dan']);
  const [ada, bob, cleo, dan] = await f.open('ada', 'bob', 'cleo', 'dan');
  await ada.join(made, 'ada', { stereo: [440, 880], options: stereo });
  await bob.join(made, 'bob', { options: { audioProfile: 'fullbandSpeechMono' } });
  await cleo.join(made, 'cleo', { options: { audioProfile: 'fullbandMusicMono' } });
  await dan.join(made, 'dan', { options: stereo });
  for (const [listener, kbps] of [[bob, 40], [cleo, 64], [dan, 128]]) {
    await listener.hears([440, 880]);
    const sample = async () => (await listener.call('inbound', 'audio')).at(-1);
    await listener.until(`${kbps} kbit/s`, async () => {
      const from = await sample();
      await new Promise(done => setTimeout(done, 2000));
      const to = await sample();
      // By packets of 20 ms, since a busy machine may not send all 50 in a second.
      const bytes = (to.bytesReceived - from.bytesReceived) / (to.packetsReceived - from.packetsReceived);
      return Math.abs(bytes * 8 * 50 / 1000 - kbps) < 0.15 * kbps;
    });
  }
});
