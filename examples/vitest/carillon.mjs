// A server for tests: `carillon serve --test-mode`, or the one that AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS names, as in CI. Copy this file.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { test as base } from 'vitest';

/** Starts a server on a free port. TESTED_CARILLON names its binary; by default it is looked for on the path. */
export async function startCarillon(...flags) {
  const given = process.env.AWS_ENDPOINT_URL_CHIME_SDK_MEETINGS;
  if (given) return new Carillon(given);
  // It stops when its standard input ends: with stop, and with this process, however that ends.
  const args = ['serve', '--test-mode', '--test-stop-at-eof', '--listen', '127.0.0.1:0', '--media-tcp', 'off', '--log-level', 'error', ...flags];
  const child = spawn(process.env.TESTED_CARILLON ?? 'carillon', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const endpoint = await new Promise((found, failed) => {
    child.once('error', failed).once('exit', code => failed(new Error(`carillon ended with ${code}`)));
    createInterface({ input: child.stdout }).on('line', line => {
      const [, url] = /ready in .*API (\S+)/.exec(line) ?? [];
      if (url) found(url);
    });
  });
  process.once('disconnect', () => child.stdin.end()); // Vitest was killed: its workers would go on to the end of their test
  return new Carillon(endpoint, child);
}

export class Carillon {
  constructor(endpoint, child) {
    Object.assign(this, { endpoint, child });
  }

  /** Options for a client of the AWS SDK. */
  get sdk() {
    return { endpoint: this.endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  }

  /** Moves the clock forward, as by '10m'; what was due by then has happened. */
  advance(by) {
    return this.call('POST', 'clock', { advance: by });
  }

  /** Has calls fail or wait: { operation, error, status, message, retryAfter, delay, calls, flavour, account }. */
  fail(fault) {
    return this.call('POST', 'faults', fault);
  }

  /** Refuses the next calls of an operation as too many. */
  throttle(operation, calls) {
    return this.fail({ operation, error: 'ThrottledClientException', calls });
  }

  /** Breaks the connection of an attendee's client as a failing line would. */
  drop(meetingId, attendeeId) {
    return this.call('POST', `meetings/${meetingId}/attendees/${attendeeId}/drop`);
  }

  /** Ends a meeting. */
  end(meetingId) {
    return this.call('POST', `meetings/${meetingId}/end`);
  }

  /** The events so far, or as soon as there is one: { type, meeting, attendee, after, wait }. */
  async events(filter = {}) {
    return (await this.call('GET', `events?${new URLSearchParams(filter)}`)).events;
  }

  /** Ends all meetings and recordings, takes all faults away and sets the clock back. */
  reset() {
    return this.call('POST', 'reset');
  }

  async call(method, path, body) {
    const answer = await fetch(`${this.endpoint}/test/v1/${path}`, { method, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  }

  async stop() {
    if (!this.child || this.child.exitCode !== null) return;
    const ended = new Promise(done => this.child.once('exit', done));
    this.child.stdin.end();
    await ended;
  }
}

/** Vitest's test, with one server for each file; it is as new for each test, so tests of one file must not be concurrent. */
export const test = base.extend({
  server: [async ({}, use) => {
    const server = await startCarillon();
    await use(server);
    await server.stop();
  }, { scope: 'file' }],
  carillon: async ({ server }, use) => {
    await server.reset();
    await use(server);
  },
});
