// Every generation of the client that applications still ship, beside the
// current one in one meeting. Versions before 2 are of the legacy API's age,
// and their meetings are made through it.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { DeleteAttendeeCommand, DeleteMeetingCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { Attendee } from '../lib/attendee.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';
import { freePort, startServer } from '../lib/server.mjs';

const current = '3.32.0';
const versions = ['1.13.0', '1.18.0', '1.20.2', '2.31.0', '3.0.0', '3.20.0', current];

/** Whether a version is of the legacy API's age. */
const legacy = version => version.startsWith('1.');

/**
 * Whether a version shows the pictures of others in a browser of today. 1.13 asks for them in a dialect of SDP that
 * browsers have removed; nothing that a server answers helps. Its own pictures are seen.
 */
const watches = version => version !== '1.13.0';

let page;
let browser;
let server;
const opened = [];
before(async () => {
  [page, browser] = await Promise.all([servePage(), launchChromium()]);
});
after(async () => {
  await browser?.close();
  await page?.close();
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map(a => a.tab.close()));
});

async function open(name, version) {
  const attendee = await Attendee.open(browser, page, name, version === current ? '' : version);
  assert.equal(await attendee.tab.evaluate(() => window.sdkVersion), version);
  opened.push(attendee);
  return attendee;
}

describe('in one meeting with the current version', () => {
  before(async () => (server = await startServer()));
  after(() => server.stop());

  for (const version of versions) {
    test(`${version}: the whole of a call`, async () => {
      const made = await makeMeeting(server, ['ada', 'bob'], { legacy: legacy(version) });
      const [ada, bob] = [await open('ada', version), await open('bob', current)];
      await ada.join(made, 'ada', { tone: 440 });
      await bob.join(made, 'bob', { tone: 880 });
      await ada.event('presence', { id: bob.id, present: true, externalUserId: 'bob' });
      await bob.event('presence', { id: ada.id, present: true, externalUserId: 'ada' });
      await ada.hears([880], [440]);
      await bob.hears([440], [880]);
      await showCameras(ada, bob, version);
      await shareContent(ada, bob, version);
      await exchangeMessages(ada, bob);
      await bob.av('stop');
      await ada.event('presence', { id: bob.id, present: false, dropped: false });
      await made.client.send(new DeleteAttendeeCommand({ MeetingId: made.meeting.MeetingId, AttendeeId: ada.id }));
      // Clients before 2 know no more than that the server sent them away.
      await ada.event('didStop', { code: legacy(version) ? 'AudioDisconnected' : 'AudioAttendeeRemoved' });
    });
  }
});

async function showCameras(ada, bob, version) {
  await bob.call('startCamera');
  if (watches(version)) await ada.sees(bob.id);
  await ada.call('startCamera');
  await bob.sees(ada.id);
}

async function shareContent(ada, bob, version) {
  await ada.call('startContent', { tone: 1760 });
  await ada.event('contentStart');
  await bob.event('presence', { id: `${ada.id}#content`, present: true, externalUserId: 'ada' });
  await bob.hears([440, 1760], [880]);
  await bob.sees(`${ada.id}#content`);
  await ada.call('stopContent');
  await bob.event('presence', { id: `${ada.id}#content`, present: false });
  await bob.call('startContent');
  await ada.event('presence', { id: `${bob.id}#content`, present: true, externalUserId: 'bob' });
  if (watches(version)) await ada.sees(`${bob.id}#content`);
  await bob.call('stopContent');
  await ada.event('presence', { id: `${bob.id}#content`, present: false });
  await ada.hears([880], [440]);
}

async function exchangeMessages(ada, bob) {
  await ada.av('realtimeSendDataMessage', 'chat', 'from ada', 1000);
  await bob.until('the message from ada', s => s.messages.some(m => m.text === 'from ada' && m.from === ada.id && m.external === 'ada'));
  await bob.av('realtimeSendDataMessage', 'chat', 'from bob', 1000);
  await ada.until('the message from bob', s => s.messages.some(m => m.text === 'from bob' && m.from === bob.id && m.external === 'bob'));
}

