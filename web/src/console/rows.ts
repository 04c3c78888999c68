// The objects that come over the feeds. Times are Unix ms, 0 for none.

import type { Capabilities } from './server';

export interface Tag {
  key: string;
  value: string;
}

export interface MeetingRow {
  id: string;
  external: string;
  account: string;
  region: string;
  flavour: string;
  mediaRegion: string;
  primary?: string;
  host: string;
  created: number;
  ended: number;
  reason?: string;
  attendees: number;
  connected: number;
  audio: number;
  video: number;
  content: number;
  minutes: number;
  faults: number;
  tags: Tag[];
  features: { label: string; value: string }[];
}

export interface Step {
  name: string;
  at: number;
  fault?: string;
}

export interface SessionRow {
  key: string;
  content: boolean;
  state: string;
  opened: number;
  ended: number;
  remote: string;
  client: string;
  muted: boolean;
  video: boolean;
  /** Why it ended. */
  reason?: string;
  steps: Step[];
}

export interface AttendeeRow {
  id: string;
  external: string;
  order: number;
  deleted?: boolean;
  capabilities?: Capabilities;
  tags: Tag[];
  state: string;
  sessions: SessionRow[];
}

export interface RecordRow {
  id: string;
  at: number;
  kind: string;
  actor: string;
  detail: string;
  attendee?: string;
}

/** A join that was refused for its token. */
export interface RefusalRow {
  id: string;
  at: number;
  remote: string;
  words: string;
}

/** Level in dB below full scale, loss in tenths of a percent, video rates in kbit/s, trip in ms. */
export interface Point {
  at: number;
  level: number;
  lossIn: number;
  lossOut: number;
  rateIn: number;
  rateOut: number;
  trip: number;
}

export interface Sample {
  at: number;
  points: Record<string, Point>;
}
