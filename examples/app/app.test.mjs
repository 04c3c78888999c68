// Two people meet on the page, in a real browser; one of them loses her connection for a moment, and the meeting ends.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=10', '--autoplay-policy=no-user-gesture-required',
  '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
];
const testMode = `${process.env.AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS}/test/v1`;
let backend, browser, address;

before(async () => {
  backend = spawn('node', ['app/backend.mjs'], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface({ input: backend.stdout }), 'line');
  address = line.replace('open ', '');
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
});

after(async () => {
  await browser?.close();
  backend.kill();
});

async function enter(name) {
  const page = await browser.newPage();
  page.setDefaultTimeout(120_000); // only tells a hang from a busy machine
  await page.goto(address);
  await page.fill('[name=title]', 'standup');
  await page.fill('[name=name]', name);
  await page.click('text=Join');
  await page.waitForSelector('text=connected');
  return page;
}

/** Waits until the page shows so many moving pictures. */
const pictures = (page, n) =>
  page.waitForFunction(n => [...document.querySelectorAll('video')].filter(v => v.videoWidth > 0 && v.currentTime > 0).length === n, n);

async function call(method, path) {
  const answer = await fetch(`${testMode}/${path}`, { method });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

test('two people meet, one loses her line, and the meeting ends', async () => {
  const [ada, bob] = await Promise.all([enter('ada'), enter('bob')]);
  for (const page of [ada, bob]) {
    await page.waitForSelector('li:has-text("ada")');
    await page.waitForSelector('li:has-text("bob")');
    await pictures(page, 2);
  }
  const { events } = await call('GET', 'events?type=AttendeeJoined&wait=10s');
  const joined = events.find(e => e.detail.externalUserId === 'ada').detail;

  await ada.evaluate(() => {
    window.statuses = [];
    new MutationObserver(() => window.statuses.push(document.querySelector('#status').textContent)).observe(document.querySelector('#status'), { childList: true });
  });
  await call('POST', `meetings/${joined.meetingId}/attendees/${joined.attendeeId}/drop`);
  await ada.waitForFunction(() => window.statuses.includes('reconnecting') && window.statuses.at(-1) === 'connected');
  await pictures(bob, 2);

  await call('POST', `meetings/${joined.meetingId}/end`);
  await ada.waitForSelector('text=left (');
  await bob.waitForSelector('text=left (');
  const { events: ended } = await call('GET', `events?meeting=${joined.meetingId}&type=MeetingEnded&wait=10s`);
  assert.equal(ended.length, 1);
});
