// A meeting with more people than there are tiles, all of them connected: oneself
// and whoever talks are in view, and everybody else can be found.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, describe, test } from 'node:test';
import { binary } from '../../e2e/lib/server.mjs';
import { callAPI, closePage, openPage, patience, signIn, until, world } from './world.mjs';

/** How many only listen; with the two in browsers they fill more than two pages of tiles. */
const listeners = 32;

/** Has so many attendees join a meeting. */
function startLoad(server) {
  const flags = ['--endpoint', server.url, '--access-key', 'AKIDTEST', '--secret-key', 'any', '--quiet'];
  const crowd = ['--listeners', listeners, '--joining', 8, '--duration', '10m'];
  const load = spawn(binary, ['load', 'meeting', ...flags, ...crowd], { stdio: 'ignore' });
  const gone = new Promise((done) => load.once('exit', done));
  return {
    stop() {
      load.kill('SIGINT');
      return gone;
    },
  };
}

/** The only meeting there is, once all who listen are connected. */
async function filledMeeting(browser, server) {
  const page = await openPage(browser, server, '/operator/');
  await signIn(page);
  await page.click('.m-name a');
  await page.waitForSelector(`.facts:has-text("${listeners} connected of ${listeners}")`);
  const { Meeting } = await callAPI(server, 'GET', `/meetings/${new URL(page.url()).pathname.split('/').at(-1)}`);
  await closePage(page);
  return Meeting;
}

/** A microphone of the page's own: a tone that is always there. */
const voice = () => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    if (!wanted.audio) return real(wanted);
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 300 });
    const out = context.createMediaStreamDestination();
    tone.connect(new GainNode(context, { gain: 0.3 })).connect(out);
    tone.start();
    return out.stream;
  };
};

describe('a crowd', { timeout: 6 * patience }, () => {
  let server, browser, load, meeting, ada, zoe;
  world([], async (s, b) => {
    server = s;
    browser = b;
    load = startLoad(server);
    meeting = await filledMeeting(browser, server);
  });
  after(() => load?.stop());

  /** Joins muted and without a camera. */
  async function join(name) {
    const { Attendee } = await callAPI(server, 'POST', `/meetings/${meeting.MeetingId}/attendees`, {
      ExternalUserId: name,
    });
    const page = await openPage(browser, server, '/join');
    await page.evaluate(() => {
      localStorage.setItem('carillon-preferences', JSON.stringify({ micOn: false, cameraOn: false }));
    });
    await page.addInitScript(voice);
    await page.reload();
    await page.fill('#pasted-meeting', JSON.stringify({ Meeting: meeting, Attendee }));
    await page.click('text=Join as this attendee');
    await page.waitForSelector('.quality[data-bars="3"]');
    return page;
  }

  const names = (page) => page.locator('.tiles .plate-name').allTextContents();

  test('has oneself first, and the others on pages', async () => {
    ada = await join('Ada');
    await until('all tiles are there', async () => (await names(ada)).length === 16);
    zoe = await join('Zoe');
    await ada.waitForSelector(`.more:text-is("and ${listeners + 2 - 16} more")`);
    await zoe.waitForSelector(`.more:text-is("and ${listeners + 2 - 16} more")`);
    assert.equal((await names(ada))[0], 'Ada (you)');
    assert.equal((await names(zoe))[0], 'Zoe (you)');
    assert.ok(!(await names(ada)).includes('Zoe'), 'she came last');
    const seen = await names(ada);
    for (const page of ['page 2 of 3', 'page 3 of 3']) {
      await ada.click('[aria-label="More people"]');
      await ada.waitForSelector(`.more:text-is("${page}")`);
      seen.push(...(await names(ada)));
    }
    assert.equal(new Set(seen).size, listeners + 2);
    assert.ok(seen.includes('Zoe'));
  });

  test('brings who talks to the first page, in one place and for a while', async () => {
    assert.ok((await names(ada)).includes('Zoe'), 'she is on the last page');
    await zoe.keyboard.press('Alt+m');
    await ada.waitForSelector('.tile.speaking[aria-label^="Zoe"]');
    await ada.click('[aria-label="Previous people"]');
    await ada.waitForSelector('.more:text-is("page 2 of 3")');
    await ada.click('[aria-label="Previous people"]');
    await ada.waitForSelector('.tile.speaking[aria-label^="Zoe"]');
    const talking = await names(ada);
    assert.deepEqual(talking.slice(0, 2), ['Ada (you)', 'Zoe']);
    await zoe.keyboard.press('Alt+m');
    await ada.waitForSelector('.tile:not(.speaking)[aria-label^="Zoe, muted"]');
    assert.deepEqual(await names(ada), talking, 'nobody has moved');
    await ada.click('.control:has-text("People")');
    const rows = ada.locator('.roster-name');
    await until('everybody is listed', async () => (await rows.count()) === listeners + 2);
    assert.deepEqual((await rows.allTextContents()).slice(0, 2), ['Ada (you)', 'Zoe']);
    await ada.fill('.roster-find input', 'LOAD-17');
    await ada.waitForSelector(`.roster-found:text-is("1 of ${listeners + 2}")`);
    await until('only who was looked for is listed', async () => (await rows.allTextContents()).join() === 'load-17');
    await closePage(ada);
    await closePage(zoe);
  });
});
