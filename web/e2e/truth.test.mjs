// What the console says is so: it is of now or says that it is not, and it does
// not forget who was there.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { startServer as start } from '../../e2e/lib/server.mjs';
import { callAPI, closePage, openPage, patience, secret, signIn, until, world } from './world.mjs';

/** Makes a meeting with an attendee for each name and returns their ids. */
async function meetingOf(server, external, ...names) {
  const made = await callAPI(server, 'POST', '/meetings', {
    ClientRequestToken: `token-${external}`,
    MediaRegion: 'us-east-1',
    ExternalMeetingId: external,
  });
  const meeting = made.Meeting.MeetingId;
  const attendees = [];
  for (const name of names) {
    const body = { ExternalUserId: name };
    const answer = await callAPI(server, 'POST', `/meetings/${meeting}/attendees`, body);
    attendees.push(answer.Attendee.AttendeeId);
  }
  return { meeting, attendees };
}

/** A page as somebody reads it. */
const reads = (page, selector = 'main') => page.locator(selector).innerText();

/** Whether the page says that it is live: by its mark, and by no warning against it. */
const saysLive = async (page) =>
  (await reads(page, '.live')) === 'Live' && !(await page.locator('main > [role=alert]').isVisible());

describe('a console is live only while the server answers', { timeout: 4 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  /** Freezes the server until the page has said so for a while, and waits until the page is live again. */
  async function freezeUnder(page) {
    await until('it is live', () => saysLive(page));
    server.freeze();
    try {
      const frozen = Date.now();
      await page.waitForSelector('.live:text-is("Not live")');
      const took = Date.now() - frozen;
      assert.ok(took < 10_000, `it took ${took} ms to see that the server is frozen`);
      const warning = await reads(page, 'main > [role=alert]');
      assert.match(warning, /What you see is from .*\d.* The server has not answered/);
      await page.waitForTimeout(3000);
      assert.equal(await reads(page, '.live'), 'Not live', 'it does not come back by itself');
    } finally {
      server.thaw();
    }
    await until('it is live again', () => saysLive(page));
  }

  test('the list of meetings', async () => {
    const page = await openPage(browser, server, '/operator/');
    await signIn(page);
    await freezeUnder(page);
    await meetingOf(server, 'later');
    await page.waitForSelector('.m-name a:text-is("later")');
    await closePage(page);
  });

  test('a meeting', async () => {
    const { meeting } = await meetingOf(server, 'frozen', 'ada');
    const page = await openPage(browser, server, `/operator/meetings/${meeting}`);
    await signIn(page);
    await freezeUnder(page);
    await callAPI(server, 'POST', `/meetings/${meeting}/attendees`, { ExternalUserId: 'bob' });
    await page.waitForSelector('.a-name a:text-is("bob")');
    await closePage(page);
  });

  test('an action on a frozen server says so in the end', async () => {
    const { meeting } = await meetingOf(server, 'stuck', 'ada');
    const page = await openPage(browser, server, `/operator/meetings/${meeting}`);
    await signIn(page);
    await page.click('text=End meeting');
    server.freeze();
    try {
      await page.click('dialog .danger');
      await page.waitForSelector('dialog [role=alert] >> text=The server does not answer');
    } finally {
      server.thaw();
    }
    await closePage(page);
  });
});

