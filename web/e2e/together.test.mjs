// What people do in a meeting beside talking, and how the page is there for them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { launchChromium } from '../../e2e/lib/chromium.mjs';
import { callAPI, closePage, openPage, patience, signIn, until, world } from './world.mjs';

const phone = { viewport: { width: 390, height: 844 } };

async function join(browser, server, name, path = '/', options) {
  const page = await openPage(browser, server, path, options);
  await page.fill('#name', name);
  await page.click('.entry-form button');
  await page.waitForSelector('.quality[data-bars="3"]');
  return page;
}

/** What lies at the middle of an element: the element, or something over it. */
const inReach = (page, selector) =>
  page.locator(selector).evaluate((node) => {
    const { x, y, width, height } = node.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return node.contains(top);
  });

describe('two people', { timeout: 6 * patience }, () => {
  let server, browser, ada, grace;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  test('whoever is alone is told how to bring others in', async () => {
    ada = await join(browser, server, 'Ada');
    await ada.waitForSelector('.invite svg.qr path');
    await ada.click('.invite >> text=Copy link');
    await ada.waitForSelector('.invite >> text=Copied');
    const link = await ada.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, ada.url());
    grace = await join(browser, server, 'Grace Brewster Murray Hopper the Admiral', new URL(link).pathname, phone);
    await ada.waitForSelector('.invite', { state: 'hidden' });
    assert.equal(await grace.locator('.invite').isVisible(), false, 'she is not alone');
  });

  test('hands and reactions reach the other, also from a phone', async () => {
    await grace.click('.control:has-text("More")');
    await grace.click('.menu >> text=Raise hand');
    await ada.waitForSelector('.tile[aria-label^="Grace"][aria-label$="hand raised"] .tile-hand:visible');
    const late = await join(browser, server, 'Late', new URL(ada.url()).pathname);
    await late.waitForSelector('.tile[aria-label^="Grace"] .tile-hand:visible');
    await late.click('.control.leave');
    await closePage(late);
    await grace.click('.control:has-text("More")');
    await grace.click('.menu >> text=Lower hand');
    await ada.waitForSelector('.tile[aria-label^="Grace"] .tile-hand', { state: 'hidden' });
    await ada.keyboard.press('Alt+h');
    await grace.waitForSelector('.tile[aria-label^="Ada"] .tile-hand:visible');
    await ada.click('.control:has-text("Lower hand")');
    await ada.click('.control:has-text("More")');
    await ada.click('[aria-label="React: applause"]');
    await grace.waitForSelector('.tile[aria-label^="Ada"] .tile-reaction:text-is("👏")');
    await ada.waitForSelector('.tile[aria-label^="Ada (you)"] .tile-reaction:text-is("👏")');
    await until('it goes again', async () => (await ada.locator('.tile-reaction').allTextContents()).join('') === '');
  });

  test('panels on a phone leave the controls in reach', async () => {
    for (const panel of ['People', 'Chat']) {
      await grace.click(`.control:has-text("${panel}")`);
      await grace.waitForSelector('.panel:visible');
      for (const control of ['Mute', 'Leave', panel]) {
        assert.ok(await inReach(grace, `.control:has-text("${control}")`), `${control} beside ${panel}`);
      }
      await grace.click(`.control:has-text("${panel}")`);
      await grace.waitForSelector('.panel', { state: 'hidden' });
    }
  });

  test('the menu opens over what opens it', async () => {
    const over = async (page, shape) => {
      await page.click('.control:has-text("More")');
      const [menu, more] = await Promise.all(
        ['.menu', '.control:has-text("More")'].map((selector) => page.locator(selector).boundingBox()),
      );
      const middle = more.x + more.width / 2;
      assert.ok(menu.x < middle && middle < menu.x + menu.width, `${shape}: ${JSON.stringify({ menu, more })}`);
      assert.ok(menu.y + menu.height <= more.y, `${shape}: it covers the controls`);
      await page.keyboard.press('Escape');
    };
    await over(grace, 'a phone');
    await over(ada, 'a desktop');
    await ada.keyboard.press('Alt+p');
    await ada.waitForSelector('.panel:visible');
    await over(ada, 'beside a panel');
    await ada.keyboard.press('Alt+p');
    const { width, height } = ada.viewportSize();
    await ada.setViewportSize({ width: 800, height });
    await over(ada, 'a tablet');
    await ada.setViewportSize({ width, height });
  });

  test('a name that is too long is cut visibly, and whole to whoever points at it', async () => {
    const name = grace.locator('.tile[aria-label^="Grace"] .plate-name');
    const look = await name.evaluate((node) => {
      const [cut, rest] = node.children;
      return {
        cut: cut.scrollWidth > cut.clientWidth,
        overflow: getComputedStyle(cut).textOverflow,
        whole: rest.scrollWidth <= rest.clientWidth && rest.textContent,
        title: node.title,
      };
    });
    assert.deepEqual(look, {
      cut: true,
      overflow: 'ellipsis',
      whole: ' (you)',
      title: 'Grace Brewster Murray Hopper the Admiral (you)',
    });
  });

  test('a tile is pinned and let go', async () => {
    await ada.hover('.tile[aria-label^="Grace"]');
    await ada.click('[aria-label^="Pin Grace"]');
    await ada.waitForSelector('.content-area .tile.pinned[aria-label^="Grace"]');
    await until('her picture moves there', () =>
      ada.evaluate(async () => {
        const video = document.querySelector('.tile.pinned video');
        const before = video.getVideoPlaybackQuality().totalVideoFrames;
        await new Promise((wake) => setTimeout(wake, 500));
        return video.getVideoPlaybackQuality().totalVideoFrames > before;
      }),
    );
    assert.equal(await ada.locator('.tiles .tile').count(), 1, 'she is not there twice');
    await ada.click('[aria-label^="Unpin Grace"]');
    await until('both are side by side', async () => (await ada.locator('.tiles .tile').count()) === 2);
  });

  test('the room fills the screen and comes back', async () => {
    await ada.click('.control:has-text("More")');
    await ada.click('.menu >> text=Full screen');
    await ada.waitForFunction(() => !!document.fullscreenElement);
    await ada.click('.control:has-text("More")');
    await ada.click('.menu >> text=Leave full screen');
    await ada.waitForFunction(() => !document.fullscreenElement);
    await closePage(grace);
  });

  test('whoever talks while muted is told', async () => {
    await ada.click('.control.leave');
    await ada.waitForSelector('text=You left the meeting');
    const page = await openPage(browser, server);
    await page.addInitScript(() => {
      const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      navigator.mediaDevices.getUserMedia = async (wanted) => {
        if (!wanted.audio) return real(wanted);
        const context = new AudioContext();
        const voice = new OscillatorNode(context, { frequency: 300 });
        const out = context.createMediaStreamDestination();
        voice.connect(new GainNode(context, { gain: 0.3 })).connect(out);
        voice.start();
        return out.stream;
      };
    });
    await page.goto(`${server.url}/`);
    await page.fill('#name', 'Ada');
    await page.click('.entry-form button');
    await page.waitForSelector('.quality[data-bars="3"]');
    await page.keyboard.press('Alt+m');
    await page.waitForSelector('.notice >> text=You are muted: nobody hears you');
    await closePage(page);
    await closePage(ada);
  });

  test('a phone with two cameras shows the other one', async () => {
    const cameras = await launchChromium(['--use-fake-device-for-media-stream=device-count=2,fps=10']);
    try {
      const page = await join(cameras, server, 'Bea', '/', phone);
      const shown = () => page.locator('.tile video').evaluate((video) => video.srcObject?.getVideoTracks()[0]?.label);
      await until('her camera is on', async () => (await shown()) === 'fake_device_0');
      await page.click('.control:has-text("More")');
      await page.click('.menu >> text=Switch camera');
      await until('it is the other one', async () => (await shown()) === 'fake_device_1');
      await page.waitForFunction(
        () => document.querySelector('.tile video').getVideoPlaybackQuality().totalVideoFrames > 0,
      );
      await page.click('.control:has-text("More")');
      await page.click('.menu >> text=Switch camera');
      await until('it is the first one', async () => (await shown()) === 'fake_device_0');
      await closePage(page);
    } finally {
      await cameras.close();
    }
  });
});

