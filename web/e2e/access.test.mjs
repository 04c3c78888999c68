// Pages anybody can use: no serious fault found by axe, no sideways scrolling on
// a phone, and little to load.

import assert from 'node:assert/strict';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { inspector, phone } from './inspect.mjs';
import { closePage, openPage, patience, signIn, world } from './world.mjs';

const dist = resolve(import.meta.dirname, '../../internal/console/pages/dist');

/** No place on a phone has room for all of it. */
const longName = 'Augusta Ada King, Countess of Lovelace';

describe('accessibility', { timeout: 20 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of [
      ['desktop', { width: 1280, height: 800 }],
      ['phone', phone],
    ]) {
      test(`${size}, ${colorScheme}`, async () => {
        const { found, look } = inspector();
        const page = await openPage(browser, server, '/', { viewport, colorScheme });
        await look('lobby', page);
        await page.fill('#name', longName);
        await page.click('.entry-form button');
        await page.waitForSelector('.tile');
        await page.waitForSelector('.invite svg');
        await look('room', page);
        await page.click('.control:has-text("More")');
        await look('menu', page);
        await page.keyboard.press('Escape');
        await page.click('.control:has-text("Chat")');
        await look('chat', page);
        await page.click('[aria-label="Close chat"]');

        const operator = await openPage(browser, server, '/operator/', { viewport, colorScheme });
        await look('sign-in', operator);
        await signIn(operator);
        await operator.waitForSelector('.m-name a');
        await look('meetings', operator);
        await operator.click('.m-name a');
        await operator.click('.a-name a');
        await operator.waitForSelector('.person .step.done');
        await look('one meeting', operator);
        await operator.click('.person-actions >> text=Capabilities');
        await operator.waitForSelector('dialog[open]');
        await look('capabilities', operator);
        await operator.keyboard.press('Escape');
        await operator.goto(`${server.url}/operator/ended`);
        await operator.waitForSelector('h1:has-text("Ended meetings")');
        await look('ended', operator);
        await operator.goto(`${server.url}/operator/health`);
        await operator.click('.time-chart summary >> nth=0');
        await operator.waitForSelector('.time-chart tbody tr');
        await look('health', operator);
        await operator.goto(`${server.url}/operator/log`);
        await operator.waitForSelector('.log-lines li');
        await look('log', operator);
        await operator.goto(`${server.url}/operator/explorer`);
        await operator.waitForSelector('#f-ClientRequestToken');
        await look('explorer', operator);
        await operator.goto(`${server.url}/join`);
        await operator.waitForSelector('#pasted-meeting');
        await look('pasting a seat', operator);

        await page.click('.control.leave');
        await page.waitForSelector('text=You left the meeting');
        await look('left', page);
        assert.deepEqual(found, []);
        await closePage(page);
        await closePage(operator);
      });
    }
  }

  for (const [size, options] of [
    ['desktop, light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
    ['phone, dark', { viewport: phone, colorScheme: 'dark' }],
  ]) {
    test(`in trouble: ${size}`, async () => {
      const { found, look } = inspector();
      const page = await openPage(browser, server, '/', options);
      await page.fill('#name', longName);
      await page.click('.entry-form button');
      await page.waitForSelector('.quality[data-bars="3"]');
      const operator = await openPage(browser, server, '/operator/', options);
      await signIn(operator);
      await operator.click('.m-name a');
      await operator.click('.a-name a');
      await operator.click('.person-actions >> text=Capabilities');
      for (const kind of ['audio', 'video', 'content']) await operator.selectOption(`#cap-${kind}`, 'None');
      await operator.click('dialog .main');
      await page.waitForSelector('.control:has-text("Muted")');
      await look('muted', page);
      server.freeze();
      try {
        await operator.waitForSelector('.live:text-is("Not live")', { state: 'attached' });
        await page.waitForSelector('.quality[data-bars="0"]');
        await look('not live', operator);
        await look('no connection', page);
      } finally {
        server.thaw();
      }
      await operator.waitForSelector('.live[data-live=true]', { state: 'attached' });
      await operator.click('text=End meeting');
      await operator.click('dialog .danger');
      await operator.waitForSelector('dt:text-is("Ended")');
      await look('one ended meeting', operator);
      await page.waitForSelector('h1:has-text("The meeting has ended")');
      await look('over', page);
      assert.deepEqual(found, []);
      await closePage(page);
      await closePage(operator);
    });
  }

  test('the keyboard alone starts a meeting', async () => {
    const page = await openPage(browser, server);
    await page.focus('#name');
    await page.keyboard.type('Keys');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/m/*');
    await page.waitForSelector('.tile');
    await page.keyboard.press('Alt+m');
    await page.waitForSelector('.tile[aria-label*=muted]');
    await closePage(page);
  });

  test('the first paint does not wait for the meeting SDK', async () => {
    const page = await openPage(browser, server);
    await page.waitForFunction(() =>
      performance.getEntriesByType('resource').some((r) => /\/build-.*\.js/.test(r.name)),
    );
    const order = await page.evaluate(() => {
      const paint = performance.getEntriesByName('first-contentful-paint')[0]?.startTime;
      const sdk = performance.getEntriesByType('resource').find((r) => /\/build-.*\.js/.test(r.name));
      return { paint, sdk: sdk?.startTime };
    });
    assert.ok(order.paint > 0 && order.paint < order.sdk, JSON.stringify(order));
    await closePage(page);
  });
});

test('the console weighs at most 150 KiB', async () => {
  let total = 0;
  const weigh = async (path) => {
    const packed = await stat(`${path}.gz`).catch(() => stat(path));
    total += packed.size;
  };
  const html = join(dist, 'operator.html');
  await weigh(html);
  const assets = (await readdir(join(dist, 'assets'))).filter((n) => !n.endsWith('.gz'));
  const seen = new Set();
  const follow = async (path) => {
    const text = await readFile(path, 'utf8');
    for (const name of assets) {
      if (seen.has(name) || !text.includes(name)) continue;
      seen.add(name);
      await weigh(join(dirname(html), 'assets', name));
      if (name.endsWith('.js')) await follow(join(dirname(html), 'assets', name));
    }
  };
  await follow(html);
  assert.ok(seen.size >= 2, `found only ${[...seen]}`);
  assert.ok(total <= 150 * 1024, `${total} bytes`);
});
