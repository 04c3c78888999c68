// An operator records a meeting: everybody in it sees so, and it plays.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { callAPI, closePage, openPage, patience, signIn, until, world } from './world.mjs';

describe('a recording', { timeout: 6 * patience }, () => {
  const store = mkdtempSync(join(tmpdir(), 'carillon-recordings-'));
  after(() => rmSync(store, { recursive: true }));
  let server, browser, ada, operator;
  world(['--recordings', store], (s, b) => {
    server = s;
    browser = b;
  });

  const inside = (page) => page.locator('.control:has-text("People") .badge').textContent();

  test('is begun in the console, and everybody sees that it runs', async () => {
    ada = await openPage(browser, server);
    await ada.fill('#name', 'Ada');
    await ada.click('.entry-form button');
    await ada.waitForSelector('.quality[data-bars="3"]');
    assert.equal(await ada.locator('.recording-mark').isVisible(), false);
    operator = await openPage(browser, server, '/operator/');
    await signIn(operator);
    await operator.click('.m-name a');
    await operator.click('.recordings >> text=Record…');
    await operator.click('dialog >> text=Record >> nth=-1');
    await operator.waitForSelector('.recording .pill:text-is("Recording")');
    await ada.waitForSelector('.recording-mark:visible');
    assert.equal(await ada.locator('.tile').count(), 1, 'a recording is nobody’s tile');
    assert.equal(await inside(ada), '1', 'a recording is nobody in the meeting');
    await ada.waitForSelector('[role=status] >> text=This meeting is being recorded');
  });

  test('is ended, joined and played', async () => {
    await until('sound and picture are there', async () => {
      const names = await operator.locator('.pieces .file-name').allTextContents();
      return names.includes('Sound') && names.includes('Camera of Ada');
    });
    await operator.click('.recordings >> text=Stop recording');
    await operator.click('dialog .danger');
    await ada.waitForSelector('.recording-mark', { state: 'hidden' });
    await operator.waitForSelector('.recording .pill:text-is("Stored")');
    const joined = operator.locator('.recording > .files .file');
    await until('all is joined', async () => (await joined.count()) >= 3);
    const ranges = [];
    operator.on('response', (answer) => answer.url().includes('/files/') && ranges.push(answer.status()));
    for (const name of ['Sound', 'Camera of Ada']) {
      await joined.filter({ hasText: name }).locator('button').click();
      await operator.waitForFunction(() => {
        const screen = document.querySelector('.player-screen');
        return screen && screen.duration > 1 && (screen.currentTime > 0.3 || screen.ended);
      });
      if (name !== 'Sound') assert.ok(await operator.evaluate(() => document.querySelector('video').videoWidth > 0));
      await operator.evaluate(async () => {
        const screen = document.querySelector('.player-screen');
        screen.currentTime = screen.duration - 0.2;
        await new Promise((done) => screen.addEventListener('seeked', done, { once: true }));
      });
      await operator.click('.player >> text=Close');
      await operator.waitForSelector('.player', { state: 'detached' });
    }
    assert.ok(ranges.includes(206), `ranges were answered ${ranges}`);
  });

  test('has pieces that play one after the other, and files to keep', async () => {
    await operator.click('.pieces summary');
    await operator.locator('.pieces .file', { hasText: 'Sound' }).locator('button').click();
    await operator.waitForFunction(() => document.querySelector('.player-screen')?.currentTime > 0);
    await operator.click('.player >> text=Close');
    const [download] = await Promise.all([
      operator.waitForEvent('download'),
      operator.locator('.recording > .files .file', { hasText: 'Who came and went' }).locator('a').click(),
    ]);
    assert.match(download.suggestedFilename(), /\.txt$/);
    assert.deepEqual(readdirSync(store), ['recordings'], 'the bucket of the console');
    await operator.reload();
    await operator.waitForSelector('.recording .pill:text-is("Stored")');
    await operator.click('text=End meeting');
    await operator.click('dialog .danger');
    await operator.waitForSelector('dt:text-is("Ended")');
    await operator.waitForSelector('.recording > .files .file:has-text("Sound")');
    assert.equal(await operator.locator('.recordings button.record').isVisible(), false);
    await closePage(ada);
    await closePage(operator);
  });

  test('is no business of whoever is not signed in', async () => {
    const page = await openPage(browser, server, '/operator/');
    const nobody = '11111111-1111-4111-8111-111111111111';
    const status = await page.evaluate(
      async (path) => (await fetch(path)).status,
      `/operator/api/meetings/${nobody}/recordings/${nobody}/files/0`,
    );
    assert.equal(status, 401);
    await closePage(page);
  });
});

describe('without a place for recordings', { timeout: 2 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  test('the button says why not', async () => {
    const { Meeting } = await callAPI(server, 'POST', '/meetings', {
      ClientRequestToken: 'unrecorded',
      MediaRegion: 'us-east-1',
      ExternalMeetingId: 'unrecorded',
    });
    const page = await openPage(browser, server, `/operator/meetings/${Meeting.MeetingId}`);
    await signIn(page);
    const button = page.locator('.recordings button.record');
    await button.waitFor();
    assert.equal(await button.getAttribute('aria-disabled'), 'true');
    await page.waitForSelector('.recordings-why >> text=--recordings');
    await button.click({ force: true });
    assert.equal(await page.locator('dialog').count(), 0);
    await closePage(page);
  });
});
