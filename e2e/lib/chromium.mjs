// Launches headless Chromium with fake devices.
import { chromium } from 'playwright-core';

const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--disable-renderer-backgrounding', '--disable-background-timer-throttling',
];

/**
 * Launches Chromium with a profile of its own, which goes when it is closed.
 * The camera makes so many frames a second: a machine that runs several
 * browsers encodes all of them.
 */
export function launchChromium(extraFlags = [], { framesPerSecond = 20 } = {}) {
  return chromium.launch({ executablePath, args: [...flags, `--use-fake-device-for-media-stream=fps=${framesPerSecond}`, ...extraFlags] });
}