describe('who was there is not forgotten', { timeout: 4 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  const lines = (page) => page.locator('.records .vt-spacer .vt-row').allInnerTexts();

  test('a removed attendee keeps its name, backwards and on another visit', async () => {
    const { meeting, attendees } = await meetingOf(server, 'removal', '0123456789ab#Ada', '0123456789ab#Bob');
    const page = await openPage(browser, server, `/operator/meetings/${meeting}`);
    await signIn(page);
    await page.click('.a-name a:text-is("Ada")');
    await page.waitForSelector('.person h2:text-is("Ada")');
    await page.click('.person-actions >> text=Remove');
    await page.click('dialog .danger');
    const removed = async () => {
      await page.waitForSelector('.person h2:text-is("Ada")');
      await page.waitForSelector('.person .pill:text-is("removed")');
      await page.waitForSelector('.person >> text=Removed: its join token is refused.');
      assert.equal(await page.locator('.person-actions').isVisible(), false, 'nothing is offered');
      assert.ok(!(await reads(page, '.person')).includes('May use'), 'who was removed may use nothing');
      await page.waitForSelector('.a-name a:text-is("Ada")');
      await until('the record names her', async () => {
        const about = (await lines(page)).filter((line) => line.includes('Ada'));
        return about.length === 2 && about[0].includes('attendee deleted') && about[1].includes('attendees added');
      });
    };
    await removed();

    await page.click('.a-name a:text-is("Bob")');
    await page.waitForSelector('.person h2:text-is("Bob")');
    await page.goBack();
    await removed();
    await page.goBack();
    await page.waitForSelector('.side-hint');
    await page.goForward();
    await removed();
    await page.reload();
    await removed();
    assert.equal(new URL(page.url()).pathname, `/operator/meetings/${meeting}/${attendees[0]}`);
    await closePage(page);
  });

  test('an ended meeting says how it ended and offers nothing', async () => {
    const { meeting, attendees } = await meetingOf(server, 'over', '0123456789ab#Ada', '0123456789ab#Bob');
    const page = await openPage(browser, server, `/operator/meetings/${meeting}/${attendees[0]}`);
    await signIn(page);
    await page.waitForSelector('.person h2:text-is("Ada")');
    await callAPI(server, 'DELETE', `/meetings/${meeting}`);
    const ended = async () => {
      await page.waitForSelector('dt:text-is("Ended")');
      await until('it is live', () => saysLive(page));
      await until('the end is recorded', async () => (await lines(page)).some((line) => /ended/.test(line)));
      const text = await reads(page, '.meeting-page');
      assert.match(text, /over/);
      assert.match(text, /key:AKIDTEST/, 'who ended it');
      for (const untrue of ['Nothing is recorded', 'Nobody was invited', 'cannot be read', 'connected of']) {
        assert.ok(!text.includes(untrue), `it says “${untrue}”:\n${text}`);
      }
      for (const offered of ['End meeting', 'Mute', 'Remove', 'Capabilities…']) {
        assert.equal(await page.locator(`button:has-text("${offered}")`).locator('visible=true').count(), 0, offered);
      }
    };
    await ended();
    assert.match(await reads(page, '.person'), /Ada[\s\S]*The meeting has ended/);
    assert.ok(
      (await lines(page)).some((line) => line.includes('attendees added')),
      'an open page keeps what it has',
    );
    await page.reload();
    await ended();
    await page.waitForSelector('.person h2:text-is("Ada")');
    assert.ok(
      (await lines(page)).some((line) => line.includes('attendees added')),
      'a new page has all of it',
    );
    await page.goto(`${server.url}/operator/ended`);
    await page.click('.m-name a:has-text("over")');
    await ended();
    await closePage(page);
  });

  test('an ended meeting is readable after a restart, with the name of whoever was removed', async () => {
    const data = await mkdtemp(join(tmpdir(), 'carillon-kept-'));
    const flags = ['--dev', '--operator-secret', secret, '--timer-tombstone', '1s'];
    let one = await start(flags, { data });
    const { meeting, attendees } = await meetingOf(one, 'kept', '0123456789ab#Ada', '0123456789ab#Bob');
    await callAPI(one, 'DELETE', `/meetings/${meeting}/attendees/${attendees[0]}`);
    await callAPI(one, 'DELETE', `/meetings/${meeting}`);
    await one.stop();
    one = await start(flags, { data });
    const page = await openPage(browser, one, '/operator/ended');
    await signIn(page);
    await page.click('.m-name a:has-text("kept")');
    await page.waitForSelector('dt:text-is("Ended")');
    await until('all of its record is there', async () =>
      (await lines(page)).some((line) => /attendee deleted/.test(line)),
    );
    await page.goto(`${one.url}/operator/meetings/${meeting}/${attendees[0]}`);
    await page.waitForSelector('.person h2:text-is("Ada")');
    await until('it is live', () => saysLive(page));
    await closePage(page);
    await one.stop();
    await rm(data, { recursive: true });
  });

  test('an attendee or a meeting that never was', async () => {
    const { meeting } = await meetingOf(server, 'never', 'ada');
    const nobody = '11111111-1111-4111-8111-111111111111';
    const page = await openPage(browser, server, `/operator/meetings/${meeting}/${nobody}`);
    await signIn(page);
    await page.waitForSelector('h2:text-is("No such attendee")');
    assert.equal(await page.locator('.person-actions').isVisible(), false);
    await page.goto(`${server.url}/operator/meetings/${nobody}`);
    await page.waitForSelector('main > [role=alert] >> text=There is no such meeting');
    assert.equal(await reads(page, '.live'), 'Not live');
    const text = await reads(page);
    assert.ok(!/Nothing is recorded|Nobody was invited|End meeting/.test(text), text);
    await closePage(page);
  });
});
