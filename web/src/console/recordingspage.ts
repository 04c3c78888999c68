// All recordings that this server knows of, of meetings that go on or have ended.

import { el, Keyed, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { Feed } from './feed';
import { nameOfAttendee } from './format';
import type { Frame, Page } from './frame';
import { RecordingCard, type Shelf, shelvesOf } from './recordingcard';
import type { RecordingRow } from './rows';

export class RecordingsPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Recordings';

  private readonly feed: Feed;
  private readonly cards: Keyed<Shelf>;
  private readonly none = el('p', { class: 'soft' });
  private readonly search: HTMLInputElement;

  constructor(private readonly frame: Frame) {
    const list = el('ul', { class: 'recordings-list', 'aria-label': 'Recordings' });
    this.cards = new Keyed(list, (shelf) => new RecordingCard(frame.server, shelf, true));
    this.search = el('input', {
      class: 'input',
      type: 'search',
      placeholder: 'Find by meeting or id',
      'aria-label': 'Find recordings',
      on: { input: () => this.draw() },
    });
    this.element = el(
      'div',
      { class: 'list-page' },
      el('div', { class: 'list-head' }, el('h1', {}, this.title)),
      el('div', { class: 'find' }, icon('search', 18), this.search),
      this.none,
      list,
    );
    this.feed = new Feed(frame.server.recordingEvents(), {
      changed: () => this.draw(),
      liveness: (liveness) => frame.liveness(liveness),
      signedOut: () => frame.signedOut(),
    });
  }

  close(): void {
    this.feed.close();
  }

  private draw(): void {
    const wanted = this.search.value.trim().toLowerCase();
    const all = shelvesOf([...this.feed.table<RecordingRow>('recordings').values()], (id) => nameOfAttendee(id));
    const found = all.filter(({ capture: c }) => `${c.external} ${c.meeting} ${c.id}`.toLowerCase().includes(wanted));
    this.cards.show(found.map((shelf) => [shelf.capture.id, shelf]));
    this.none.hidden = found.length > 0;
    setText(
      this.none,
      wanted
        ? 'None is called that.'
        : this.frame.server.unrecorded ||
            'Nothing has been recorded in the last 30 days. A meeting’s page has a button that records it.',
    );
  }
}
