// Starts the real server for a test file and makes meetings through the AWS
// SDK, as a customer's backend would.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import {
  BatchCreateAttendeeCommand,
  ChimeSDKMeetingsClient,
  CreateMeetingCommand,
} from '@aws-sdk/client-chime-sdk-meetings';

const binary = new URL('../../bin/carillon', import.meta.url).pathname;

export const credentials = { accessKeyId: 'AKIAE2ETESTKEY', secretAccessKey: 'e2e-secret-key' };

/** Where media listens: loopback, or the address of a test host's own network namespace. */
const mediaHost = process.env.E2E_MEDIA_HOST ?? '127.0.0.1';

/** A TCP port nobody listens on right now. */
export async function freePort() {
  const probe = createServer();
  await new Promise(done => probe.listen(0, '127.0.0.1', done));
  const { port } = probe.address();
  await new Promise(done => probe.close(done));
  return port;
}

/** Starts `carillon serve` and resolves when it is ready; with a certificate (lib/certificate.mjs), over TLS. */
export async function startServer(flags = [], { data, port, certificate } = {}) {
  const directory = data ?? (await mkdtemp(join(tmpdir(), 'carillon-e2e-')));
  const listen = port ?? (await freePort());
  const media = await freePort();
  const child = spawn(
    binary,
    ['serve', '--listen', `127.0.0.1:${listen}`, '--data', directory, '--media-udp', `${mediaHost}:${media}`, '--media-tcp', `${mediaHost}:${media}`,
      '--access-key', credentials.accessKeyId, '--secret-key', credentials.secretAccessKey,
      ...(certificate ? ['--tls-cert', certificate.file, '--tls-key', certificate.keyFile] : []), ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk));
  const exited = new Promise(done => child.once('exit', done));
  const endpoint = `${certificate ? 'https' : 'http'}://127.0.0.1:${listen}`;
  await ready(() => isReady(endpoint, certificate), child, () => output);
  const server = {
    endpoint, certificate, media, data: directory, child, output: () => output,
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
    async stop() {
      await server.kill('SIGTERM');
      if (!data) await rm(directory, { recursive: true, force: true });
    },
  };
  return server;
}

/** Asks the server's readiness; a server that does not listen yet throws. */
async function isReady(endpoint, certificate) {
  if (!certificate) return (await fetch(`${endpoint}/readyz`)).ok;
  return new Promise((answer, refuse) => {
    get(`${endpoint}/readyz`, { ca: certificate.text }, response => answer(response.resume().statusCode === 200)).on('error', refuse);
  });
}

async function ready(isReady, child, output) {
  const deadline = Date.now() + 20000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${output()}`);
    try {
      if (await isReady()) return;
    } catch {
      // not listening yet
    }
    await new Promise(done => setTimeout(done, 25));
  }
  throw new Error(`the server is not ready after 20 s:\n${output()}`);
}

/** The stock AWS client pointed at the server. */
export function sdk(server) {
  const requestHandler = server.certificate && { httpsAgent: { ca: server.certificate.text } };
  return new ChimeSDKMeetingsClient({ region: 'us-east-1', endpoint: server.endpoint, credentials, requestHandler });
}

/** Creates a meeting and, in one call, its attendees. */
export async function makeMeeting(server, names, { meeting: extra = {}, capabilities = {} } = {}) {
  const client = sdk(server);
  const { Meeting } = await client.send(
    new CreateMeetingCommand({ ClientRequestToken: randomUUID(), MediaRegion: 'us-east-1', ExternalMeetingId: 'e2e', ...extra }),
  );
  const { Attendees, Errors } = await client.send(
    new BatchCreateAttendeeCommand({
      MeetingId: Meeting.MeetingId,
      Attendees: names.map(name => ({ ExternalUserId: name, ...(capabilities[name] && { Capabilities: capabilities[name] }) })),
    }),
  );
  if (Errors.length) throw new Error(`batch errors: ${JSON.stringify(Errors)}`);
  return { client, meeting: Meeting, attendees: Object.fromEntries(Attendees.map(a => [a.ExternalUserId, a])) };
}
