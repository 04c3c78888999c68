// One recording: how it is doing, the joined files, and the pieces.

import { attribute, type Drawn, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { playtime, size, when } from './format';
import { play } from './player';
import type { RecordingRow, RecordingStream } from './rows';
import type { Server } from './server';

/** A capture with what was made of it. */
export interface Shelf {
  capture: RecordingRow;
  joins: RecordingRow[];
  nameOf(attendee: string): string;
}

/** The captures among the rows, the newest first, each with what was made of it. */
export function shelvesOf(rows: RecordingRow[], nameOf: (attendee: string) => string): Shelf[] {
  const joins = new Map<string, RecordingRow[]>();
  for (const row of [...rows].sort((a, b) => a.created - b.created)) {
    if (row.source) joins.set(row.source, [...(joins.get(row.source) ?? []), row]);
  }
  return rows
    .filter((row) => row.kind === 'capture')
    .sort((a, b) => b.created - a.created)
    .map((capture) => ({ capture, joins: joins.get(capture.id) ?? [], nameOf }));
}

const words: Record<string, string> = {
  Initializing: 'Beginning',
  InProgress: 'Recording',
  Stopping: 'Being stored',
  Stopped: 'Stored',
  Failed: 'Failed',
};

export class RecordingCard implements Drawn<Shelf> {
  readonly element: HTMLElement;
  private readonly state = el('span', { class: 'pill' });
  private readonly facts = el('span', { class: 'soft' });
  private readonly trouble = el('p', { class: 'note bad', hidden: true });
  private readonly joined = el('ul', { class: 'files' });
  private readonly joinedWord = el('p', { class: 'soft' });
  private readonly join: HTMLButtonElement;
  private readonly pieces = el('ul', { class: 'files' });
  private readonly piecesWord = el('summary', {});
  private readonly meeting: string;
  private shown = '';
  private capture = '';

  /** withMeeting has the card name the meeting, with a link to it. */
  constructor(
    private readonly server: Server,
    { capture }: Shelf,
    withMeeting: boolean,
  ) {
    this.meeting = capture.meeting;
    this.join = el(
      'button',
      { class: 'button small', type: 'button', on: { click: () => void this.joinNow() } },
      'Join the pieces',
    );
    this.element = el(
      'li',
      { class: 'recording' },
      withMeeting &&
        el(
          'a',
          { class: 'recording-meeting', href: `/operator/meetings/${capture.meeting}`, 'data-local': true },
          capture.external || 'Meeting without a name',
        ),
      el('p', { class: 'recording-head' }, this.state, this.facts),
      this.trouble,
      this.joined,
      el('div', { class: 'recording-join' }, this.joinedWord, this.join),
      el('details', { class: 'pieces' }, this.piecesWord, this.pieces),
    );
  }

  draw(shelf: Shelf): void {
    const key = JSON.stringify([shelf.capture, shelf.joins]);
    if (key === this.shown) return;
    this.shown = key;
    const { capture, joins } = shelf;
    this.capture = capture.id;
    attribute(this.state, 'data-state', capture.status === 'InProgress' ? 'recording' : capture.status.toLowerCase());
    setText(this.state, words[capture.status] ?? capture.status);
    setText(this.facts, factsOf(capture));
    this.say(capture.failure ?? '');
    this.drawJoined(shelf);
    const bytes = capture.streams.reduce((sum, s) => sum + s.bytes, 0);
    const files = capture.streams.reduce((sum, s) => sum + s.files, 0);
    setText(this.piecesWord, `${files} ${files === 1 ? 'piece' : 'pieces'}, ${size(bytes)}`);
    fill(this.pieces, ...capture.streams.map((s) => this.line(capture, s, shelf)));
    this.joinedWord.hidden = joins.length === 0;
  }

  private drawJoined(shelf: Shelf): void {
    const { capture, joins } = shelf;
    const done = joins.filter((j) => j.streams.length > 0);
    const busy = joins.some((j) => j.status === 'Initializing' || j.status === 'InProgress');
    const over = capture.status === 'Stopped' || capture.status === 'Failed';
    fill(this.joined, ...done.flatMap((j) => j.streams.map((s) => this.line(j, s, shelf))));
    this.join.hidden = this.server.readOnly !== '' || busy || done.length > 0 || capture.streams.length === 0;
    const failed = joins.at(-1)?.failure ?? '';
    setText(
      this.joinedWord,
      busy ? (over ? 'The pieces are being joined…' : 'The pieces are joined when the recording ends.') : failed,
    );
  }

  private line(of: RecordingRow, stream: RecordingStream, { nameOf }: Shelf): HTMLElement {
    const name = streamName(stream, nameOf);
    const media = stream.type.startsWith('video/');
    const several = stream.files > 1 && of.kind === 'capture' ? ` · ${stream.files} pieces` : '';
    const length = media ? `${playtime(stream.length)} · ` : '';
    const start = el(
      'button',
      { class: 'plain', type: 'button', on: { click: () => void this.play(of, stream, name) } },
      icon('play', 18),
      'Play',
      el('span', { class: 'unseen' }, ` ${name}`),
    );
    const save = el(
      'a',
      { class: 'plain', href: `${this.server.addressOf(this.meeting, of.id, stream.first)}?download`, download: true },
      icon('download', 18),
      'Download',
      el('span', { class: 'unseen' }, ` ${name}`),
    );
    return el(
      'li',
      { class: 'file' },
      el('span', { class: 'file-name' }, name),
      el('span', { class: 'soft file-facts' }, `${length}${size(stream.bytes)}${several}`),
      media ? start : null,
      of.kind === 'concatenation' || !media ? save : null,
    );
  }

  private async play(of: RecordingRow, stream: RecordingStream, title: string): Promise<void> {
    try {
      const files = (await this.server.filesOf(this.meeting, of.id)).filter((file) => file.stream === stream.name);
      if (files.length === 0) return;
      play({
        title,
        files,
        pictures: stream.codec !== '',
        address: (file) => this.server.addressOf(this.meeting, of.id, file.number),
      });
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
  }

  private async joinNow(): Promise<void> {
    this.join.disabled = true;
    try {
      await this.server.joinRecording(this.meeting, this.capture);
      this.say('');
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error));
    }
    this.join.disabled = false;
  }

  private say(problem: string): void {
    this.trouble.hidden = !problem;
    fill(this.trouble, icon('warning', 20), problem);
  }
}

/** When it began, where it lies, and what is still to be stored. */
function factsOf(r: RecordingRow): string {
  const place = r.prefix ? `${r.bucket}/${r.prefix}` : r.bucket;
  const waiting = r.waiting ? `, ${size(r.waiting)} not stored yet` : '';
  return `${when(r.created)}, in ${place}${waiting}`;
}

const named: Record<string, string> = {
  audio: 'Sound',
  'data-channel': 'Chat and other messages',
  'meeting-events': 'Who came and went',
};

/** What a stream is called. */
export function streamName(stream: RecordingStream, nameOf: (attendee: string) => string): string {
  const [folder = '', attendee = ''] = stream.name.split('/');
  if (folder === 'audio' && stream.codec) return 'Sound, and who was speaking';
  if (!attendee) return named[folder] ?? stream.name;
  const content = attendee.endsWith('#content');
  const person = nameOf(content ? attendee.slice(0, -'#content'.length) : attendee);
  return content ? `Screen of ${person}` : `Camera of ${person}`;
}
