// Talks to the demo backend, the way any page talks to its own backend.

/** What an attendee may do, in the API's words. */
export interface Capabilities {
  Audio?: string;
  Video?: string;
  Content?: string;
}

export interface Seat {
  code: string;
  /** The Meeting and Attendee of the API, handed on to the SDK. */
  meeting: Record<string, unknown> & { MeetingId: string };
  attendee: Record<string, unknown> & { AttendeeId: string; ExternalUserId?: string; Capabilities?: Capabilities };
}

/** A refusal with a sentence that can be shown. */
export class Refusal extends Error {}

/** Asks for a fresh meeting code. */
export async function startMeeting(): Promise<string> {
  return (await post<{ code: string }>('/demo/meetings', {})).code;
}

/** Takes a seat in the meeting with the code. */
export function takeSeat(code: string, name: string): Promise<Seat> {
  return post<Seat>(`/demo/meetings/${encodeURIComponent(code)}/attendees`, { name, who: visitor() });
}

/** Asks what the seat's owner may do now. */
export function askRights(seat: Seat): Promise<Capabilities> {
  const { MeetingId: meeting } = seat.meeting;
  const { AttendeeId: attendee } = seat.attendee;
  return post<Capabilities>(`/demo/meetings/${encodeURIComponent(seat.code)}/rights`, {
    who: visitor(),
    meeting,
    attendee,
  });
}

/** How long an answer may take, in ms. */
const patience = 15_000;

async function post<T>(path: string, body: unknown): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    });
  } catch {
    throw new Refusal('The server cannot be reached. Check your network and try again.');
  }
  const data = (await answer.json().catch(() => ({}))) as { error?: string };
  if (!answer.ok) throw new Refusal(data.error ?? `The server answered with status ${answer.status}.`);
  return data as T;
}

/**
 * A secret of this tab. Coming back after a reload with the same one finds the
 * same seat; a second tab is a second person.
 */
function visitor(): string {
  const key = 'carillon-visitor';
  let id = sessionStorage.getItem(key);
  if (!id) {
    id = [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, '0')).join('');
    sessionStorage.setItem(key, id);
  }
  return id;
}
