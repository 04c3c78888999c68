// What every browser test needs: a server of its own, a browser, and pages that
// notice when something leaves the origin or breaks the content policy.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { launchChromium } from '../../e2e/lib/chromium.mjs';
import { startServer as start } from '../../e2e/lib/server.mjs';
import { patience, waitFor } from '../../e2e/lib/wait.mjs';

export { patience };

export const secret = 'an operator secret for tests';

/** Starts a server with an operators' console; in development mode unless the flags have a key. */
export function startServer(...flags) {
  return start([...(flags.includes('--access-key') ? [] : ['--dev']), '--operator-secret', secret, ...flags]);
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

/**
 * Signs an operator in and returns what it calls the console's own JSON with:
 * meetings of the meeting page belong to an account of their own, which no API
 * key of a test reaches.
 */
export async function asOperator(server) {
  const api = `${server.url}/operator/api/`;
  const entry = await fetch(`${api}session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ secret }),
  });
  assert.equal(entry.status, 200, 'signing in');
  const cookie = entry.headers.getSetCookie()[0].split(';')[0];
  const { csrf } = await entry.json();
  return async (method, path, body) => {
    const headers = { cookie, 'x-carillon-csrf': csrf, 'content-type': 'application/json' };
    const answer = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
    assert.ok(answer.ok, `${method} ${path} answered ${answer.status} ${await answer.text()}`);
  };
}

/** Three browsers that encode video on a small machine: a slow camera will do. */
export function startBrowser() {
  return launchChromium(['--auto-select-desktop-capture-source=Entire screen'], { framesPerSecond: 10 });
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

/** Waits until a condition of the test holds, and returns what it gave. */
export const until = (what, condition) => waitFor(what, condition);

export async function signIn(page) {
  await page.fill('#secret', secret);
  await page.click('text=Sign in');
  await page.waitForSelector('.tabs');
}
