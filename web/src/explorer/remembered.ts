// What answers leave behind for the next call: the ids in them.

import type { Remembered } from './form';
import type { Flavour } from './operations';

interface Told {
  Meeting?: Record<string, string>;
  Attendee?: Record<string, string>;
  Attendees?: Record<string, string>[];
}

/** Keeps the ids of an answer's body under the names of the members they go into. */
export function remember(flavour: Flavour, text: string, keep: Remembered): void {
  let told: Told;
  try {
    told = JSON.parse(text) as Told;
  } catch {
    return;
  }
  const meeting = told.Meeting?.MeetingId;
  const found: [string, string | undefined][] = [
    ['MeetingId', meeting],
    ['ResourceARN', told.Meeting?.MeetingArn ?? (flavour === 'legacy' ? legacyArn(meeting) : undefined)],
    ['AttendeeId', told.Attendee?.AttendeeId ?? told.Attendees?.[0]?.AttendeeId],
  ];
  for (const [name, value] of found) {
    if (value) keep.set(name, value);
  }
}

/** The legacy flavour returns no ARN; this is its form for a single account. */
function legacyArn(meetingId: string | undefined): string | undefined {
  return meetingId && `arn:aws:chime:us-east-1:000000000000:meeting/${meetingId}`;
}
