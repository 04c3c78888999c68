// Two people meet by link; an operator sees them and removes one.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { asOperator, closePage, openPage, patience, signIn, until, world } from './world.mjs';

const labels = (page) =>
  page.locator('.tiles .tile').evaluateAll((tiles) => tiles.map((tile) => tile.getAttribute('aria-label')));

async function join(browser, server, name, path = '/', options) {
  const page = await openPage(browser, server, path, options);
  await page.fill('#name', name);
  await page.click('.entry-form button');
  return page;
}

/** Loudness of what the page plays, by its own audio element. */
const hears = (page) =>
  page.evaluate(async () => {
    const element = document.querySelector('audio');
    if (!element?.srcObject) return 0;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(element.srcObject).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    for (let i = 0; i < 30; i++) {
      await new Promise((wake) => setTimeout(wake, 50));
      analyser.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, ...samples.map(Math.abs));
    }
    await context.close();
    return loudest;
  });

/** Waits until what is typed goes into the field for messages. */
const writes = (page) => page.waitForFunction(() => document.activeElement?.closest('.chat-form'));

/** Whether the pictures of a tile move. */
const moves = (page, name) =>
  page.evaluate(async (wanted) => {
    const tile = [...document.querySelectorAll('.tile')].find((t) => t.getAttribute('aria-label')?.startsWith(wanted));
    const video = tile?.querySelector('video');
    if (!video || video.hidden) return false;
    const before = video.getVideoPlaybackQuality().totalVideoFrames;
    await new Promise((wake) => setTimeout(wake, 1000));
    return video.videoWidth > 0 && video.getVideoPlaybackQuality().totalVideoFrames > before + 3;
  }, name);

describe('a meeting of two', { timeout: 6 * patience }, () => {
  let server, browser, ada, grace, operator;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  test('they meet by link', async () => {
    ada = await join(browser, server, 'Ada');
    await ada.waitForURL('**/m/*');
    await ada.click('.copy');
    const link = await ada.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, ada.url());
    grace = await join(browser, server, 'Grace 🌟', new URL(link).pathname, { viewport: { width: 390, height: 844 } });
    await until('Ada sees both', async () => (await labels(ada)).length === 2);
    await until('Grace sees both', async () => (await labels(grace)).length === 2);
    assert.ok(
      (await labels(ada)).some((label) => label.startsWith('Grace 🌟')),
      'the name with a star arrived whole',
    );
  });

  test('they see each other', async () => {
    await until('Ada sees Grace move', () => moves(ada, 'Grace'));
    await until('Grace sees Ada move', () => moves(grace, 'Ada'));
  });

  test('they hear each other and the levels move', async () => {
    await until('Grace hears something', async () => (await hears(grace)) > 0.01);
    await until('Ada hears something', async () => (await hears(ada)) > 0.01);
    await grace.click('.control:has-text("People")');
    const bar = grace.locator('.roster-row', { hasText: 'Ada' }).locator('.volume-bar');
    const seen = new Set();
    await until(
      'Ada’s level moves',
      async () => seen.add(await bar.evaluate((node) => node.style.transform)).size >= 3,
    );
  });

  test('muting is seen by the other and silences', async () => {
    await ada.keyboard.press('Alt+m');
    await until(
      'Ada is shown as muted',
      async () =>
        (await labels(grace)).some((label) => label.startsWith('Ada, muted')) ||
        grace.locator('.roster-row.muted', { hasText: 'Ada' }).count(),
    );
    await until('Grace hears nothing', async () => (await hears(grace)) < 0.01);
    await ada.keyboard.press('Alt+m');
    await until('Grace hears Ada again', async () => (await hears(grace)) > 0.01);
    await grace.click('[aria-label="Close people"]');
  });

  test('a camera goes off and on', async () => {
    await ada.click('text=Stop video');
    await until('Ada’s camera is off for Grace', async () =>
      (await labels(grace)).some((label) => /^Ada.*camera off/.test(label)),
    );
    await ada.click('text=Start video');
    await until('Ada moves again', () => moves(grace, 'Ada'));
  });

  test('they chat, and late comers see it', async () => {
    await ada.click('text=Chat');
    await writes(ada);
    await ada.keyboard.type('Hello <b>Grace</b>');
    await ada.keyboard.press('Enter');
    await grace.waitForSelector('.control:has-text("1 unread")');
    await grace.click('.control:has-text("Chat")');
    assert.equal(await grace.locator('.message-text').last().textContent(), 'Hello <b>Grace</b>');
    await writes(grace);
    await grace.keyboard.type('Hello Ada');
    await grace.keyboard.press('Enter');
    await until('Ada reads it', async () => (await ada.locator('.message-text').last().textContent()) === 'Hello Ada');
    await grace.keyboard.press('Escape');

    const late = await join(browser, server, 'Late', new URL(ada.url()).pathname);
    await late.click('.control:has-text("Chat")');
    await until('the late one reads both', async () => (await late.locator('.message-text').count()) === 2);
    await late.click('.control.leave');
    await late.waitForSelector('text=You left the meeting');
    await closePage(late);
    await until('the late one is gone', async () => (await labels(ada)).length === 2);
  });

  test('a screen is shared', async () => {
    await ada.click('.control:has-text("Share")');
    await grace.waitForSelector('.tile.shared[aria-label^="Ada is sharing"]');
    await until('the shared picture moves', () => moves(grace, 'Ada is sharing'));
    await ada.waitForSelector('.sharing-mark:visible');
    await ada.click('text=Stop sharing');
    await grace.waitForSelector('.tile.shared', { state: 'detached' });
  });

  test('an operator sees how Grace joined, mutes her, and removes her', async () => {
    operator = await openPage(browser, server, '/operator/');
    await signIn(operator);
    await operator.click('.m-name a');
    await operator.click('.a-name a:has-text("Grace")');
    await until('every step has its tick', async () => (await operator.locator('.step.done').count()) === 7);
    await operator.waitForSelector('.person .pill[data-state=connected]');

    await operator.click('.person-actions >> text=Mute');
    await operator.click('dialog >> text=Mute >> nth=-1');
    await operator.waitForSelector('dialog', { state: 'detached' });
    await until('Grace is muted for Ada', async () =>
      (await labels(ada)).some((label) => label.startsWith('Grace 🌟, muted')),
    );
    await until('Ada hears nothing', async () => (await hears(ada)) < 0.01);

    await operator.click('.person-actions >> text=Remove');
    await operator.click('dialog >> text=Cancel');
    assert.equal((await labels(ada)).length, 2, 'cancelling removes nobody');
    await operator.click('.person-actions >> text=Remove');
    await operator.click('dialog .danger');
    await grace.waitForSelector('h1:has-text("You were removed from the meeting")');
    await until('Ada is alone', async () => (await labels(ada)).length === 1);
    await operator.waitForSelector('.records .vt-row:has-text("attendee deleted"):has-text("operator:")');
    await closePage(grace);
  });

  test('the operator ends the meeting', async () => {
    await operator.click('text=End meeting');
    await operator.click('dialog .danger');
    await ada.waitForSelector('h1:has-text("The meeting has ended")');
    await operator.click('.tabs >> text=Ended');
    await operator.waitForSelector('.vt-row:has-text("ended by an operator")');
    await closePage(ada);
    await closePage(operator);
  });
});

