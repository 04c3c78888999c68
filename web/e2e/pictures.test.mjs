// The pictures in README, of the real pages. Each run takes them and holds README
// to them; `make screenshots` also keeps them, in docs/pictures.

import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { waitFor } from '../../e2e/lib/wait.mjs';
import { inspector } from './inspect.mjs';
import { closePage, openPage, patience, signIn, until, world } from './world.mjs';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'docs/pictures');
const keep = process.env.KEEP_PICTURES === '1';

/** What the mark of the connection says. On a machine with much to do it is honestly not good; that is no picture to keep. */
const connection = keep ? 'Good connection' : 'connection';

/** What a picture that is kept may weigh, in bytes. */
const most = 150_000;

const viewport = { width: 1200, height: 720 };

/** Width and height of a PNG, which stand in its first chunk. */
const sizeOf = (png) => ({ width: png.readUInt32BE(16), height: png.readUInt32BE(20) });

/** Which of the texts nobody can read: they are outside of the picture, cut, or under something. */
const unreadable = (page, texts) =>
  page.evaluate((wanted) => {
    const readable = (text) => {
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      while (walker.nextNode()) {
        const { parentElement: holder, textContent } = walker.currentNode;
        if (!textContent.includes(text) || holder.scrollWidth > holder.clientWidth + 1) continue;
        const range = document.createRange();
        range.selectNodeContents(walker.currentNode);
        const { left, right, top, bottom } = range.getBoundingClientRect();
        if (left < 0 || top < 0 || right > innerWidth || bottom > innerHeight) continue;
        if (holder.contains(document.elementFromPoint((left + right) / 2, (top + bottom) / 2))) return true;
      }
      return false;
    };
    return wanted.filter((text) => !readable(text));
  }, texts);

/** Waits until so many cameras move on a page. */
const cameras = (page, count) =>
  until(`${count} cameras move`, () =>
    page.evaluate(
      (wanted) =>
        [...document.querySelectorAll('.tile video')].filter((v) => v.getVideoPlaybackQuality().totalVideoFrames > 20)
          .length === wanted,
      count,
    ),
  );

describe('the pictures in README', { timeout: 8 * patience }, () => {
  let server, browser, ada, grace, emmy;
  const taken = new Set();
  world([], (s, b) => {
    server = s;
    browser = b;
  });
  after(async () => {
    for (const page of [ada, grace, emmy]) await closePage(page);
  });

  const enter = async (name, path = '/', choices = {}) => {
    const page = await openPage(browser, server, path, { viewport, colorScheme: 'light' });
    await page.evaluate((chosen) => localStorage.setItem('carillon-preferences', JSON.stringify(chosen)), choices);
    await page.reload();
    await page.fill('#name', name);
    await page.click('.entry-form button');
    await page.waitForSelector('.quality[data-bars="3"]');
    return page;
  };

  /** Takes a picture, once all of the texts can be read in it, and holds the one that is kept to it. */
  async function take(page, name, texts) {
    const path = join(folder, `${name}.png`);
    taken.add(basename(path));
    let missing;
    const readable = async () => {
      missing = await unreadable(page, texts);
      return missing.length === 0;
    };
    await waitFor(`every text of ${name} to be readable`, readable, { explain: () => missing.join(', ') });
    const { found, look } = inspector();
    await look(name, page);
    assert.deepEqual(found, []);
    const png = await page.screenshot();
    if (keep) await writeFile(path, png);
    const kept = await readFile(path);
    assert.ok(kept.length <= most, `${path} has ${kept.length} bytes`);
    assert.deepEqual(sizeOf(kept), viewport, `${path} is not of the size that pictures have: make screenshots`);
  }

  test('a meeting of three: two with their cameras, one with a raised hand, and the list of people', async () => {
    ada = await enter('Ada Lovelace');
    const { pathname } = new URL(ada.url());
    grace = await enter('Grace Hopper', pathname);
    emmy = await enter('Emmy Noether', pathname, { cameraOn: false });
    await emmy.click('.control:has-text("Raise hand")');
    await grace.click('.control:has-text("Chat")');
    await grace.fill('.chat-form textarea', 'Shall we begin?');
    await grace.keyboard.press('Enter');
    await ada.click('.control:has-text("People")');
    await ada.waitForSelector('.tile[aria-label^="Emmy Noether"][aria-label*="camera off"] .tile-hand:visible');
    await ada.waitForSelector('.control:has-text("1 unread")');
    await cameras(ada, 2);
    await take(ada, 'meeting', [
      ...['Ada Lovelace', 'Grace Hopper', 'Emmy Noether', '(you)', connection],
      ...['Mute', 'Stop video', 'Share', 'People', 'Chat', 'Raise hand', 'More', 'Leave'],
    ]);
  });

  test('the console: a meeting’s attendees, and how one of them is connected', async () => {
    const operator = await openPage(browser, server, '/operator/', { viewport, colorScheme: 'light' });
    await signIn(operator);
    await operator.click('.m-name a');
    await operator.click('.a-name a:text-is("Ada Lovelace")');
    await until('every step has its tick', async () => (await operator.locator('.step.done').count()) === 7);
    await take(operator, 'console', [
      ...['Ada Lovelace', 'Grace Hopper', 'Emmy Noether', '3 connected of 3', '3 audio, 2 video, 0 content'],
      ...['Live', 'End meeting', 'Attendees', 'Recordings', 'Record', 'Mute', 'Capabilities…', 'External user id'],
    ]);
    await closePage(operator);
  });

  test('are those that README shows, and no others are kept', async () => {
    const readme = await readFile(join(root, 'README.md'), 'utf8');
    const shown = [...readme.matchAll(/!\[[^\]]+\]\(docs\/pictures\/([^)]+)\)/g)].map((match) => match[1]);
    assert.deepEqual(shown.toSorted(), [...taken].toSorted());
    assert.deepEqual((await readdir(folder)).toSorted(), [...taken].toSorted());
  });
});
