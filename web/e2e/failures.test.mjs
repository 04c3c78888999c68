// What goes wrong for a person is said as it is, with what to do, and can be done.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { callAPI, closePage, openPage, patience, until, world } from './world.mjs';

describe('when something is not there', { timeout: 4 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  const join = async (page, name) => {
    await page.fill('#name', name);
    await page.click('.entry-form button');
    await page.waitForSelector('.quality[data-bars="3"]');
  };

  test('devices that the browser refuses are named, and used once it allows them', async () => {
    const page = await openPage(browser, server);
    await page.addInitScript(() => {
      window.refusing = true;
      const { mediaDevices } = navigator;
      const ask = mediaDevices.getUserMedia.bind(mediaDevices);
      const list = mediaDevices.enumerateDevices.bind(mediaDevices);
      mediaDevices.getUserMedia = async (wanted) => {
        if (window.refusing) throw new DOMException('Permission denied', 'NotAllowedError');
        return ask(wanted);
      };
      mediaDevices.enumerateDevices = async () => {
        const all = await list();
        return window.refusing ? all.map(({ kind }) => ({ kind, deviceId: '', label: '', groupId: '' })) : all;
      };
    });
    await page.reload();
    await page.waitForSelector('.faults >> text=This page may not use the microphone. Allow it');
    await page.waitForSelector('.faults >> text=This page may not use the camera. Allow it');
    await join(page, 'Ada');
    for (const [control, what] of [
      ['Start video', 'camera'],
      ['Unmute', 'microphone'],
    ]) {
      await page.click(`.control:has-text("${control}")`);
      await page.waitForSelector(`.notice >> text=This page may not use the ${what}. Allow it`);
    }
    await page.evaluate(() => {
      window.refusing = false;
    });
    await page.click('.control:has-text("Unmute")');
    await page.waitForSelector('.control:has-text("Mute") >> text=/^Mute$/');
    await page.click('.control:has-text("Start video")');
    await page.waitForSelector('.control:has-text("Stop video")');
    await closePage(page);
  });

  test('devices chosen last time that are gone are replaced', async () => {
    const page = await openPage(browser, server);
    await page.evaluate(() => {
      const gone = { microphone: 'gone', camera: 'gone', speaker: 'gone' };
      localStorage.setItem('carillon-preferences', JSON.stringify(gone));
    });
    await page.reload();
    await join(page, 'Ada');
    await page.waitForSelector('.control:has-text("Stop video")');
    await page.waitForSelector('.control >> text=/^Mute$/');
    await closePage(page);
  });

  test('a page of an earlier version says that it is to be reloaded', async () => {
    const page = await openPage(browser, server, '/join');
    await page.route('**/assets/build-*', (route) => route.fulfill({ status: 404, body: '' }));
    await page.goto(`${server.url}/`);
    await page.fill('#name', 'Ada');
    await page.click('.entry-form button');
    await page.waitForSelector('[role=alert] >> text=reload this page: there may be a new version');
    await page.waitForSelector('.entry-form button:enabled');
    await closePage(page);
  });

  test('a link with something behind its code leads to the meeting', async () => {
    const ada = await openPage(browser, server);
    await join(ada, 'Ada');
    const { pathname } = new URL(ada.url());
    const grace = await openPage(browser, server, `${pathname}/`);
    await join(grace, 'Grace');
    await ada.waitForSelector('.tile[aria-label^="Grace"]');
    assert.equal(new URL(grace.url()).pathname, pathname);
    await closePage(ada);
    await closePage(grace);
  });

  test('a seat taken elsewhere can be taken back, and one that is gone leads to another', async () => {
    const made = await callAPI(server, 'POST', '/meetings?operation=create-attendees', {
      ClientRequestToken: 'taken-elsewhere',
      MediaRegion: 'us-east-1',
      ExternalMeetingId: 'taken-elsewhere',
      Attendees: [{ ExternalUserId: 'dev-user' }],
    });
    const [Attendee] = made.Attendees;
    const paste = async () => {
      const page = await openPage(browser, server, '/join');
      await page.fill('#pasted-meeting', JSON.stringify({ Meeting: made.Meeting, Attendee }));
      await page.click('text=Join as this attendee');
      await page.waitForSelector('.quality[data-bars="3"]');
      return page;
    };
    const one = await paste();
    const other = await paste();
    await one.waitForSelector('h1:text-is("You joined from somewhere else")');
    await one.click('button:text-is("Join again")');
    await one.click('text=Join as this attendee');
    await one.waitForSelector('.tile[aria-label^="dev-user (you)"]');
    await other.waitForSelector('h1:text-is("You joined from somewhere else")');
    await callAPI(server, 'DELETE', `/meetings/${made.Meeting.MeetingId}/attendees/${Attendee.AttendeeId}`);
    await one.waitForSelector('h1:text-is("You were removed from the meeting")');
    await one.click('text=Another attendee');
    await one.waitForSelector('#pasted-meeting');
    assert.equal(new URL(one.url()).pathname, '/join');
    await until('the field is empty', async () => (await one.inputValue('#pasted-meeting')) === '');
    await closePage(one);
    await closePage(other);
  });
});