describe('told of what cannot be', () => {
  before(async () => (server = await startServer()));
  after(() => server.stop());

  // Versions before 1.20 heed neither a close nor a refusal while they join:
  // they try until their own time is up.
  test('a deleted attendee is a bad request in every version', async () => {
    const told = versions.filter(version => !['1.13.0', '1.18.0'].includes(version));
    const made = await makeMeeting(server, told, { legacy: true });
    for (const version of told) {
      await made.client.send(new DeleteAttendeeCommand({ MeetingId: made.meeting.MeetingId, AttendeeId: made.attendees[version].AttendeeId }));
    }
    await Promise.all(
      told.map(async version => {
        const attendee = await open(version, version);
        await attendee.join(made, version, { wait: false });
        await attendee.event('didStop', { code: 'SignalingBadRequest' });
      }),
    );
  });
});

describe('told that it is over', () => {
  before(async () => (server = await startServer()));
  after(() => server.stop());

  test('the end of a meeting reaches every version', async () => {
    const made = await makeMeeting(server, versions, { legacy: true });
    const everybody = await Promise.all(versions.map(version => open(version, version)));
    for (const attendee of everybody) await attendee.join(made, attendee.name);
    await made.client.send(new DeleteMeetingCommand({ MeetingId: made.meeting.MeetingId }));
    const oldName = ['1.13.0', '1.18.0']; // for the same code
    await Promise.all(everybody.map(a => a.event('didStop', { code: oldName.includes(a.name) ? 'AudioCallEnded' : 'MeetingEnded' })));
  });
});

// Not by a close code: only the newest versions heed those once they are
// connected.
test('all of them, in one meeting, come back by themselves when the server restarts', async () => {
  const data = await mkdtemp(join(tmpdir(), 'carillon-e2e-'));
  const [listen, media] = [`127.0.0.1:${await freePort()}`, await freePort()];
  const flags = ['--media-udp', `127.0.0.1:${media}`, '--media-tcp', `127.0.0.1:${media}`];
  let server = await startServer(flags, { data, listen });
  try {
    const made = await makeMeeting(server, versions, { legacy: true });
    const everybody = await Promise.all(versions.map(version => open(version, version)));
    const tones = [440, 660, 880]; // of the three oldest: four voices at most are mixed
    for (const [i, attendee] of everybody.entries()) await attendee.join(made, attendee.name, { tone: tones[i] });
    await everybody[0].until('everybody is there', s => Object.keys(s.roster).length === versions.length);
    await server.stop();
    server = await startServer(flags, { data, listen });
    await Promise.all(everybody.map(attendee => attendee.event('didStart', {}, { count: 2, timeout: 15_000 })));
    for (const attendee of everybody) {
      await attendee.until('everybody is there again', s => Object.keys(s.roster).length === versions.length);
      const { events } = await attendee.snapshot();
      assert.deepEqual(events.filter(e => e.name === 'didStop'), [], `${attendee.name} was told that it is over`);
    }
    await everybody.at(-1).hears(tones);
    await everybody[0].hears(tones.slice(1), tones.slice(0, 1));
  } finally {
    await server.stop();
    await rm(data, { recursive: true, force: true });
  }
});

test('clients before 1.20 join through TURN, which they ask for by themselves', async () => {
  const server = await startServer(['--turn-udp', `127.0.0.1:${await freePort()}`]);
  try {
    for (const version of versions.filter(legacy)) {
      const made = await makeMeeting(server, ['ada', 'bob'], { legacy: true });
      assert.notEqual(made.meeting.MediaPlacement.TurnControlUrl, '');
      const [ada, bob] = [await open('ada', version), await open('bob', current)];
      await ada.join(made, 'ada', { tone: 440 });
      await bob.join(made, 'bob', { tone: 880 });
      await bob.hears([440], [880]);
      await ada.hears([880], [440]);
    }
  } finally {
    await server.stop();
  }
});
