// Launches headless Chromium with fake devices.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
];

/**
 * Launches Chromium with a profile of its own, which goes when it is closed.
 *
 * - framesPerSecond: of its camera. A machine that runs several browsers encodes all of them.
 * - within: the network namespace to run in.
 */
export async function launchChromium(extraFlags = [], { framesPerSecond = 20, within } = {}) {
  const args = [...flags, `--use-fake-device-for-media-stream=fps=${framesPerSecond}`, ...extraFlags];
  if (!within) return chromium.launch({ executablePath, args });
  const directory = await mkdtemp(join(tmpdir(), 'carillon-chromium-'));
  const command = join(directory, 'chromium');
  await writeFile(command, `#!/bin/sh\nexec ip netns exec ${within} ${executablePath} "$@"\n`, { mode: 0o755 });
  const browser = await chromium.launch({ executablePath: command, args });
  browser.on('disconnected', () => rm(directory, { recursive: true, force: true }));
  return browser;
}