describe('a seat of another backend', { timeout: 3 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  const made = (name) =>
    callAPI(server, 'POST', '/meetings?operation=create-attendees', {
      ClientRequestToken: `seat-${name}`,
      MediaRegion: 'us-east-1',
      ExternalMeetingId: `seat-${name}`,
      Attendees: [{ ExternalUserId: name }],
    });

  test('is pasted in and joined', async () => {
    const { Meeting, Attendees } = await made('dev-user');
    const page = await openPage(browser, server, '/join');
    await page.click('text=Join as this attendee');
    await page.waitForSelector('[role=alert] >> text=The Meeting is missing');
    await page.fill('#pasted-meeting', JSON.stringify({ Meeting }));
    await page.fill('#pasted-attendee', '{');
    await page.click('text=Join as this attendee');
    await page.waitForSelector('[role=alert] >> text=This is not JSON');
    await page.fill('#pasted-attendee', JSON.stringify({ Attendee: Attendees[0] }));
    await page.click('text=Join as this attendee');
    await page.waitForSelector('.tile[aria-label^="dev-user (you)"]');
    await page.waitForSelector('.quality[data-bars="3"]');
    assert.equal(await page.locator('.invite').isVisible(), false, 'no link leads here');
    await page.click('.control.leave');
    await page.click('text=Join again');
    await page.click('text=Join as this attendee');
    await page.waitForSelector('.tile[aria-label^="dev-user (you)"]');
    await closePage(page);
  });

  test('is joined from the explorer in a tab of its own', async () => {
    const { Meeting } = await made('explored-user');
    const page = await openPage(browser, server, '/operator/explorer#meetings/CreateAttendee');
    await page.waitForFunction(() => document.querySelector('#access-key').value); // filled in for development
    await page.fill('#f-MeetingId', Meeting.MeetingId); // its Meeting has to be fetched
    await page.fill('#f-ExternalUserId', 'explorer-user');
    await page.click('text=Sign and send');
    const [tab] = await Promise.all([
      page.context().waitForEvent('page'),
      page.click('.seats >> text=Join as explorer-user'),
    ]);
    await tab.waitForSelector('text=You join as explorer-user');
    await tab.click('text=Join as this attendee');
    await tab.waitForSelector('.tile[aria-label^="explorer-user (you)"]');
    for (const one of [page, tab]) {
      assert.equal(
        await one.evaluate(() => sessionStorage.getItem('carillon-seat')),
        null,
        'the token is left nowhere',
      );
    }
    await closePage(page);
  });

  test('is joined from the console by an operator', async () => {
    const { Meeting, Attendees } = await made('operated');
    const path = `/operator/meetings/${Meeting.MeetingId}/${Attendees[0].AttendeeId}`;
    const page = await openPage(browser, server, path);
    await signIn(page);
    await page.click('text=Join as this attendee…');
    const [tab] = await Promise.all([page.context().waitForEvent('page'), page.click('dialog .main')]);
    await tab.waitForSelector('text=You join as operated');
    await tab.click('text=Join as this attendee');
    await tab.waitForSelector('.tile[aria-label^="operated (you)"]');
    await page.waitForSelector('.person .pill[data-state=connected]');
    await closePage(page);
  });
});

describe('plain http from another machine', { timeout: 2 * patience }, () => {
  let server, browser;
  world(['--allowed-hosts', 'meet.example', '--demo'], async (s) => {
    server = s;
  });

  test('is explained', async () => {
    browser = await launchChromium(['--host-resolver-rules=MAP meet.example 127.0.0.1']);
    try {
      const page = await browser.newPage();
      await page.goto(`http://meet.example:${new URL(server.url).port}/m/abc`);
      await page.waitForSelector('h1:text-is("This page needs https")');
      const text = await page.locator('main').innerText();
      assert.match(text, /meet\.example/);
      assert.match(text, /--tls-self-signed/);
      assert.equal(await page.locator('button').count(), 0, 'nothing is offered that cannot work');
    } finally {
      await browser.close();
    }
  });
});
