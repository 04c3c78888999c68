// The app with its backend, and people who open it in a real browser, for tests.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
  '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream=fps=10', '--autoplay-policy=no-user-gesture-required',
  '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
];

export class App {
  /** Starts the backend on a free port for a folder with a page, and a browser; CHROMIUM_FLAGS are further flags of it. */
  static async start(folder = import.meta.dirname) {
    const app = new App();
    const backend = fileURLToPath(new URL('backend.mjs', import.meta.url));
    app.backend = spawn('node', [backend, folder], { env: { ...process.env, PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: app.backend.stdout }), 'line');
    app.address = line.replace('open ', '');
    const more = process.env.CHROMIUM_FLAGS?.split(' ') ?? [];
    app.browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...flags, ...more] });
    return app;
  }

  async stop() {
    await this.browser?.close();
    this.backend.kill();
  }

  /** Opens the page and joins the meeting by a name. */
  async enter(name) {
    const page = await this.browser.newPage();
    page.setDefaultTimeout(120_000); // only tells a hang from a busy machine
    await page.goto(this.address);
    await page.fill('[name=title]', 'standup');
    await page.fill('[name=name]', name);
    await page.click('text=Join');
    await page.waitForSelector('text=connected');
    return page;
  }

  /** Makes a call of the server's test mode. */
  async testMode(method, path) {
    const answer = await fetch(`${process.env.AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS}/test/v1/${path}`, { method });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  /** Waits until the page shows so many moving pictures. */
  pictures(page, n) {
    return page.waitForFunction(n => [...document.querySelectorAll('video')].filter(v => v.videoWidth > 0 && v.currentTime > 0).length === n, n);
  }
}
