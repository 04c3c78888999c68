// What clients of older versions need of the server that the current one does
// not. Versions before 2 are of the legacy API's age.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { DeleteAttendeeCommand } from '@aws-sdk/client-chime-sdk-meetings';
import { Attendee } from '../lib/attendee.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';
import { freePort, startServer } from '../lib/server.mjs';

const versions = ['1.13.0', '1.18.0', '1.20.2', '2.31.0', '3.0.0', '3.20.0'];
const current = '';

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
  await server?.stop();
  server = undefined;
});

async function open(name, version) {
  const attendee = await Attendee.open(browser, page, name, version);
  opened.push(attendee);
  return attendee;
}

const legacy = version => version.startsWith('1.');

for (const version of versions) {
  describe(`client ${version}`, () => {
    test('joins, is heard, hears and shares', async () => {
      server = await startServer();
      const made = await makeMeeting(server, ['ada', 'bob'], { legacy: legacy(version) });
      const [ada, bob] = [await open('ada', version), await open('bob', current)];
      await ada.join(made, 'ada', { tone: 440 });
      await bob.join(made, 'bob', { tone: 880 });
      await ada.hears([880], [440]);
      await bob.hears([440], [880]);
      await ada.call('startContent');
      await bob.event('presence', { id: `${ada.id}#content`, present: true });
    });

    // Not with a close code: only the newest versions heed those.
    test('is back at once after a restart', async () => {
      const data = await mkdtemp(join(tmpdir(), 'carillon-e2e-'));
      const [listen, media] = [`127.0.0.1:${await freePort()}`, await freePort()];
      const flags = ['--media-udp', `127.0.0.1:${media}`, '--media-tcp', `127.0.0.1:${media}`];
      try {
        server = await startServer(flags, { data, listen });
        const made = await makeMeeting(server, ['ada'], { legacy: legacy(version) });
        const ada = await open('ada', version);
        await ada.join(made, 'ada', { tone: 440 });
        await server.stop();
        server = await startServer(flags, { data, listen });
        await ada.event('didStart', {}, { count: 2, timeout: 15000 });
      } finally {
        await server?.stop();
        server = undefined;
        await rm(data, { recursive: true, force: true });
      }
    });
  });
}

// Earlier ones do not heed a close while they are joining, nor a refusal.
for (const version of ['1.20.2', '2.31.0', '3.0.0', '3.20.0', current]) {
  test(`client ${version || 'of today'} is told that its attendee was removed`, async () => {
    server = await startServer();
    const made = await makeMeeting(server, ['ada'], { legacy: legacy(version) });
    const ada = await open('ada', version);
    await made.client.send(new DeleteAttendeeCommand({ MeetingId: made.meeting.MeetingId, AttendeeId: made.attendees.ada.AttendeeId }));
    await ada.join(made, 'ada', { wait: false });
    await ada.event('didStop', { code: 'SignalingBadRequest' });
  });
}

for (const version of ['1.13.0', '1.18.0', '1.20.2']) {
  test(`client ${version} joins through TURN`, async () => {
    server = await startServer(['--turn-udp', `127.0.0.1:${await freePort()}`]);
    const made = await makeMeeting(server, ['ada', 'bob'], { legacy: true });
    assert.notEqual(made.meeting.MediaPlacement.TurnControlUrl, '');
    const [ada, bob] = [await open('ada', version), await open('bob', current)];
    await ada.join(made, 'ada', { tone: 440 });
    await bob.join(made, 'bob', { tone: 880 });
    await bob.hears([440], [880]);
    await ada.hears([880], [440]);
  });
}
