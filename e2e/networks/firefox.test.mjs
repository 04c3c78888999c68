import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Attendee } from '../lib/attendee.mjs';
import { launchChromium } from '../lib/chromium.mjs';
import { launchFirefox } from '../lib/firefox.mjs';
import { makeMeeting } from '../lib/meetings.mjs';
import { servePage } from '../lib/page.mjs';
import { startServer } from '../lib/server.mjs';

let server, page, firefox, chromium;
before(async () => {
  [server, page, firefox, chromium] = await Promise.all([startServer(), servePage(), launchFirefox(), launchChromium()]);
});
after(async () => {
  await Promise.all([firefox?.close(), chromium?.close()]);
  await page?.close();
  await server?.stop();
});

test('Firefox and Chromium hear and see each other', async () => {
  const made = await makeMeeting(server, ['fox', 'chrome']);
  const fox = await Attendee.open(firefox, page, 'fox');
  const chrome = await Attendee.open(chromium, page, 'chrome');
  await fox.join(made, 'fox', { tone: 440, options: { capture: true } });
  await chrome.join(made, 'chrome', { tone: 880 });
  await fox.hears([880], [440]);
  await chrome.hears([440], [880]);
  await chrome.call('startCamera');
  await fox.sees(chrome.id);
  await fox.call('startCamera');
  await chrome.sees(fox.id);
  await fox.av('stop');
  await fox.event('didStop', { code: 'Left' });
  assert.equal((await chrome.event('presence', { id: fox.id, present: false })).dropped, false);
});

test('Firefox and Chromium hear each other in stereo', async () => {
  const made = await makeMeeting(server, ['fox', 'chrome', 'plain']);
  const [fox, plain] = [await Attendee.open(firefox, page, 'fox'), await Attendee.open(firefox, page, 'plain')];
  const chrome = await Attendee.open(chromium, page, 'chrome');
  const stereo = { audioProfile: 'fullbandMusicStereo' };
  await fox.join(made, 'fox', { stereo: [440, 880], options: { capture: true, ...stereo } });
  await chrome.join(made, 'chrome', { stereo: [550, 1100], options: stereo });
  await chrome.hearsStereo([440, 880]);
  await fox.hearsStereo([550, 1100]);
  // Firefox plays stereo without being asked to.
  await plain.join(made, 'plain', { options: { capture: true } });
  await plain.hearsStereo([440, 880]);
});
