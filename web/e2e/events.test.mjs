// Who is told of events and what became of them, as operators see it: receivers
// that take, refuse and are down.

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../e2e/lib/server.mjs';
import { inspector, phone } from './inspect.mjs';
import { callAPI, closePage, openPage, patience, signIn, startBrowser, startServer, until } from './world.mjs';

/** A web hook's endpoint, which answers with its status and keeps the types of what it took. */
async function startReceiver(status) {
  const receiver = { status, took: [] };
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      if (receiver.status < 300) receiver.took.push(request.headers['carillon-event-type']);
      response.writeHead(receiver.status).end();
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  receiver.port = server.address().port;
  receiver.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return receiver;
}

/** More than fail in a row before a receiver is left in peace. */
const meetings = 12;

describe('who is told of events', { timeout: 4 * patience }, () => {
  let server, browser, folder, takes, refuses;

  before(async () => {
    [takes, refuses, folder] = await Promise.all([
      startReceiver(204),
      startReceiver(400),
      mkdtemp(join(tmpdir(), 'carillon-hooks-')),
    ]);
    const secretFile = join(folder, 'secret');
    await writeFile(secretFile, `whsec_${Buffer.alloc(32, 7).toString('base64')}`);
    const hook = (name, port, more) => ({
      name,
      url: `http://127.0.0.1:${port}/`,
      'secret-files': [secretFile],
      insecure: true,
      'allow-private': true,
      ...more,
    });
    const hooks = [
      hook('audit', takes.port),
      hook('billing', refuses.port, { 'max-age': '1ms' }), // what it refuses is given up at once
      hook('crm', await freePort()), // nobody listens there
    ];
    server = await startServer('--webhooks', JSON.stringify(hooks));
    browser = await startBrowser();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
    takes?.close();
    refuses?.close();
    if (folder) await rm(folder, { recursive: true });
  });

  test('receivers, what they did not take, and what became of a meeting’s events', async () => {
    const page = await openPage(browser, server, '/operator/');
    await signIn(page);
    await page.click('.tabs >> text=Events');
    await page.waitForSelector('text=Nothing was sent yet');
    const made = await Promise.all(
      Array.from({ length: meetings }, (_, i) =>
        callAPI(server, 'POST', '/meetings', {
          ClientRequestToken: `told-${i}`,
          MediaRegion: 'us-east-1',
          ExternalMeetingId: `told-${i}`,
        }),
      ),
    );
    const card = (name) => page.locator('.destination', { hasText: `webhook:${name}` });
    await card('audit').locator('text=takes events').waitFor();
    await card('crm').locator('text=refuses everything').waitFor();
    assert.match(await card('crm').innerText(), new RegExp(`${meetings}\\s*waiting|waiting\\s*${meetings}`));
    assert.match(await card('crm').innerText(), /connection refused/);

    const billing = card('billing');
    await billing.locator(`summary:has-text("${meetings} given up")`).click();
    assert.match(await billing.locator('li').first().innerText(), /MeetingStarted.*HTTP 400, after 1 attempt/s);
    await inspect(page, 'receivers');
    await billing.locator('li >> text=Drop').first().click();
    await page.click('dialog button:has-text("Drop")');
    await billing.locator(`summary:has-text("${meetings - 1} given up")`).waitFor();

    refuses.status = 204;
    await billing.locator('text=Send all again').click();
    await page.click('dialog button:has-text("Send again")');
    await until('the receiver has them', () => refuses.took.length === meetings - 1);
    await billing.locator('summary').waitFor({ state: 'detached' });
    assert.equal(takes.took.length, meetings);

    refuses.status = 400;
    const id = made[0].Meeting.MeetingId;
    await callAPI(server, 'DELETE', `/meetings/${id}`);
    await page.goto(`${server.url}/operator/meetings/${id}`);
    const line = (event, to) => page.locator('.events .vt-row', { hasText: event }).filter({ hasText: to }).innerText();
    await page.waitForSelector('.events .vt-row:has-text("MeetingEnded")');
    await until('the end is refused', async () => /given up.*HTTP 400/s.test(await line('MeetingEnded', 'billing')));
    assert.match(await line('MeetingEnded', 'audit'), /taken/);
    assert.match(await line('MeetingStarted', 'crm'), /waiting/);
    await inspect(page, 'one meeting');
    await closePage(page);
  });

  /** Looks at a page on a phone by night and on a desk by day. */
  async function inspect(page, name) {
    const { found, look } = inspector();
    for (const [colorScheme, viewport] of [
      ['dark', phone],
      ['light', { width: 1280, height: 800 }],
    ]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize(viewport);
      await look(`${name}, ${viewport.width}, ${colorScheme}`, page);
    }
    assert.deepEqual(found, []);
  }
});
