// The objects that come from the server: package internal/observe, as JSON. Go
// and TypeScript are compared by the same golden files, in
// internal/console/testdata. A moment is Unix ms, 0 for none; a length of time
// is ms; "in" is from the client to the server.

export interface Tag {
  key: string;
  value: string;
}

export interface MeetingRow {
  id: string;
  external: string;
  meetingHostId?: string;
  account: string;
  region: string;
  flavour: string;
  mediaRegion: string;
  primary?: string;
  tenantIds?: string[];
  created: number;
  ended: number;
  /** Why it ended. */
  reason?: string;
  /** Who ended it: "key:…" or "operator:…"; missing when it ended by itself. */
  endedBy?: string;
  attendees: number;
  tags: Tag[];
  features?: Features;
  /** Of its own, ms; 0 is what holds for all meetings. */
  timers: { idle: number; maxAge: number };
  /** Targets of its events, as ARNs, that nothing can be sent to. */
  unreached?: string[];
  /** The node that carries the media; empty before somebody has connected. */
  host: string;
  connected: number;
  audio: number;
  video: number;
  content: number;
  /** Whole attendee-minutes. */
  minutes: number;
  /** Connections that failed while joining. */
  failures: number;
}

/** The MeetingFeatures as the creator gave them. */
export interface Features {
  echoReduction?: string;
  videoMax?: string;
  contentMax?: string;
  maxCount?: number;
}

/** What a client gets through while joining, in this order. */
export const stepNames = ['token', 'socket', 'join', 'subscribe', 'ice', 'dtls', 'audio'] as const;

export type StepName = (typeof stepNames)[number];

export interface Step {
  name: StepName;
  at: number;
  fault?: string;
}

export const states = ['joining', 'connected', 'left', 'dropped', 'failed', 'removed', 'replaced'] as const;

/** Where a connection is in its life. */
export type State = (typeof states)[number];

/** How good a connection has been: percent and ms, over all its samples. */
export interface Quality {
  samples: number;
  lossIn: number;
  lossInMax: number;
  lossOut: number;
  lossOutMax: number;
  rtt: number;
  rttMax: number;
  /** Samples with a weak or lost signal. */
  weak: number;
  /** Samples in which sound from the client had to be made up. */
  concealed: number;
}

export interface SessionRow {
  /** Names it in samples. */
  key: string;
  attendee: string;
  external: string;
  content: boolean;
  state: State;
  /** Why it ended. */
  reason?: string;
  opened: number;
  ended: number;
  remote: string;
  client: string;
  steps: Step[];
  timing?: Timing;
  /** Of the whole connection. */
  quality?: Quality;
  /** Of the signaling connection; missing when not known. */
  signalingRtt?: number;
  /** By the client, or for want of the capability. */
  muted: boolean;
  /** For want of the capability: unmuting in the client has no effect. */
  silenced: boolean;
  video: boolean;
  /** Only where one attendee is shown in full, and while the connection is up. */
  now?: Now;
  /** Only where one attendee is shown in full: the last minutes, oldest first. */
  samples?: Point[];
}

/** The client's own account of its start: how long after it each came. */
export interface Timing {
  socket?: number;
  joinAck?: number;
  subscribeAck?: number;
  ice?: number;
  firstAudio?: number;
  timedOut?: boolean;
}

export interface Now {
  /** dB below full scale, 127 is silence. */
  level: number;
  /** 0 lost, 1 weak, 2 good. */
  signal: number;
  stats: Stats;
}

/** What media has counted since the connection began. */
export interface Stats {
  protocol: string;
  remote: string;
  connected: boolean;
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  discarded: number;
  audioLevel: number;
  audioConcealed: number;
  audioLate: number;
  audioBuffered: number;
  uplinkLoss: number;
  downlinkLoss: number;
  rtt: number;
  videoKbpsIn: number;
  videoKbpsOut: number;
  nacksIn: number;
  nacksOut: number;
  retransmitted: number;
  plisIn: number;
  plisOut: number;
  availableKbps: number;
  watching: number;
}

/** What somebody may do, in the API's spelling. */
export interface Capabilities {
  audio: string;
  video: string;
  content: string;
}

export interface AttendeeRow {
  id: string;
  external: string;
  /** Of creation, from 1. */
  order: number;
  /** Removed before the meeting ended; the name stays. */
  deleted?: boolean;
  /** Missing when not known. */
  capabilities?: Capabilities;
  /** Who changed the capabilities last; missing when nobody has. */
  capabilitiesBy?: string;
  tags: Tag[];
  /** Of the person's newest session; empty when there was none. */
  state: State | '';
  sessions: SessionRow[];
}

