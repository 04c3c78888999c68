// The meeting page does not say that all is well when it is not: of the line,
// and of what an operator has taken away.

import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../e2e/lib/server.mjs';
import {
  asOperator,
  callAPI,
  closePage,
  openPage,
  patience,
  startBrowser,
  startServer,
  until,
  world,
} from './world.mjs';

async function join(browser, server, name, path = '/') {
  const page = await openPage(browser, server, path);
  await page.fill('#name', name);
  await page.click('.entry-form button');
  return page;
}

/** The mark of the line, as everybody reads it. */
const mark = (page) => page.locator('.quality-word').textContent();

/** What it says when there is no connection any more. */
const lost = /^(No connection|Connection lost)$/;

/** Everything the mark says from now on, in order and once each. */
async function marksOf(page) {
  await page.waitForSelector('.quality');
  const seen = [];
  await page.exposeFunction('markSaid', (word) => seen.push(word));
  await page.evaluate(() => {
    const word = document.querySelector('.quality-word');
    const tell = () => window.markSaid(word.textContent);
    new MutationObserver(tell).observe(word, { childList: true, characterData: true, subtree: true });
    tell();
  });
  return seen;
}

/** A proxy that refuses every WebSocket, and the port that it leads all else to. */
async function startProxy() {
  const leadsTo = await freePort();
  const proxy = createServer((asked, answer) => {
    const { url: path, method, headers } = asked;
    const passed = request({ host: '127.0.0.1', port: leadsTo, path, method, headers }, (got) => {
      answer.writeHead(got.statusCode, got.headers);
      got.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  proxy.on('upgrade', (_, socket) => socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'));
  await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
  const stop = () => {
    proxy.closeAllConnections();
    return new Promise((done) => proxy.close(done));
  };
  return { url: `http://127.0.0.1:${proxy.address().port}`, leadsTo, stop };
}

describe('the mark of the line', { timeout: 6 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  test('while joining does not get anywhere', async () => {
    const page = await openPage(browser, server);
    await page.route('**/attendees', async (route) => {
      const answer = await route.fetch();
      server.freeze(); // from here on nobody answers
      await route.fulfill({ response: answer });
    });
    try {
      await page.fill('#name', 'Ada');
      await page.click('.entry-form button');
      const said = await marksOf(page);
      await page.waitForSelector('.notice >> text=Still trying');
      assert.deepEqual([...new Set(said)], ['Connecting…']);
    } finally {
      server.thaw();
    }
    await closePage(page);
  });

  test('when nothing arrives any more, and when it does again', async () => {
    const page = await join(browser, server, 'Ada');
    await until('the line is good', async () => (await mark(page)) === 'Good connection');
    server.freeze();
    try {
      const frozen = Date.now();
      await until('there is none', async () => lost.test(await mark(page)));
      const took = Date.now() - frozen;
      assert.ok(took < 10_000, `it took ${took} ms to see that nothing arrives`);
      assert.equal(await page.locator('.quality').getAttribute('data-bars'), '0');
      await page.keyboard.press('Alt+c');
      await page.waitForSelector('textarea:focus');
      await page.keyboard.type('Anybody there?');
      await page.keyboard.press('Enter');
      await page.waitForSelector('.chat-hint >> text=Not sent: there is no connection');
      assert.equal(await page.locator('.message').count(), 0, 'it looks as if it had been sent');
    } finally {
      server.thaw();
    }
    await until('the line is good again', async () => (await mark(page)) === 'Good connection');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.message >> text=Anybody there?');
    await closePage(page);
  });
});

describe('the mark of the line without a server', { timeout: 3 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  test('when the server is gone', async () => {
    const page = await join(browser, server, 'Ada');
    await until('the line is good', async () => (await mark(page)) === 'Good connection');
    await server.kill('SIGKILL');
    const gone = Date.now();
    await until('there is none', async () => lost.test(await mark(page)));
    const took = Date.now() - gone;
    assert.ok(took < 10_000, `it took ${took} ms to see that the server is gone`);
    await page.waitForSelector('.notice >> text=The connection was lost');
    await page.click('.control.leave');
    await page.waitForSelector('text=You left the meeting');
    await closePage(page);
  });
});

describe('joining that gets nowhere ends with the reason', { timeout: 3 * patience }, () => {
  let browser;
  const open = [];
  before(async () => {
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await Promise.all(open.map((server) => server.stop()));
  });

  const serve = async (...flags) => {
    const server = await startServer(...flags);
    open.push(server);
    return server;
  };

  /** Waits for the end of a joining that has begun just now, and returns why it ended. */
  async function ended(page) {
    const begun = await page.evaluate(() => performance.now());
    const said = await marksOf(page);
    const over = await page.waitForFunction(() => document.querySelector('.ending h1') && performance.now());
    const took = (await over.jsonValue()) - begun;
    assert.ok(took < 20_000, `it took ${took} ms`);
    assert.deepEqual([...new Set(said)], ['Connecting…'], 'the line was never good');
    const why = (await page.locator('.ending-card').innerText()).replace(/\s+/g, ' ');
    await page.click('button:text-is("Join again")');
    await page.waitForSelector('.entry-form button:text-is("Join the meeting")');
    await closePage(page);
    return why;
  }

  // Each of them takes as long as a person has to wait, so they wait together.
  const ways = {
    async 'media finds no way'() {
      const page = await join(browser, await serve('--media-public-ip', '127.0.0.9'), 'Ada');
      assert.match(await ended(page), /^Joining took too long .*audio and video found no way through/);
    },
    async 'the server went away'() {
      const server = await serve();
      const page = await openPage(browser, server);
      await page.route('**/attendees', async (route) => {
        const answer = await route.fetch();
        server.freeze();
        await route.fulfill({ response: answer });
      });
      await page.fill('#name', 'Ada');
      await page.click('.entry-form button');
      const why = await ended(page).finally(() => server.thaw());
      assert.match(why, /^The server is not available /);
    },
    async 'a proxy lets no WebSocket through'() {
      const proxy = await startProxy();
      open.push(proxy);
      const server = await serve('--public-url', proxy.url, '--listen', `127.0.0.1:${proxy.leadsTo}`);
      assert.equal(server.url, proxy.url);
      const page = await join(browser, server, 'Ada');
      assert.match(await ended(page), /^The connection was not let through .*no WebSocket to 127\.0\.0\.1:\d+ could/);
    },
  };

  test('whatever it is', { concurrency: true }, (t) =>
    Promise.all(Object.entries(ways).map(([name, way]) => t.test(name, way))),
  );
});

describe('when it is over', { timeout: 3 * patience }, () => {
  let server, browser;
  world([], (s, b) => {
    server = s;
    browser = b;
  });

  const off = async (frozen) => {
    const page = await openPage(browser, server);
    await page.addInitScript(() => {
      window.captured = [];
      for (const method of ['getUserMedia', 'getDisplayMedia']) {
        const real = navigator.mediaDevices[method].bind(navigator.mediaDevices);
        navigator.mediaDevices[method] = async (wanted) => {
          const stream = await real(wanted);
          window.captured.push(...stream.getTracks());
          return stream;
        };
      }
    });
    await page.goto(`${server.url}/`);
    await page.fill('#name', 'Ada');
    await page.click('.entry-form button');
    await until('the line is good', async () => (await mark(page)) === 'Good connection');
    await page.click('.control:has-text("Share")');
    await page.waitForSelector('.sharing-mark:visible');
    const live = () => page.evaluate(() => window.captured.filter((track) => track.readyState === 'live').length);
    assert.ok((await live()) >= 3, 'microphone, camera and screen are on');
    if (frozen) server.freeze();
    try {
      if (frozen) await until('there is no connection', async () => lost.test(await mark(page)));
      await page.click('.control.leave');
      const left = await page.evaluate(() => performance.now());
      await page.waitForFunction(() => document.querySelector('.ending'));
      const took = (await page.evaluate(() => performance.now())) - left;
      assert.ok(took < 10_000, `leaving took ${took} ms`);
      await page.waitForSelector('text=Your camera and microphone are off');
      await until('nothing is captured any more', async () => (await live()) === 0);
    } finally {
      server.thaw();
    }
    await closePage(page);
  };

  test('camera, microphone and screen are off, as the page says', () => off(false));

  test('they are off without a server too', () => off(true));
});

describe('what an operator takes away', { timeout: 4 * patience }, () => {
  let server, browser, page, attendee, operate;
  world([], async (s, b) => {
    server = s;
    browser = b;
    operate = await asOperator(server);
  });

  /** Sets what Ada may do. */
  const allow = (audio, video, content) =>
    operate('PUT', `meetings/${attendee.meeting}/attendees/${attendee.id}/capabilities`, { audio, video, content });
  const control = (name) => page.locator('.control', { hasText: name });
  const own = () => page.locator('.tile[aria-label^="Ada (you)"]').getAttribute('aria-label');

  test('is shown to who is muted', async () => {
    page = await openPage(browser, server);
    page.on('response', async (answer) => {
      if (!answer.url().endsWith('/attendees')) return;
      const seat = await answer.json();
      attendee = { meeting: seat.meeting.MeetingId, id: seat.attendee.AttendeeId };
    });
    await page.fill('#name', 'Ada');
    await page.click('.entry-form button');
    await control(/^Mute$/).waitFor();
    await until('she is in', async () => attendee && !(await own())?.includes('muted'));

    await allow('Receive', 'SendReceive', 'SendReceive');
    await control('Muted by operator').waitFor();
    assert.equal(await control(/^Mute$/).count(), 0);
    assert.match(await own(), /^Ada \(you\), muted/);
    await control('Muted by operator').click({ force: true });
    await page.waitForSelector('.notice >> text=An operator has muted you: nobody hears you');
    assert.equal(await control('Muted by operator').getAttribute('aria-disabled'), 'true');
    await page.keyboard.press('Alt+p');
    await page.waitForSelector('.roster-row.muted:has-text("Ada (you)") >> text=muted by an operator');
    await page.keyboard.press('Escape');

    await allow('SendReceive', 'SendReceive', 'SendReceive');
    await control(/^Mute$/).waitFor();
    await until('she is heard', async () => !(await own()).includes('muted'));
    await page.keyboard.press('Alt+m');
    await control('Unmute').waitFor();
    await page.keyboard.press('Alt+m');
    await control(/^Mute$/).waitFor();
  });

  test('is shown for camera and screen', async () => {
    await control('Stop video').waitFor();
    await allow('SendReceive', 'Receive', 'None');
    await control('Video off by operator').waitFor();
    await control('Video off by operator').click({ force: true });
    await page.waitForSelector('.notice >> text=An operator has switched your camera off');
    await control('Sharing off by operator').click({ force: true });
    await page.waitForSelector('.notice >> text=An operator does not let you share');
    await until('the camera is off', async () => (await own()).includes('camera off'));
    await allow('SendReceive', 'SendReceive', 'SendReceive');
    await control('Start video').click();
    await control('Stop video').waitFor();
    await closePage(page);
  });

  test('is known from the start to who comes muted', async () => {
    const { Meeting, Attendees } = await callAPI(server, 'POST', '/meetings?operation=create-attendees', {
      ClientRequestToken: 'comes-muted',
      MediaRegion: 'us-east-1',
      ExternalMeetingId: 'comes-muted',
      Attendees: [
        { ExternalUserId: '0123456789ab#Bob', Capabilities: { Audio: 'Receive', Video: 'None', Content: 'None' } },
      ],
    });
    page = await openPage(browser, server);
    await page.route('**/attendees', async (route) => {
      const answer = await route.fetch();
      const json = { ...(await answer.json()), meeting: Meeting, attendee: Attendees[0] };
      await route.fulfill({ response: answer, json });
    });
    await page.fill('#name', 'Bob');
    await page.click('.entry-form button');
    await control('Muted by operator').waitFor();
    assert.equal(await control(/^(Mute|Unmute)$/).count(), 0);
    await closePage(page);
  });
});
