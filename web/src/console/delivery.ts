// Who is told of events: package internal/observe, delivery.go, as JSON. A moment
// is Unix ms, 0 for none.

import { compareNames } from '../ui/names';
import { count, when } from './format';

/** One receiver of events and how it is doing. */
export interface Destination {
  name: string;
  /** "webhook", "sqs", "sns", "lambda" or "bus". */
  kind: string;
  waiting: number;
  bytes: number;
  oldest: number;
  /** It refuses everything. */
  circuitOpen: boolean;
  /** It has asked for no more events. */
  off: boolean;
  since: number;
  /** Why the last attempt failed. */
  trouble?: string;
}

/** An event that was given up. */
export interface Letter {
  key: string;
  destination: string;
  event: string;
  type: string;
  meeting: string;
  account: string;
  sequence: number;
  at: number;
  first: number;
  last: number;
  given: number;
  attempts: number;
  reason: string;
}

/** One event of a meeting and what has become of it at each receiver. */
export interface Told {
  id: string;
  sequence: number;
  type: string;
  at: number;
  ways: Way[];
}

/** An event's way to one receiver. */
export interface Way {
  destination: string;
  state: string;
  attempts: number;
  /** The latest attempt. */
  last: number;
  /** Why the latest attempt failed, or the event was given up. */
  answer?: string;
}

/** One way of one event, as a table has it. */
export interface TellingLine extends Omit<Told, 'ways'>, Way {}

export interface DestinationsPage {
  /** Anybody is told of events. */
  told: boolean;
  destinations: Destination[];
  letters: Letter[];
  /** There are more letters than these. */
  more: boolean;
}

/** Which dead letters or destination something is to be done about. */
export interface Question {
  filter: { key?: string; destination?: string };
  name?: string;
}

/** A destination's dead letters, oldest first; those of one that nothing is sent to now, too. */
export interface Row {
  name: string;
  destination: Destination | undefined;
  letters: Letter[];
}

/** A line for each way of each event. */
export function linesOf(told: Iterable<Told>): TellingLine[] {
  return [...told].flatMap(({ ways, ...event }) => ways.map((way) => ({ ...event, ...way })));
}

/** How an event stands with a receiver, as a pill looks. */
export function lookOf(way: Way): 'good' | 'warn' | 'bad' {
  if (way.state === 'taken') return 'good';
  return way.state === 'waiting' ? 'warn' : 'bad';
}

/** What is behind that: when and how often it was tried, and what was answered. */
export function attemptsOf(way: Way): string {
  if (way.attempts === 0) return way.answer ?? 'not tried yet';
  const often = way.attempts === 1 ? '' : `${count(way.attempts)} attempts, the last `;
  const text = `${often}at ${when(way.last)}`;
  return way.answer ? `${way.answer}, ${text}` : text;
}

/** Puts destinations and dead letters together, those in trouble first, then by name. */
export function rowsOf(page: DestinationsPage): Row[] {
  const rows = new Map<string, Row>();
  for (const d of page.destinations) rows.set(d.name, { name: d.name, destination: d, letters: [] });
  for (const letter of page.letters) {
    const name = letter.destination;
    const row = rows.get(name) ?? { name, destination: undefined, letters: [] };
    rows.set(name, row);
    row.letters.push(letter);
  }
  const weight = (row: Row) => (inTrouble(row.destination) ? 2 : 0) + (row.letters.length > 0 ? 1 : 0);
  return [...rows.values()].sort((a, b) => weight(b) - weight(a) || compareNames(a.name, b.name));
}

function inTrouble(d: Destination | undefined): boolean {
  return d !== undefined && (d.off || d.circuitOpen);
}

/** How a destination is doing, in a few words. */
export function stateOf({ destination: d, letters }: Omit<Row, 'name'>): {
  word: string;
  look: 'good' | 'warn' | 'bad';
} {
  if (!d) return { word: 'not configured now', look: 'warn' };
  if (d.off) return { word: 'wants no more', look: 'bad' };
  if (d.circuitOpen) return { word: 'refuses everything', look: 'bad' };
  if (d.waiting > 0 && d.trouble) return { word: 'trying again', look: 'warn' };
  if (letters.length > 0) return { word: 'has not taken all', look: 'warn' };
  return { word: 'takes events', look: 'good' };
}
