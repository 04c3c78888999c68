// What was measured of a connection, in words.

import type { Fact } from './facts';
import type { Point, SessionRow, Timing } from './rows';

const milestones: [keyof Omit<Timing, 'timedOut'>, string][] = [
  ['socket', 'socket'],
  ['joinAck', 'JOIN'],
  ['subscribeAck', 'SUBSCRIBE'],
  ['ice', 'ICE'],
  ['firstAudio', 'first audio'],
];

/** The client's own account of its start; empty when it gave none. */
export function timingWords(timing: Timing = {}): string {
  const words = milestones.flatMap(([key, name]) => (timing[key] ? [`${name} ${timing[key]} ms`] : []));
  if (timing.timedOut) words.push('gave up waiting');
  return words.join(', ');
}

/** A bit rate: "900 kbit/s", "2.5 Mbit/s". */
export function rate(kbps: number): string {
  return kbps >= 1000 ? `${(kbps / 1000).toFixed(1)} Mbit/s` : `${Math.round(kbps)} kbit/s`;
}

/** What is known of a connection beside its charts; of one that is up also what the newest moment says. */
export function measuredFacts(s: SessionRow, point: Point | undefined): Fact[] {
  const facts: Fact[] = [];
  const timing = timingWords(s.timing);
  if (timing) facts.push(['Start, by the client', timing]);
  if (s.signalingRtt) facts.push(['Signaling round trip', `${s.signalingRtt} ms`]);
  if (s.state !== 'connected' || !point) return facts;
  if (point.rtt) facts.push(['Media round trip', `${point.rtt} ms`]);
  if (point.available) facts.push(['Bandwidth to client', rate(point.available)]);
  if (point.concealing) facts.push(['Audio from client', 'gaps are being filled']);
  return facts;
}
