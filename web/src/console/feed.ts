// A live copy of some tables on the server, kept up to date by server-sent
// events.

import type { Beat } from './rows';
import { type Delta, type Row, type Snapshot, Tables } from './tables';

export interface FeedWatcher {
  /** Tables changed. */
  changed(): void;
  sample?(sample: unknown): void;
  /** Whether events are coming in. */
  live(on: boolean): void;
  /** The server cannot read what it should show; the sentence says why. */
  fault(sentence: string): void;
  /** The session is over. */
  signedOut(): void;
}

/** How long to wait before a refused stream is tried again, in ms. */
const retryAfter = 2000;

export class Feed {
  private readonly tables = new Tables();
  private source: EventSource | undefined;
  private timer = 0;

  constructor(
    private readonly url: string,
    private readonly watcher: FeedWatcher,
  ) {
    this.open();
  }

  table<T extends Row>(name: string): ReadonlyMap<string, T> {
    return this.tables.table(name);
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.source?.close();
    this.source = undefined;
  }

  private open(): void {
    const source = new EventSource(this.url);
    this.source = source;
    const on = (name: string, handle: (data: never) => void) =>
      source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as never));
    on('snapshot', (snapshot: Snapshot) => this.replace(snapshot));
    on('delta', (delta: Delta) => this.apply(delta));
    on('sample', (sample: unknown) => this.watcher.sample?.(sample));
    on('beat', (beat: Beat) => (beat.fault ? this.watcher.fault(beat.fault) : this.watcher.live(true)));
    on('signed-out', () => {
      this.close();
      this.watcher.signedOut();
    });
    source.onerror = () => {
      this.watcher.live(false);
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      // Refused, not just interrupted: the browser does not retry by itself.
      this.timer = window.setTimeout(() => this.open(), retryAfter);
      this.watcher.signedOut();
    };
  }

  private replace(snapshot: Snapshot): void {
    this.tables.replace(snapshot);
    this.watcher.live(true);
    this.watcher.changed();
  }

  private apply(delta: Delta): void {
    this.tables.apply(delta);
    this.watcher.changed();
  }
}
