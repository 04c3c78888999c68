// How the server fares and what it logs, as operators see it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callAPI, closePage, openPage, patience, signIn, until, world } from './world.mjs';

describe('how the server fares', { timeout: 4 * patience }, () => {
  let server, browser;
  world(['--log-level', 'info'], (s, b) => {
    server = s;
    browser = b;
  });

  test('every figure has a chart, a value and a table', async () => {
    const made = { ClientRequestToken: 'health', MediaRegion: 'us-east-1', ExternalMeetingId: 'health' };
    await callAPI(server, 'POST', '/meetings', made);
    const page = await openPage(browser, server, '/operator/health');
    await signIn(page);
    const chart = (name) => page.locator(`figure[aria-label="${name}"]`);
    await until('something is measured', async () => {
      if (/\d %/.test(await chart('Processor').locator('b').first().textContent())) return true;
      await page.click('text=Last hour'); // asks anew
      await new Promise((next) => setTimeout(next, 500));
      return false;
    });
    for (const b of await page.locator('.time-chart b').all()) assert.match(await b.textContent(), /^[\d.,]/);
    assert.match(await chart('Memory').locator('b').first().textContent(), /^\d.* MB$/);
    assert.equal(await chart('People and meetings').locator('b').last().textContent(), '1');
    assert.match(await page.locator('.facts').textContent(), /Memory of the machine.*free of.*Disk.*free/);
    assert.match(await chart('Processor').locator('svg').getAttribute('aria-label'), /now: this server \d/);
    const line = await chart('Disk').locator('.chart-line.one').boundingBox();
    await page.mouse.move(line.x, line.y);
    await chart('Disk').locator('.chart-time').filter({ hasText: /\d/ }).waitFor();
    await page.mouse.move(0, 0);
    await chart('API calls').locator('summary').click();
    await chart('API calls').locator('tbody tr').first().waitFor();
    assert.equal(await chart('API calls').locator('thead').textContent(), 'Timecalls');
    await page.click('text=Last 24 hours');
    await page.waitForSelector('text=the mean of a minute');
    await page.waitForSelector('.live[data-live=true]', { state: 'attached' });
    await closePage(page);
  });

  test('the log is followed, searched and filtered', async () => {
    const page = await openPage(browser, server, '/operator/log');
    await signIn(page);
    const lines = page.locator('.log-lines li');
    await lines.filter({ hasText: 'operator signed in' }).first().waitFor();
    const made = { ClientRequestToken: 'log', MediaRegion: 'nowhere', ExternalMeetingId: 'log' };
    await assert.rejects(callAPI(server, 'POST', '/meetings', made));
    await lines.filter({ hasText: 'operation=CreateMeeting' }).first().waitFor();
    await page.fill('input[type=search]', 'SIGNED in');
    await until('only these are left', async () => {
      const texts = await lines.allTextContents();
      return texts.length > 0 && texts.every((text) => /signed in/.test(text));
    });
    await page.selectOption('[aria-label=Level]', 'error');
    await page.waitForSelector('.found:text-is("no line")');
    await page.click('text=Follow');
    await page.waitForSelector('button[aria-pressed=false]:has-text("Follow")');
    await closePage(page);
  });
});
