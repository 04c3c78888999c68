// The meeting page in a network that loses packets of every kind: its mark tells
// the truth, sound goes on, and after a total loss the call comes back by itself.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { launchChromium } from '../lib/chromium.mjs';
import { startServer } from '../lib/server.mjs';
import { waitFor } from '../lib/wait.mjs';

const host = process.env.E2E_MEDIA_HOST;
const guest = process.env.E2E_GUEST;

const run = promisify(execFile);

/** How long the network stands still, in ms. */
const outage = 20_000;

/** What a call may take to be as before once the network is: a socket's next attempt waits longer after each one that was lost. */
const recovery = { timeout: 60_000 };

/** How to undo what makes the networks lose packets. */
const losses = [];

/** From now on the share of all packets, 0 to 1, is lost on each of the ways between the two networks. */
async function lose(share) {
  for (const undo of losses.splice(0)) await undo();
  if (share === 0) return;
  for (const [within, device] of [['', 'host0'], [`ip netns exec ${guest}`, 'guest0']]) {
    const rule = action => {
      const words = `${within} iptables ${action} INPUT -i ${device} -m statistic --mode random --probability ${share} -j DROP`;
      const [command, ...args] = words.trim().split(' ');
      return run(command, args);
    };
    await rule('-A');
    losses.push(() => rule('-D'));
  }
}

let server, near, far, ada, bob;
before(async () => {
  assert.ok(host && guest, 'scripts/test-browser makes the networks that this test runs in');
  server = await startServer(['--demo'], { listen: `${host}:0` });
  const flags = [`--unsafely-treat-insecure-origin-as-secure=${server.url}`];
  const camera = { framesPerSecond: 10 };
  [near, far] = await Promise.all([launchChromium(flags, camera), launchChromium(flags, { ...camera, within: guest })]);
});
after(async () => {
  await lose(0);
  await Promise.all([near?.close(), far?.close()]);
  await server?.stop();
});

async function join(browser, name, path) {
  const page = await browser.newPage();
  await page.goto(server.url + path);
  await page.fill('#name', name);
  await page.click('.entry-form button');
  await says(page, /^Good connection$/);
  return page;
}

/** Waits until a page's mark says something and, if given, explains it so. */
async function says(page, word, why = /(?:)/, within = {}) {
  let last = [];
  await waitFor(
    `the mark to say ${word} ${why}`,
    async () => {
      last = await page.locator('.quality').evaluate(mark => [mark.textContent, mark.title]).catch(() => last);
      return word.test(last[0]) && why.test(last[1]);
    },
    { ...within, explain: () => last.join(': ') },
  );
}

/** Waits until a page plays something. */
const hears = page =>
  waitFor('sound', () =>
    page.evaluate(async () => {
      const context = new AudioContext();
      const analyser = new AnalyserNode(context);
      context.createMediaStreamSource(document.querySelector('audio').srcObject).connect(analyser);
      const samples = new Float32Array(analyser.fftSize);
      let loudest = 0;
      for (let i = 0; i < 30; i++) {
        await new Promise(wake => setTimeout(wake, 50));
        analyser.getFloatTimeDomainData(samples);
        loudest = Math.max(loudest, ...samples.map(Math.abs));
      }
      await context.close();
      return loudest > 0.01;
    }),
  );

/** Waits until a page shows the camera of somebody moving. */
const sees = (page, name) =>
  waitFor(
    `the picture of ${name} to move`,
    () =>
      page.locator(`.tile[aria-label^="${name}"] video`).evaluate(async video => {
        const { totalVideoFrames: before } = video.getVideoPlaybackQuality();
        await new Promise(wake => setTimeout(wake, 1000));
        return video.getVideoPlaybackQuality().totalVideoFrames > before;
      }),
    recovery,
  );

const tiles = page => page.locator('.tiles .tile').count();

test('while packets are lost, the mark says so and sound goes on', async () => {
  ada = await join(far, 'Ada', '/');
  bob = await join(near, 'Bob', new URL(ada.url()).pathname);
  await sees(ada, 'Bob');
  await lose(0.15);
  await says(ada, /^(Fair|Poor) connection$/, /[1-9]\d*\.\d % of audio lost/);
  await hears(ada);
  await hears(bob);
  await sees(ada, 'Bob');
  await sees(bob, 'Ada');
  await says(bob, /^Good connection$/);
  await lose(0);
  await says(ada, /^Good connection$/, undefined, recovery);
});

test('when nothing gets through for a while, the mark says so, and the call comes back', async () => {
  const [far, near] = [await tiles(ada), await tiles(bob)];
  await lose(1);
  const lost = performance.now();
  await says(ada, /^(No connection|Connection lost)$/);
  assert.ok(performance.now() - lost < 15_000, 'it takes long to see that nothing arrives');
  await new Promise(over => setTimeout(over, outage - (performance.now() - lost)));
  await says(ada, /^(No connection|Connection lost)$/);
  await lose(0);
  await says(ada, /^Good connection$/, undefined, recovery);
  await hears(ada);
  await hears(bob);
  await sees(ada, 'Bob');
  await sees(bob, 'Ada');
  assert.deepEqual([await tiles(ada), await tiles(bob)], [far, near], 'nobody is there twice');
});
