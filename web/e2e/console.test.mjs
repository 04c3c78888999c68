// Nobody but an operator gets into the console.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callAPI, closePage, openPage, patience, secret, signIn, startServer, until, world } from './world.mjs';

/**
 * Scrolls a table at seven thousand pixels a second and returns how long the page
 * computes for each frame, in ms of its own thread: other programs on the
 * machine do not count.
 */
async function workPerFrame(page) {
  const debug = await page.context().newCDPSession(page);
  await debug.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () =>
    (await debug.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration').value * 1000;
  const before = await spent();
  const frames = 120;
  await page.evaluate(async (count) => {
    const scroller = document.querySelector('.vt-scroll');
    for (let i = 0; i < count; i++) {
      scroller.scrollTop = (scroller.scrollTop + 120) % scroller.scrollHeight;
      await new Promise((next) => requestAnimationFrame(next));
    }
  }, frames);
  return ((await spent()) - before) / frames;
}

/** Sixty frames a second leave so much time for each, in ms. */
const frameTime = 1000 / 60;

describe('signing in', { timeout: 4 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  test('the right secret opens it, signing out closes it', async () => {
    const page = await openPage(browser, server, '/operator/');
    await signIn(page);
    const [cookie] = await page.context().cookies();
    assert.equal(cookie.httpOnly, true);
    assert.equal(cookie.sameSite, 'Strict');
    await page.click('text=Sign out');
    await page.waitForSelector('#secret');
    await closePage(page);
  });

  test('the list follows what happens, a thousand meetings at once', async () => {
    const wide = await startServer('--limit-meetings', '2000');
    try {
      const page = await openPage(browser, wide, '/operator/');
      await signIn(page);
      for (let i = 0; i < 1000; i += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_, j) =>
            callAPI(wide, 'POST', '/meetings', {
              ClientRequestToken: `many-${i + j}`,
              MediaRegion: 'us-east-1',
              ExternalMeetingId: `many-${i + j}`,
            }),
          ),
        );
      }
      await until('all are counted', async () =>
        /meetings\D*1,?000|1,?000\D*meetings/.test(await page.locator('.totals div').first().textContent()),
      );
      const rows = await page.locator('.vt-row').count();
      assert.ok(rows > 5 && rows < 200, `${rows} rows are in the document`);
      const work = await workPerFrame(page);
      assert.ok(work < frameTime, `a frame of a thousand meetings takes ${work} ms`);
      await page.fill('input[type=search]', 'many-777');
      await until('one row is left', async () => (await page.locator('.m-name a').count()) === 1);
      await closePage(page);
    } finally {
      await wide.stop();
    }
  });

  test('a meeting of 250 is drawn row by row', async () => {
    const made = await callAPI(server, 'POST', '/meetings', {
      ClientRequestToken: 'large',
      MediaRegion: 'us-east-1',
      ExternalMeetingId: 'large',
    });
    const id = made.Meeting.MeetingId;
    for (const batch of [0, 100, 200]) {
      const size = Math.min(100, 250 - batch);
      const Attendees = Array.from({ length: size }, (_, i) => ({
        ExternalUserId: `person-${String(batch + i).padStart(3, '0')}`,
      }));
      await callAPI(server, 'POST', `/meetings/${id}/attendees?operation=batch-create`, { Attendees });
    }
    const page = await openPage(browser, server, `/operator/meetings/${id}`);
    await signIn(page);
    await page.waitForSelector('.facts:has-text("0 connected of 250")');
    const work = await workPerFrame(page);
    assert.ok(work < frameTime, `a frame of 250 attendees takes ${work} ms`);
    const rows = await page.locator('.people .vt-row').count();
    assert.ok(rows > 5 && rows < 60, `${rows} rows are in the document`);
    await page.locator('.people .vt-scroll').evaluate((node) => node.scrollTo(0, node.scrollHeight));
    await page.click('.a-name a:has-text("person-249")');
    await page.waitForSelector('.timeline:has-text("Has not tried to join")');
    await closePage(page);
  });

  test('a request without the token of its page is refused', async () => {
    const page = await openPage(browser, server, '/operator/');
    await signIn(page);
    const made = await callAPI(server, 'POST', '/meetings', {
      ClientRequestToken: 'forged',
      MediaRegion: 'us-east-1',
      ExternalMeetingId: 'forged',
    });
    const id = made.Meeting.MeetingId;
    const statuses = await page.evaluate(async (meeting) => {
      const paths = [`/operator/api/meetings/${meeting}/end`, `/operator/api/meetings/${meeting}`];
      return Promise.all(
        paths.flatMap((path) => ['POST', 'DELETE'].map(async (method) => (await fetch(path, { method })).status)),
      );
    }, id);
    assert.ok(
      statuses.every((s) => s >= 400),
      `statuses ${statuses}`,
    );
    assert.equal((await callAPI(server, 'GET', `/meetings/${id}`)).Meeting.MeetingId, id, 'the meeting goes on');
    await closePage(page);
  });

  test('a wrong secret does not, and guessing is slowed down', async () => {
    const page = await openPage(browser, server, '/operator/');
    await page.fill('#secret', `${secret} not`);
    await page.click('text=Sign in');
    await page.waitForSelector('[role=alert] .bad');
    await until('too many tries', async () => {
      await page.click('text=Sign in');
      return /too many|wait|again in/i.test((await page.locator('[role=alert]').allTextContents()).join(' '));
    });
    await page.fill('#secret', secret);
    await page.click('text=Sign in');
    await page.waitForSelector('[role=alert] .bad');
    assert.equal(await page.locator('.tabs').count(), 0, 'the right secret too has to wait now');
    await closePage(page);
  });
});
