// Reads a Meeting and an Attendee in the form of the API's answers, as people
// paste them.

import type { Seat } from './backend';

/** What was pasted: a seat, or why it is none. */
export type Pasted = { seat: Seat; problem?: undefined } | { seat?: undefined; problem: string };

type Members = Record<string, unknown>;

/** Finds both in texts, of which each may hold one of them or both. */
export function seatIn(...texts: string[]): Pasted {
  let meeting: Members | undefined;
  let attendee: Members | undefined;
  for (const text of texts) {
    if (!text.trim()) continue;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return { problem: 'This is not JSON. Paste the answer as it came, with its braces.' };
    }
    meeting ??= find(value, isMeeting);
    attendee ??= find(value, isAttendee);
  }
  if (!meeting) return { problem: 'The Meeting is missing: an object with MeetingId and MediaPlacement.' };
  if (!attendee) return { problem: 'The Attendee is missing: an object with AttendeeId and JoinToken.' };
  const name = attendee.ExternalUserId;
  if (name !== undefined && name !== null && typeof name !== 'string')
    return { problem: 'The ExternalUserId of the Attendee is not a text.' };
  return { seat: { code: '', meeting: meeting as Seat['meeting'], attendee: attendee as Seat['attendee'] } };
}

function isMeeting(o: Members): boolean {
  return typeof o.MeetingId === 'string' && typeof o.MediaPlacement === 'object' && o.MediaPlacement !== null;
}

function isAttendee(o: Members): boolean {
  return typeof o.AttendeeId === 'string' && typeof o.JoinToken === 'string';
}

/** How deep an answer may hold what is looked for. */
const depth = 4;

/** The first object, from the outside in, that is what is looked for. */
function find(value: unknown, is: (o: Members) => boolean, left = depth): Members | undefined {
  if (typeof value !== 'object' || value === null || left === 0) return undefined;
  if (is(value as Members)) return value as Members;
  for (const member of Object.values(value)) {
    const found = find(member, is, left - 1);
    if (found) return found;
  }
  return undefined;
}

/** The host that a meeting's signaling is at, when it is another than this page's; empty otherwise. */
export function foreignHost(seat: Seat, host: string): string {
  const { SignalingUrl: url } = seat.meeting.MediaPlacement as { SignalingUrl?: unknown };
  try {
    const there = new URL(String(url)).host;
    return there === host ? '' : there;
  } catch {
    return String(url);
  }
}
