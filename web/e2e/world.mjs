// What every browser test needs: a server of its own, a browser, and pages that
// notice when something leaves the origin or breaks the content policy.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';

export const secret = 'an operator secret for tests';

const binary = process.env.CARILLON_BIN ?? resolve(import.meta.dirname, '../../bin/carillon');
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** How long anything may take, in ms: the machine may be busy with other tests. */
export const patience = 30_000;

/** Starts a server on a free port with a data directory of its own. */
export async function startServer(...flags) {
  const data = await mkdtemp(join(tmpdir(), 'carillon-pages-'));
  const access = flags.includes('--access-key') ? [] : ['--dev'];
  const args = [
    'serve',
    ...access,
    '--listen',
    '127.0.0.1:0',
    '--media-udp',
    '127.0.0.1:0',
    '--media-tcp',
    '127.0.0.1:0',
    '--data',
    data,
    '--operator-secret',
    secret,
    ...flags,
  ];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const url = await new Promise((found, failed) => {
    const read = (line) => {
      log.push(line);
      const match = /ready in .* API (http:\/\/[^\s,]+)/.exec(line);
      if (match) found(match[1]);
    };
    createInterface({ input: child.stdout }).on('line', read);
    createInterface({ input: child.stderr }).on('line', read);
    child.once('error', failed);
    child.once('exit', (code) => failed(new Error(`the server ended with ${code}:\n${log.join('\n')}`)));
  });
  return {
    url,
    log,
    async stop() {
      child.removeAllListeners('exit');
      const gone = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await gone;
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Calls the API as any client would. In development mode every signature is good. */
export async function callAPI(server, method, path, body) {
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const answer = await fetch(server.url + path, {
    method,
    headers: {
      'content-type': 'application/json',
      'x-amz-date': date,
      authorization: `AWS4-HMAC-SHA256 Credential=AKIDTEST/${date.slice(0, 8)}/us-east-1/chime/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`,
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${method} ${path} answered ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

export function startBrowser() {
  return chromium.launch({
    executablePath: browserPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--use-fake-device-for-media-stream=fps=10', // three browsers encode video on a small machine
      '--use-fake-ui-for-media-stream',
      '--autoplay-policy=no-user-gesture-required',
      '--auto-select-desktop-capture-source=Entire screen',
    ],
  });
}

/** Gives a suite its server, started with the flags, and its browser: opened is called with both before the tests, and both end after them. */
export function world(flags, opened) {
  let server, browser;
  before(async () => {
    server = await startServer(...flags);
    browser = await startBrowser();
    await opened(server, browser);
  });
  after(async () => {
    await browser?.close();
    await server?.stop();
  });
}

/** A browser page, with everything that it must not do written into `sins`. */
export async function openPage(browser, server, path = '/', options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(patience);
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
  const sins = [];
  await context.exposeBinding('reportViolation', (_source, text) => sins.push(text));
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      window.reportViolation(
        `content policy: ${event.violatedDirective} refused ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`,
      );
    });
  });
  const page = await context.newPage();
  const host = new URL(server.url).host;
  const stranger = (address) => !address.startsWith('blob:') && new URL(address).host !== host;
  page.on('request', (request) => stranger(request.url()) && sins.push(`request to ${request.url()}`));
  page.on('websocket', (socket) => stranger(socket.url()) && sins.push(`socket to ${socket.url()}`));
  // The meeting SDK adjusts a sender's bitrate without waiting for itself when a
  // call ends during a change; nothing of ours can catch that.
  const ofTheSDK = /getParameters\(\) has never been called on this sender/;
  page.on(
    'pageerror',
    (error) => ofTheSDK.test(error.message) || sins.push(`script error: ${error.name} ${error.message} ${error.stack}`),
  );
  page.sins = sins;
  await page.goto(server.url + path);
  return page;
}

/** Ends a page after checking that it behaved. */
export async function closePage(page) {
  assert.deepEqual(page.sins, []);
  await page.context().close();
}

/** Waits until a condition of the test holds. */
export async function until(what, condition, within = patience) {
  const end = Date.now() + within;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `waited in vain: ${what}`);
    await new Promise((wake) => setTimeout(wake, 100));
  }
}

export async function signIn(page) {
  await page.fill('#secret', secret);
  await page.click('text=Sign in');
  await page.waitForSelector('.tabs');
}
