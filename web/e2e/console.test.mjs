// Nobody but an operator gets into the console.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { callAPI, closePage, openPage, patience, secret, signIn, startBrowser, startServer, until } from './world.mjs';

describe('signing in', { timeout: 4 * patience }, () => {
  let server, browser;
  before(async () => {
    server = await startServer();
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
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
        await Promise.all(Array.from({ length: 50 }, (_, j) =>
          callAPI(wide, 'POST', '/meetings', { ClientRequestToken: `many-${i + j}`, MediaRegion: 'us-east-1', ExternalMeetingId: `many-${i + j}` })));
      }
      await until('all are counted', async () => /meetings\D*1,?000|1,?000\D*meetings/.test(await page.locator('.totals div').first().textContent()));
      const rows = await page.locator('.vt-row').count();
      assert.ok(rows > 5 && rows < 200, `${rows} rows are in the document`);
      await page.fill('input[type=search]', 'many-777');
      await until('one row is left', async () => (await page.locator('.m-name a').count()) === 1);
      await closePage(page);
    } finally {
      await wide.stop();
    }
  });

  test('a request without the token of its page is refused', async () => {
    const page = await openPage(browser, server, '/operator/');
    await signIn(page);
    const made = await callAPI(server, 'POST', '/meetings', { ClientRequestToken: 'forged', MediaRegion: 'us-east-1', ExternalMeetingId: 'forged' });
    const id = made.Meeting.MeetingId;
    const statuses = await page.evaluate(async (meeting) => {
      const paths = [`/operator/api/meetings/${meeting}/end`, `/operator/api/meetings/${meeting}`];
      return Promise.all(paths.flatMap((path) => ['POST', 'DELETE'].map(async (method) => (await fetch(path, { method })).status)));
    }, id);
    assert.ok(statuses.every((s) => s >= 400), `statuses ${statuses}`);
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
