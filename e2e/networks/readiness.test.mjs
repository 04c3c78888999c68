// What the client's readiness checker says of a network that lets no UDP
// through. The checker tells the transports apart by leaving TURN addresses
// out, so a server that offers both gets true answers.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Attendee } from '../lib/attendee.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';
import { freePort, startServer } from '../lib/server.mjs';

const host = process.env.E2E_MEDIA_HOST;
const guest = process.env.E2E_GUEST;

const run = promisify(execFile);

/** Loses every datagram that comes from the guest's network, or no longer. */
const loseUDP = on => run('iptables', [on ? '-A' : '-D', 'INPUT', '-p', 'udp', '-i', 'host0', '-j', 'DROP']);

let server, page, chromium;
before(async () => {
  assert.ok(host && guest, 'scripts/test-browser makes the networks that this test runs in');
  const [udp, tcp] = [await freePort(), await freePort()];
  page = await servePage(host);
  server = await startServer(['--turn-udp', `${host}:${udp}`, '--turn-tcp', `${host}:${tcp}`], { listen: `${host}:0` });
  chromium = await launchChromium([`--unsafely-treat-insecure-origin-as-secure=${page.url.slice(0, -1)}`], { within: guest });
});
after(async () => {
  await chromium?.close();
  await page?.close();
  await server?.stop();
});

async function check() {
  const made = await makeMeeting(server, ['ada']);
  const ada = await Attendee.open(chromium, page, 'ada');
  const said = await ada.call('checkConnectivity', { meeting: made.meeting, attendee: made.attendees.ada });
  await ada.tab.close();
  return said;
}

test('where UDP gets through, both ways are said to work', async () => {
  assert.deepEqual(await check(), { udp: 'Succeeded', tcp: 'Succeeded' });
});

test('where UDP is lost, it is said to fail and TCP to work', async () => {
  await loseUDP(true);
  try {
    assert.deepEqual(await check(), { udp: 'ConnectionFailed', tcp: 'Succeeded' });
  } finally {
    await loseUDP(false);
  }
});
