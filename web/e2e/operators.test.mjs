// Several operators: who may only look is offered nothing else, and what was done
// is there for everybody to read, with how the server is set up.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { inspector, phone } from './inspect.mjs';
import { callAPI, closePage, openPage, patience, secret, until, world } from './world.mjs';

// What stands for "a secret of alice" and "a secret of bob".
const file = `operators:
  - {name: alice, role: operator, secret-hash: "$2a$10$f9s2GN7j/SAeD/JfRE0JJunn71DvI62iKgzk0uiUCvMIovQCo3e0y"}
`;
const bob =
  '  - {name: bob, role: read-only, secret-hash: "$2a$10$SAJCoCqkRXQjunGl8/fQz.33vCgjKAGJhKSLc8T6ybS7qpk91ezdm"}\n';

describe('operators', { timeout: 6 * patience }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-operators-'));
  const path = join(folder, 'operators.yaml');
  writeFileSync(path, file + bob);
  after(() => rmSync(folder, { recursive: true }));
  let server, browser, meeting, viewer;
  world(['--operators-file', path, '--console-listen', '127.0.0.1:0'], async (s, b) => {
    server = s;
    browser = b;
    const made = await callAPI(server, 'POST', '/meetings-api/meetings', {
      ClientRequestToken: 'weekly',
      ExternalMeetingId: 'weekly',
      MediaRegion: 'us-east-1',
    });
    meeting = made.Meeting.MeetingId;
    await callAPI(server, 'POST', `/meetings-api/meetings/${meeting}/attendees`, { ExternalUserId: 'ada' });
  });

  /** The console at its own address, signed in. */
  const consoleOf = async (name, word, options = {}) => {
    const address = /console +(http:\/\/[^\s]+)\/operator\//.exec(server.output())[1];
    const page = await openPage(browser, { url: address }, '/operator/', options);
    await page.fill('#name', name);
    await page.fill('#secret', word);
    await page.click('text=Sign in');
    await page.waitForSelector('.tabs');
    return page;
  };

  test('who may only look is told so and offered nothing to do', async () => {
    viewer = await consoleOf('bob', 'a secret of bob');
    await viewer.waitForSelector('.top .pill:text-is("read-only")');
    await viewer.click('.m-name a');
    await viewer.click('.a-name a');
    await viewer.waitForSelector('.person >> text=Your role is read-only');
    assert.equal(await viewer.locator('text=End meeting').isVisible(), false);
    assert.equal(await viewer.locator('.person-actions').isVisible(), false);
    assert.equal(await viewer.getAttribute('.recordings .record', 'aria-disabled'), 'true');
    await viewer.waitForSelector('.recordings-why:has-text("read-only")');
  });

  test('who may, ends the meeting, and the audit says who it was', async () => {
    const page = await consoleOf('alice', 'a secret of alice');
    await page.click('.m-name a');
    await page.click('text=End meeting');
    await page.click('dialog .danger');
    await page.waitForSelector('text=End meeting', { state: 'hidden' });
    await page.click('.tabs >> text=Audit');
    const line = page.locator('.audit-line', { hasText: 'end meeting' });
    await line.waitFor();
    assert.match(await line.textContent(), /operator:alice 127\.0\.0\.1end meeting \(console\).*done/);
    assert.equal(await line.locator('a').getAttribute('href'), `/operator/meetings/${meeting}`);
    await page.fill('.audit-search input', 'OPERATOR:BOB');
    await until('only what bob did', async () =>
      (await page.locator('.audit-line').allTextContents()).every((text) => text.includes('bob')),
    );
    await page.selectOption('[aria-label="Outcome"]', 'refused');
    await page.waitForSelector('text=There is nothing that fits');
    await closePage(page);
  });

  test('keys, certificates and settings are shown, without secrets', async () => {
    await viewer.click('.tabs >> text=Settings');
    await viewer.waitForSelector('text=operators file');
    await viewer.waitForSelector('.sheet-values >> text=console-listen');
    assert.equal(await viewer.locator('.sheet-values >> text=timer-idle').count(), 0);
    await viewer.fill('[aria-label="Find a setting"]', 'timer-i');
    await viewer.waitForSelector('.sheet-values >> text=timer-idle');
    await viewer.fill('[aria-label="Find a setting"]', '');
    await viewer.check('text=Defaults too');
    assert.ok(!(await viewer.textContent('main')).includes(secret));
  });

  test('who is taken out of the file is signed out', async () => {
    writeFileSync(path, file);
    await viewer.waitForSelector('text=You were signed out');
    await viewer.fill('#name', 'bob');
    await viewer.fill('#secret', 'a secret of bob');
    await viewer.click('text=Sign in');
    await viewer.waitForSelector('text=There is no operator with this name and this secret');
    await closePage(viewer);
  });

  for (const colorScheme of ['light', 'dark']) {
    for (const [size, viewport] of [
      ['desktop', { width: 1280, height: 800 }],
      ['phone', phone],
    ]) {
      test(`everybody can use the pages: ${size}, ${colorScheme}`, async () => {
        const { found, look } = inspector();
        const page = await consoleOf('alice', 'a secret of alice', { viewport, colorScheme });
        for (const [name, there] of [
          ['Audit', '.audit-line'],
          ['Settings', '.sheet-values dd'],
        ]) {
          await page.click(`.tabs >> text=${name}`);
          await page.waitForSelector(there);
          if (process.env.SHOTS)
            await page.screenshot({ path: `${process.env.SHOTS}/${name}-${size}-${colorScheme}.png`, fullPage: true });
          await look(name, page);
        }
        assert.deepEqual(found, []);
        await closePage(page);
      });
    }
  }
});
