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
    await until('something is measured since there is a meeting', async () => {
      const meetings = await chart('People and meetings').locator('b').last().textContent();
      if (meetings === '1' && /\d %/.test(await chart('Processor').locator('b').first().textContent())) return true;
      await page.click('text=Last hour'); // asks anew
      await new Promise((next) => setTimeout(next, 500));
      return false;
    });
    for (const b of await page.locator('.time-chart b').all()) assert.match(await b.textContent(), /^[\d.,]/);
    assert.match(await chart('Memory').locator('b').first().textContent(), /^\d.* MB$/);
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

  // What three nodes answer is tested in cmd/carillon, with three nodes.
  test('the lines of all nodes are in the order of time, and say whose they are', async () => {
    const page = await openPage(browser, server, '/operator/');
    const line = (node, second, id) => ({
      node,
      id,
      line: { time: `2026-05-01T12:00:${second}Z`, level: 'INFO', msg: `${node} at ${second}` },
    });
    const asked = [];
    const answers = [
      { last: { a: 7, b: 3 }, cut: false, silent: ['c'], lines: [line('b', 10, 3), line('a', 30, 7)] },
      { last: { a: 8, b: 4, c: 1 }, cut: false, lines: [line('c', 20, 1), line('b', 30, 4), line('a', 40, 8)] },
    ];
    await page.route('**/operator/api/log?*', async (route) => {
      asked.push(new URL(route.request().url()).searchParams);
      const next = answers.shift() ?? { last: { a: 8, b: 4, c: 1 }, cut: false, lines: [] };
      await route.fulfill({ json: next });
    });
    await page.route('**/operator/api/health*', async (route) => {
      const answer = await route.fetch();
      const health = await answer.json();
      const [own] = health.nodes;
      const beside = { ...own, id: 'b', here: false };
      const away = { id: 'c', here: false, fault: 'This node does not answer.' };
      await route.fulfill({ json: { ...health, nodes: [{ ...own, id: 'a' }, beside, away] } });
    });
    await signIn(page);
    await page.click('.tabs >> text=Log');
    await page.waitForSelector('text=Node c does not answer: its lines are missing here.');
    const texts = async () => (await page.locator('.log-text b').allTextContents()).join(', ');
    await until('lines that came later', async () => (await texts()).includes('a at 40'));
    assert.equal(await texts(), 'b at 10, c at 20, a at 30, b at 30, a at 40');
    assert.equal(await page.locator('text=does not answer').isVisible(), false);
    assert.deepEqual(JSON.parse(asked[1].get('after')), { a: 7, b: 3 });
    assert.deepEqual(await page.locator('.log-node:visible').allTextContents(), ['b', 'c', 'a', 'b', 'a']);
    assert.deepEqual(await page.locator('#log-node option').allTextContents(), ['All', 'a (here)', 'b', 'c']);
    await page.selectOption('#log-node', 'b');
    await until('one node is asked for', () => asked.at(-1).get('node') === 'b' && asked.at(-1).get('after') === '{}');
    assert.equal(await page.locator('.log-lines').getAttribute('data-named'), null);
    await closePage(page);
  });

  test('the audit says which node wrote down what, and whose is missing', async () => {
    const page = await openPage(browser, server, '/operator/');
    const entry = (node, minute) => ({
      at: `2026-05-01T12:${minute}:00Z`,
      node,
      via: 'console',
      who: 'operator:ada',
      action: `end meeting ${minute}`,
      outcome: 'done',
    });
    await page.route('**/operator/api/audit*', async (route) => {
      const older = new URL(route.request().url()).searchParams.get('before');
      await route.fulfill({
        json: older
          ? { entries: [entry('c', 10)] }
          : { entries: [entry('a', 30), entry('b', 20)], next: 'older', silent: ['c', 'd'] },
      });
    });
    await signIn(page);
    await page.click('.tabs >> text=Audit');
    await page.waitForSelector('text=Nodes c and d do not answer: their entries are missing here.');
    assert.deepEqual(await page.locator('.audit-when .pill').allTextContents(), ['a', 'b']);
    await page.click('text=Older');
    await page.waitForSelector('.audit-line:has-text("end meeting 10")');
    assert.deepEqual(await page.locator('.audit-when .pill').allTextContents(), ['a', 'b', 'c']);
    assert.equal(await page.locator('text=do not answer').isVisible(), false);
    await closePage(page);
  });
});
