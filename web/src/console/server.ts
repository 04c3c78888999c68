// Talks to the console's own JSON.

import type { DestinationsPage, Question } from './delivery';
import type { Capabilities, SessionRow } from './rows';

export interface Session {
  signedIn: boolean;
  csrf?: string;
  expires?: number;
  version?: string;
  dev: boolean;
  meetingPage: boolean;
  /** There are nodes to be shown. */
  cluster: boolean;
}

/** A refusal with a sentence that can be shown; status 0 when there was no answer at all. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

const base = '/operator/api/';

/** How long an answer may take, in ms. */
const patience = 10_000;

export class Server {
  private csrf = '';

  async session(): Promise<Session> {
    return this.keep(await this.ask<Session>('GET', 'session'));
  }

  async signIn(secret: string): Promise<Session> {
    return this.keep(await this.ask<Session>('POST', 'session', { secret }));
  }

  signOut(): Promise<void> {
    return this.ask('DELETE', 'session');
  }

  endMeeting(meeting: string): Promise<void> {
    return this.ask('POST', `meetings/${meeting}/end`);
  }

  removeAttendee(meeting: string, attendee: string): Promise<void> {
    return this.ask('POST', `meetings/${meeting}/attendees/${attendee}/remove`);
  }

  setCapabilities(meeting: string, attendee: string, capabilities: Capabilities): Promise<void> {
    return this.ask('PUT', `meetings/${meeting}/attendees/${attendee}/capabilities`, capabilities);
  }

  /** An attendee's connections in full, oldest first. */
  history(meeting: string, attendee: string): Promise<{ sessions: SessionRow[] }> {
    return this.ask('GET', `meetings/${meeting}/attendees/${attendee}/history`);
  }

  /** Who is told of events, and what was given up. */
  destinations(): Promise<DestinationsPage> {
    return this.ask('GET', 'destinations');
  }

  /** Does something about events: replay or drop dead letters, resume a destination. */
  deliver(action: 'replay' | 'drop' | 'resume', question: Question): Promise<{ count?: number }> {
    return this.ask('POST', `destinations/${action}`, question);
  }

  eventsOf(meeting?: string): string {
    return base + (meeting ? `meetings/${meeting}/events` : 'events');
  }

  eventsOfNodes(): string {
    return `${base}nodes/events`;
  }

  private keep(session: Session): Session {
    this.csrf = session.csrf ?? '';
    return session;
  }

  private async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const headers: Record<string, string> = {};
    if (method !== 'GET') headers['X-Carillon-Csrf'] = this.csrf;
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    let answer: Response;
    try {
      answer = await fetch(base + path, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        signal: AbortSignal.timeout(patience),
      });
    } catch (error) {
      const frozen = error instanceof DOMException && error.name === 'TimeoutError';
      throw new Refusal(frozen ? 'The server does not answer.' : 'The server cannot be reached.', 0);
    }
    const data: unknown = answer.status === 204 ? undefined : await answer.json().catch(() => undefined);
    if (!answer.ok) {
      const sentence = (data as { error?: string } | undefined)?.error;
      throw new Refusal(sentence ?? `The server answered with status ${answer.status}.`, answer.status);
    }
    return data as T;
  }
}
