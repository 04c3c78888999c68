// Talks to the console's own JSON.

import type { AuditPage, AuditQuestion } from './auditrows';
import type { DestinationsPage, Question } from './delivery';
import type { Capabilities, Health, LogPart, RecordingFile, SessionRow } from './rows';
import type { Sheet } from './sheetrows';

export interface Session {
  signedIn: boolean;
  /** Who it is. */
  name?: string;
  /** That operator may look at everything and change nothing. */
  readOnly?: boolean;
  /** There are operators with names: the sign-in asks for one. */
  several: boolean;
  csrf?: string;
  expires?: number;
  version?: string;
  dev: boolean;
  meetingPage: boolean;
  /** There are nodes to be shown. */
  cluster: boolean;
  /** Why no meeting can be recorded; missing when one can. */
  unrecorded?: string;
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
  /** Why no meeting can be recorded; empty when one can. */
  unrecorded = '';
  /** Why nothing can be changed; empty when it can. */
  readOnly = '';
  private csrf = '';

  async session(): Promise<Session> {
    return this.keep(await this.ask<Session>('GET', 'session'));
  }

  /** Signs an operator in; without a name, the one with the operator secret. */
  async signIn(name: string, secret: string): Promise<Session> {
    return this.keep(await this.ask<Session>('POST', 'session', { name, secret }));
  }

  signOut(): Promise<void> {
    return this.ask('DELETE', 'session');
  }

  endMeeting(meeting: string): Promise<void> {
    return this.ask('POST', `meetings/${meeting}/end`);
  }

  /** What it takes to join as an attendee: the Meeting and the Attendee as the API answers them. */
  seatOf(meeting: string, attendee: string): Promise<{ Meeting: unknown; Attendee: unknown }> {
    return this.ask('POST', `meetings/${meeting}/attendees/${attendee}/seat`);
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

  /** How the nodes have fared in the last hour, or the last day. */
  health(span: 'hour' | 'day'): Promise<Health> {
    return this.ask('GET', `health?span=${span}`);
  }

  /** The last lines of a node's log, or with an empty node of all, that follow where another answer ended. */
  log(node: string, after: LogPart['last'], level: string, text: string): Promise<LogPart> {
    return this.ask('GET', `log?${new URLSearchParams({ node, after: JSON.stringify(after), level, text })}`);
  }

  /** How the server is set up. */
  sheet(): Promise<Sheet> {
    return this.ask('GET', 'sheet');
  }

  /** A page of who did what, newest first. */
  audit(question: AuditQuestion): Promise<AuditPage> {
    const asked = Object.entries(question).filter(([, value]) => value);
    return this.ask('GET', `audit?${new URLSearchParams(asked)}`);
  }

  /** Begins to record a meeting: its sound, and what is wished for besides. */
  record(meeting: string, wish: { cameras: boolean; shares: boolean }): Promise<void> {
    return this.ask('POST', `meetings/${meeting}/recordings`, wish);
  }

  stopRecording(meeting: string, recording: string): Promise<void> {
    return this.ask('POST', `meetings/${meeting}/recordings/${recording}/stop`);
  }

  joinRecording(meeting: string, recording: string): Promise<void> {
    return this.ask('POST', `meetings/${meeting}/recordings/${recording}/join`);
  }

  /** The objects of a recording, in the order in which they were made. */
  async filesOf(meeting: string, recording: string): Promise<RecordingFile[]> {
    return (await this.ask<{ files: RecordingFile[] }>('GET', `meetings/${meeting}/recordings/${recording}/files`))
      .files;
  }

  /** Where a file of a recording is played from. */
  addressOf(meeting: string, recording: string, file: number): string {
    return `${base}meetings/${meeting}/recordings/${recording}/files/${file}`;
  }

  eventsOf(meeting?: string): string {
    return base + (meeting ? `meetings/${meeting}/events` : 'events');
  }

  eventsOfNodes(): string {
    return `${base}nodes/events`;
  }

  /** The events of the list of all recordings. */
  recordingEvents(): string {
    return `${base}recordings/events`;
  }

  private keep(session: Session): Session {
    this.csrf = session.csrf ?? '';
    this.readOnly = session.readOnly ? 'Your role is read-only: you may look at everything and change nothing.' : '';
    this.unrecorded = this.readOnly || (session.unrecorded ?? '');
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
