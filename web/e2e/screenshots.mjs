// Takes the pictures that README shows, of the real pages: make screenshots.

import { mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { openPage, signIn, startBrowser, startServer } from './world.mjs';

const to = resolve(import.meta.dirname, '../../docs/pictures');

/** What a picture may weigh, in bytes. */
const most = 150_000;

const size = { viewport: { width: 1200, height: 720 }, colorScheme: 'light' };

async function enter(browser, server, name, path = '/') {
  const page = await openPage(browser, server, path, size);
  await page.fill('#name', name);
  await page.click('.entry-form button');
  await page.waitForSelector('.quality[data-bars="3"]');
  return page;
}

async function take(page, name) {
  const path = join(to, `${name}.png`);
  await page.screenshot({ path });
  const { size: bytes } = await stat(path);
  if (bytes > most) throw new Error(`${path} has ${bytes} bytes`);
  console.log(`${path} ${bytes}`);
}

await mkdir(to, { recursive: true });
const server = await startServer();
const browser = await startBrowser();
try {
  const ada = await enter(browser, server, 'Ada Lovelace');
  const path = new URL(ada.url()).pathname;
  const grace = await enter(browser, server, 'Grace Hopper', path);
  const emmy = await enter(browser, server, 'Emmy Noether', path);
  await emmy.click('.control:has-text("Stop video")');
  await emmy.click('.control:has-text("Raise hand")');
  await grace.click('.control:has-text("Chat")');
  await grace.fill('.panel textarea, .panel input', 'Shall we begin?');
  await grace.keyboard.press('Enter');
  await ada.click('.control:has-text("People")');
  await ada.waitForSelector('.tile-hand:visible');
  await ada.waitForTimeout(2000); // pictures grow sharp
  await take(ada, 'meeting');
  const operator = await openPage(browser, server, '/operator/', size);
  await signIn(operator);
  await operator.click('.m-name a');
  await operator.click('.a-name a');
  await operator.waitForSelector('.person .step.done');
  await operator.waitForTimeout(5000); // the charts have something to show
  await take(operator, 'console');
} finally {
  await browser.close();
  await server.stop();
}
