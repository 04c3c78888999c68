// What is being said, as lines of one person each. It reads the transcript
// events of the meeting SDK.

import type {
  Transcript,
  TranscriptEvent,
  TranscriptItem,
  TranscriptionStatus,
  TranscriptResult,
} from 'amazon-chime-sdk-js';
import { nameOf } from '../ui/names';

/** What one person says in one go. */
export interface Caption {
  /** The same while the line grows. */
  id: string;
  attendee: string;
  name: string;
  text: string;
  /** It may still change. */
  partial: boolean;
  /** When it last changed, by performance.now(). */
  at: number;
}

/** Live captions. */
export interface Captions {
  /** Somebody writes down what is said. */
  running: boolean;
  /** This person wants to read it. */
  wanted: boolean;
  lines: Caption[];
}

/** How many lines are kept. */
const kept = 200;

/** Takes an event into what is known and returns what is known then. */
export function heard(known: Captions, event: TranscriptEvent, now: number): Captions {
  if ('type' in event) return { ...known, running: runs(event, known.running) };
  let lines = known.lines;
  for (const result of (event as Transcript).results ?? []) lines = withResult(lines, result, now);
  return { ...known, running: true, lines: lines.slice(-kept) };
}

function runs({ type }: TranscriptionStatus, before: boolean): boolean {
  switch (String(type)) {
    case 'started':
    case 'resumed':
    case 'interrupted': // it is expected back
      return true;
    case 'stopped':
    case 'failed':
      return false;
  }
  return before;
}

/** A result takes the place of what an earlier one of the same id said. */
function withResult(lines: Caption[], result: TranscriptResult, now: number): Caption[] {
  const said = result.alternatives?.[0]?.items ?? [];
  const next = [...lines];
  for (const [attendee, items] of bySpeaker(said)) {
    const line: Caption = {
      id: `${result.resultId}/${attendee}`,
      attendee,
      name: nameOf(items[0]?.attendee?.externalUserId ?? '') || 'Somebody',
      text: sentence(items),
      partial: result.isPartial,
      at: now,
    };
    const at = next.findIndex((one) => one.id === line.id);
    if (!line.text) continue;
    if (at < 0) next.push(line);
    else next[at] = line;
  }
  return next;
}

function bySpeaker(items: TranscriptItem[]): Map<string, TranscriptItem[]> {
  const speakers = new Map<string, TranscriptItem[]>();
  for (const item of items) {
    const id = item.attendee?.attendeeId ?? '';
    const own = speakers.get(id) ?? [];
    own.push(item);
    speakers.set(id, own);
  }
  return speakers;
}

/** Words with spaces between them, and marks without one before. */
function sentence(items: TranscriptItem[]): string {
  let text = '';
  for (const { type, content } of items) {
    if (text && String(type) !== 'punctuation') text += ' ';
    text += content;
  }
  return text.trim();
}

/** How long a line stays on screen after it last changed, in ms. */
const shownFor = 8000;

/** The lines to be on screen at a moment: the last few that are fresh. */
export function onScreen(lines: Caption[], now: number): Caption[] {
  return lines.filter((line) => now - line.at < shownFor).slice(-3);
}
