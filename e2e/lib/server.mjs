// Starts the real server for a browser test, as an operator would. Only Node
// itself is needed here, so that every suite can use it.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { waitFor } from './wait.mjs';

/** The program under test. */
export const binary = process.env.TESTED_CARILLON ?? resolve(import.meta.dirname, '../../bin/carillon');

/** The key pair of every server that is not in development mode. */
export const credentials = { accessKeyId: 'AKIAE2ETESTKEY', secretAccessKey: 'e2e-secret-key' };

/** Where media listens: loopback, or the address of a test host's own network namespace. */
const mediaHost = process.env.E2E_MEDIA_HOST ?? '127.0.0.1';

/** A TCP port nobody listens on right now. */
export async function freePort() {
  const probe = createServer();
  await new Promise(done => probe.listen(0, mediaHost, done));
  const { port } = probe.address();
  await new Promise(done => probe.close(done));
  return port;
}

/**
 * Starts `carillon serve` with further flags and resolves when it says that it is ready, which is when it serves.
 *
 * - data: its data directory; without one it gets one that goes when it stops.
 * - listen: host and port of its API; by default a free port of loopback.
 * - certificate: serves over TLS with it (lib/certificate.mjs).
 */
export async function startServer(flags = [], { data, listen = '127.0.0.1:0', certificate } = {}) {
  const directory = data ?? (await mkdtemp(join(tmpdir(), 'carillon-e2e-')));
  const keys = flags.includes('--dev') || flags.includes('--access-key') ? [] : ['--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey];
  const tls = certificate ? ['--tls-cert', certificate.file, '--tls-key', certificate.keyFile] : [];
  const args = [
    'serve', '--listen', listen, '--data', directory, '--media-udp', `${mediaHost}:0`, '--media-tcp', `${mediaHost}:0`, ...keys, ...tls, ...flags,
  ];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', chunk => (output += chunk));
  const exited = new Promise(done => child.once('exit', done));
  const url = await waitFor(
    'the server to be ready',
    async () => {
      if (child.exitCode !== null || child.signalCode) throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${output}`);
      return /ready .*?API (https?:\/\/[^\s,]+)/.exec(output)?.[1];
    },
    { timeout: 60_000, explain: () => output },
  );
  return {
    url,
    certificate,
    data: directory,
    output: () => output,
    running: () => child.exitCode === null && !child.signalCode,
    /** Stops the process where it stands: its connections stay open and nobody answers. */
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    /** Sends a signal and resolves when the server is gone. */
    async kill(signal) {
      child.kill(signal);
      child.kill('SIGCONT'); // a frozen server would hear of it only when thawed
      await exited;
    },
    /** Stops the server in good order, and removes its data if it was made here. */
    async stop() {
      await this.kill('SIGTERM');
      if (!data) await rm(directory, { recursive: true, force: true });
    },
  };
}