export interface RecordRow {
  id: string;
  at: number;
  kind: string;
  actor: string;
  detail: string;
  attendee?: string;
  /** That attendee's name, also after its removal. */
  external?: string;
}

/** A node of the cluster, as the one that is asked sees it. */
export interface NodeRow {
  /** Its name. */
  id: string;
  /** The one that is asked. */
  here: boolean;
  /** Heard of a moment ago. */
  live: boolean;
  /** The one that moves slots. */
  leader: boolean;
  /** Hands its slots over. */
  draining: boolean;
  slots: number;
  /** Slots that are to be handed over to it. */
  arriving: number;
  connected: number;
  address: string;
  version: string;
  /** Since it was last heard of. */
  silent: number;
  /** Streams of the store that it has a copy of, and copies that lack something; -1 when that cannot be told. */
  copies: number;
  behind: number;
}

/** What the page of the nodes' health is told. */
export interface Health {
  /** The server's time. */
  now: number;
  nodes: Vitals[];
}

/** How one node has fared lately: a column for each thing that is measured. */
export interface Vitals {
  /** Its name. */
  id: string;
  /** The one that is asked. */
  here: boolean;
  /** Why there is nothing of it, as a sentence. */
  fault?: string;
  /** Processors that it may use. */
  cores: number;
  /** Of its machine, in bytes; 0 when that cannot be told. */
  memory: number;
  /** Between two moments, when nothing was in the way, ms. */
  step: number;
  /** Oldest first; missing of a node that does not answer. */
  at: number[] | null;
  /** Each as long as `at`; null where the figure could not be had. */
  columns: Record<string, (number | null)[]> | null;
}

/** Lines of the log of a node, or of all nodes in the order of time. */
export interface LogPart {
  /** The latest line that was looked at, of each node by its name: where to go on. */
  last: Record<string, number>;
  /** Lines that were asked for are left off, or are not kept any more. */
  cut: boolean;
  lines: LogLine[];
  /** The nodes of a cluster that did not answer. */
  silent?: string[];
}

export interface LogLine {
  /** Whose log it is in. */
  node: string;
  /** Grows from line to line of a node. */
  id: number;
  line: { time: string; level: string; msg: string; [field: string]: unknown };
}

/** A join that was refused for its token. */
export interface RefusalRow {
  id: string;
  at: number;
  remote: string;
  words: string;
}

/** A media pipeline: a capture, or the concatenation of what one has recorded. */
export interface RecordingRow {
  id: string;
  meeting: string;
  /** The meeting's ExternalMeetingId. */
  external: string;
  kind: 'capture' | 'concatenation';
  /** As the API spells it. */
  status: string;
  /** Why it has failed. */
  failure?: string;
  /** Of a concatenation: the capture. */
  source?: string;
  created: number;
  /** When the status became what it is. */
  updated: number;
  bucket: string;
  prefix: string;
  /** Bytes that are not stored yet. */
  waiting: number;
  streams: RecordingStream[];
}

/** The objects of a recording that belong together. */
export interface RecordingStream {
  /** "audio", "data-channel", "meeting-events", or "video/" and the attendee. */
  name: string;
  type: string;
  /** Of the pictures; empty for none. */
  codec: string;
  files: number;
  /** The number of its first file. */
  first: number;
  bytes: number;
  /** Of all its files together, ms. */
  length: number;
}

/** One object of a recording. */
export interface RecordingFile {
  number: number;
  stream: string;
  name: string;
  type: string;
  bytes: number;
  start: number;
  length: number;
  /** In the store; until then it lies in the server's spool. */
  stored: boolean;
}

/** A moment of a connection. */
export interface Point {
  at: number;
  /** dB below full scale, 127 is silence. */
  level: number;
  /** 0 lost, 1 weak, 2 good. */
  signal: number;
  /** Percent, to a tenth. */
  lossIn: number;
  lossOut: number;
  /** Of the media connection, 0 when not known. */
  rtt: number;
  /** Of video. */
  kbpsIn: number;
  kbpsOut: number;
  /** What the way to the client is thought to carry, in kbit/s; 0 when not known. */
  available: number;
  /** Audio from the client had to be made up. */
  concealing?: boolean;
}

export interface Sample {
  at: number;
  points: Record<string, Point>;
}

/** Follows every reading of the server's, good or bad. */
export interface Beat {
  at: number;
  /** When the next one is due, in ms. */
  every: number;
  /** Why the server could not read what it should show, as a sentence. */
  fault?: string;
}