describe('when joining fails, the page says why', { timeout: 3 * patience }, () => {
  let server, browser;
  world(['--limit-attendees', '1', '--limit-hd-attendees', '1'], (s, b) => {
    server = s;
    browser = b;
  });

  test('a mistyped code', async () => {
    const page = await join(browser, server, 'Ada', '/m/abc-defg-hij');
    await page.waitForSelector('[role=alert] >> text=There is no meeting with this code');
    await closePage(page);
  });

  test('a full meeting', async () => {
    const ada = await join(browser, server, 'Ada');
    await ada.waitForURL('**/m/*');
    const grace = await join(browser, server, 'Grace', new URL(ada.url()).pathname);
    await grace.waitForSelector('[role=alert] >> text=The meeting is full');
    await closePage(grace);
    await closePage(ada);
  });

  test('a seat that was taken away', async () => {
    const operate = await asOperator(server);
    const page = await openPage(browser, server);
    // The attendee is deleted between taking the seat and opening the socket.
    await page.route('**/attendees', async (route) => {
      const answer = await route.fetch();
      const seat = await answer.json();
      await operate('POST', `meetings/${seat.meeting.MeetingId}/attendees/${seat.attendee.AttendeeId}/remove`);
      await route.fulfill({ response: answer });
    });
    await page.fill('#name', 'Ada');
    await page.click('.entry-form button');
    await page.waitForSelector('h1:has-text("You were")');
    assert.match(await page.locator('h1').textContent(), /You were (not let in|removed from the meeting)/);
    await closePage(page);
  });

  test('no server', async () => {
    const page = await openPage(browser, server);
    await page.fill('#name', 'Ada');
    await page.context().setOffline(true);
    await page.click('.entry-form button');
    await page.waitForSelector('[role=alert] >> text=The server cannot be reached');
    await closePage(page);
  });
});
