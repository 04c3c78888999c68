// Launches headless Firefox ESR. Playwright drives only a Firefox of its own
// making; over WebDriver BiDi it asks for commands that ESR lacks
// (emulation.setMediaFeaturesOverride in 1.65). So puppeteer does it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { waitFor } from './wait.mjs';

/**
 * Launches Firefox ESR, driven over WebDriver BiDi. Without a sound device its
 * audio never runs, so it gets a silent one from a sound server of its own.
 * Closing it ends both.
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
    newPage: () => firefox.newPage(),
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
