// A live copy of some tables on the server, kept up to date by server-sent
// events.

import { type Liveness, Pulse } from './pulse';
import type { Beat, Sample } from './rows';
import { type Delta, type Row, type Snapshot, Tables } from './tables';

export interface FeedWatcher {
  /** Tables changed. */
  changed(): void;
  sample?(sample: Sample): void;
  /** Whether the tables are of now; told whenever it changes. */
  liveness(liveness: Liveness): void;
  /** The session is over. */
  signedOut(): void;
}

/** How long to wait before a refused stream is tried again, in ms. */
const retryAfter = 2000;

/** How often it is looked whether beats still come, in ms. */
const lookEvery = 500;

/** After so much silence the connection itself is doubted and made anew, in ms. */
const reopenAfter = 20_000;

export class Feed {
  private readonly tables = new Tables();
  private readonly pulse = new Pulse();
  private readonly looking: number;
  private source: EventSource | undefined;
  private opened = 0;
  private ahead = 0; // of this clock, in ms: the server's
  private retry = 0;
  private told = '';

  constructor(
    private readonly url: string,
    private readonly watcher: FeedWatcher,
  ) {
    this.open();
    this.looking = window.setInterval(() => this.look(), lookEvery);
  }

  table<T extends Row>(name: string): ReadonlyMap<string, T> {
    return this.tables.table(name);
  }

  /** The server's time, in Unix ms, by its last beat. */
  now(): number {
    return Date.now() + this.ahead;
  }

  close(): void {
    window.clearInterval(this.looking);
    window.clearTimeout(this.retry);
    this.source?.close();
    this.source = undefined;
  }

  private open(): void {
    window.clearTimeout(this.retry);
    this.source?.close();
    const source = new EventSource(this.url);
    this.source = source;
    this.opened = Date.now();
    const on = (name: string, handle: (data: never) => void) =>
      source.addEventListener(name, (event) => handle(JSON.parse((event as MessageEvent<string>).data) as never));
    on('snapshot', (snapshot: Snapshot) => {
      this.tables.replace(snapshot);
      this.watcher.changed();
    });
    on('delta', (delta: Delta) => {
      this.tables.apply(delta);
      this.watcher.changed();
    });
    on('sample', (sample: Sample) => this.watcher.sample?.(sample));
    on('beat', (beat: Beat) => {
      this.ahead = beat.at - Date.now();
      this.pulse.beat(beat, Date.now());
      this.look();
    });
    on('signed-out', () => {
      this.close();
      this.watcher.signedOut();
    });
    source.onerror = () => this.broken(source);
  }

  private broken(source: EventSource): void {
    if (this.source !== source) return;
    this.pulse.lost();
    this.look();
    if (source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    this.retry = window.setTimeout(() => this.open(), retryAfter);
    this.watcher.signedOut(); // refused, perhaps because of that
  }

  private look(): void {
    const now = Date.now();
    const liveness = this.pulse.liveness(now);
    const key = JSON.stringify(liveness);
    if (key !== this.told) {
      this.told = key;
      this.watcher.liveness(liveness);
    }
    if (this.pulse.silence(now) > reopenAfter && now - this.opened > reopenAfter) this.open();
  }
}
