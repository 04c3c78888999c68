// The recordings of a meeting: the button that begins and ends one, and a list
// whose files play.

import { attribute, el, fill, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { confirm } from './confirm';
import { RecordingCard, type Shelf, shelvesOf } from './recordingcard';
import type { RecordingRow } from './rows';
import type { Server } from './server';

export class Recordings {
  readonly element: HTMLElement;
  private readonly button: HTMLButtonElement;
  private readonly why = el('p', { class: 'soft recordings-why' });
  private readonly list = el('ul', { class: 'recordings-list', 'aria-label': 'Recordings' });
  private readonly cards: Keyed<Shelf>;
  private running: RecordingRow | undefined;

  constructor(
    private readonly server: Server,
    private readonly meeting: string,
    private readonly say: (text: string) => void,
  ) {
    this.cards = new Keyed(this.list, (shelf) => new RecordingCard(server, shelf, false));
    this.button = el('button', { class: 'button small record', type: 'button', on: { click: () => this.pressed() } });
    this.element = el(
      'section',
      { class: 'recordings' },
      el('div', { class: 'recordings-head' }, el('h2', {}, 'Recordings'), this.button),
      this.why,
      this.list,
    );
  }

  /** Shows what there is; nameOf tells the name of an attendee. */
  show(rows: RecordingRow[], ended: boolean, nameOf: (attendee: string) => string): void {
    const shelves = shelvesOf(rows, nameOf);
    const captures = shelves.map((shelf) => shelf.capture);
    this.running = captures.find((r) => r.status === 'Initializing' || r.status === 'InProgress');
    const { unrecorded, readOnly } = this.server;
    this.button.hidden = ended;
    const unusable = unrecorded && (!this.running || readOnly);
    attribute(this.button, 'aria-disabled', unusable ? 'true' : undefined);
    const face = this.running ? 'Stop recording' : 'Record…';
    if (this.button.textContent !== face) fill(this.button, icon('record', 18), face);
    this.button.classList.toggle('danger', !!this.running);
    const words = captures.length === 0 ? this.nothing(ended) : ended ? '' : unrecorded;
    setText(this.why, words);
    this.why.hidden = !words;
    this.cards.show(shelves.map((shelf) => [shelf.capture.id, shelf]));
  }

  private nothing(ended: boolean): string {
    if (ended) return 'This meeting was not recorded, or the recording is forgotten.';
    return (
      this.server.unrecorded || 'Nothing has been recorded. Everybody in the meeting is shown when a recording runs.'
    );
  }

  private pressed(): void {
    if (this.server.readOnly) this.say(this.server.readOnly);
    else if (this.running) this.askStop(this.running.id);
    else if (this.server.unrecorded) this.say(this.server.unrecorded);
    else this.askRecord();
  }

  private askRecord(): void {
    const tick = (text: string) => {
      const box = el('input', { type: 'checkbox', checked: true });
      return { box, line: el('label', { class: 'tick' }, box, text) };
    };
    const cameras = tick('Each camera');
    const shares = tick('Each shared screen');
    confirm({
      title: 'Record this meeting?',
      text: 'The sound of everybody is recorded, with the chat and who came and went. Their pages say that a recording runs.',
      yes: 'Record',
      extra: el('div', { class: 'ticks' }, cameras.line, shares.line),
      act: () =>
        this.server
          .record(this.meeting, { cameras: cameras.box.checked, shares: shares.box.checked })
          .then(() => this.say('The recording begins')),
    });
  }

  private askStop(recording: string): void {
    confirm({
      title: 'Stop recording?',
      text: 'What was recorded is stored, and joined to one file of each kind.',
      yes: 'Stop recording',
      danger: true,
      act: () => this.server.stopRecording(this.meeting, recording).then(() => this.say('The recording has ended')),
    });
  }
}
