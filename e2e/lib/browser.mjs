// Headless browsers with fake devices, and attendees inside them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import puppeteer from 'puppeteer-core';
import { bundle } from './build.mjs';

const chromiumFlags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
];

/** Serves the bundled page on a free port of localhost. */
export async function servePage() {
  const script = await bundle();
  const http = createServer((request, response) => {
    if (request.url === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    } else {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>e2e</title><body><script src="/page.js"></script>');
    }
  });
  await new Promise(done => http.listen(0, '127.0.0.1', done));
  return { url: `http://localhost:${http.address().port}/`, close: () => new Promise(done => http.close(done).closeAllConnections()) };
}

/** Launches Chromium with a profile of its own. */
export async function launchChromium(extraFlags = []) {
  const profile = await mkdtemp(join(tmpdir(), 'carillon-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium', headless: true, args: [...chromiumFlags, ...extraFlags],
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Launches Firefox ESR, driven over WebDriver BiDi. Without a sound device its
 * audio never runs, so it gets a silent one from a sound server of its own.
 */
export async function launchFirefox() {
  const sound = await startSoundServer();
  const firefox = await puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: true,
    env: { ...process.env, PULSE_SERVER: sound.address },
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'media.autoplay.blocking_policy': 0,
      'media.autoplay.block-webaudio': false,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
    },
  });
  return {
    context: firefox,
    async close() {
      await firefox.close();
      await sound.stop();
    },
  };
}

async function startSoundServer() {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-sound-'));
  const socket = join(directory, 'native');
  const child = spawn(
    'pulseaudio',
    ['-n', '--daemonize=no', '--exit-idle-time=-1', '--use-pid-file=no', '--load=module-null-sink', `--load=module-native-protocol-unix socket=${socket} auth-anonymous=1`],
    { stdio: 'ignore', env: { ...process.env, XDG_RUNTIME_DIR: directory } },
  );
  const exited = new Promise(done => child.once('exit', done));
  await waitFor('the sound server', async () => existsSync(socket));
  return {
    address: `unix:${socket}`,
    async stop() {
      child.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** One attendee in a page of its own. Every method runs in the page. */
export class Attendee {
  static async open(browser, page, name) {
    const tab = await browser.context.newPage();
    const attendee = new Attendee(tab, name);
    tab.on('console', message => attendee.log.push(`${message.type()}: ${message.text()}`));
    tab.on('pageerror', error => attendee.log.push(`pageerror: ${error.message}`));
    await tab.goto(page.url);
    await tab.waitForFunction(() => window.bundleReady);
    await tab.evaluate(() => { window.newAttendee(); });
    return attendee;
  }

  constructor(tab, name) {
    this.tab = tab;
    this.name = name;
    this.log = [];
  }

  call(method, ...args) {
    return this.tab.evaluate(([m, a]) => window.attendee[m](...a), [method, args]);
  }

  /** Calls a method of the client's own audio-video facade. */
  av(method, ...args) {
    return this.tab.evaluate(([m, a]) => { const r = window.attendee.av[m](...a); return typeof r === 'object' ? undefined : r; }, [method, args]);
  }

  snapshot() {
    return this.call('snapshot');
  }

  async join(made, who, { tone = 0, options = {}, wait = true } = {}) {
    this.id = made.attendees[who].AttendeeId;
    await this.call('join', { meeting: made.meeting, attendee: made.attendees[who], tone, options });
    if (wait) await this.event('didStart');
  }

  /** Waits until the client has reported the event, matching all of detail, count times. */
  async event(name, detail = {}, { count = 1, timeout = 30000 } = {}) {
    return this.until(
      `event ${name} ${JSON.stringify(detail)} ×${count}`,
      s => {
        const hits = s.events.filter(e => e.name === name && Object.entries(detail).every(([k, v]) => e[k] === v));
        return hits.length >= count && hits.at(-1);
      },
      timeout,
    );
  }

  /** Waits until the predicate over the snapshot gives something true, and returns it. */
  async until(what, predicate, timeout = 30000) {
    return waitFor(`${this.name}: ${what}`, async () => predicate(await this.snapshot()), timeout, async () =>
      `${JSON.stringify(await this.snapshot())}\n${this.log.slice(-30).join('\n')}`);
  }

  /** Waits until every frequency of loud is heard and none of quiet. */
  async hears(loud, quiet = [], timeout = 30000) {
    let last;
    return waitFor(
      `${this.name} hears ${loud} and not ${quiet}`,
      async () => {
        last = await this.call('hears', [...loud, ...quiet], 700);
        if (!last) return false;
        return last.slice(0, loud.length).every(v => v > -60) && last.slice(loud.length).every(v => v < -68);
      },
      timeout,
      () => `levels ${JSON.stringify(last)}`,
    );
  }

  /** Waits until the picture of an attendee has decoded this many more frames. */
  async sees(attendeeId, frames = 10, timeout = 30000) {
    const before = (await this.call('pictures'))[attendeeId]?.frames ?? 0;
    return waitFor(
      `${this.name} sees ${frames} more frames of ${attendeeId}`,
      async () => {
        const picture = (await this.call('pictures'))[attendeeId];
        return picture && (picture.frames >= before + frames || picture.frames < before) && picture;
      },
      timeout,
      async () => `${JSON.stringify(await this.call('pictures'))} ${JSON.stringify(await this.snapshot())}`,
    );
  }
}

/** Polls until probe gives something true; fails with what it last saw. */
export async function waitFor(what, probe, timeout = 30000, explain = () => '') {
  const deadline = Date.now() + timeout;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`timed out waiting: ${what}\n${await explain()}`);
    await new Promise(done => setTimeout(done, 100));
  }
}
