// A live copy of some tables on the server, kept up to date by server-sent
// events: first everything, then what changed.

export type Row = { id: string };

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
  private readonly tables = new Map<string, Map<string, Row>>();
  private source: EventSource | undefined;
  private timer = 0;

  constructor(
    private readonly url: string,
    private readonly watcher: FeedWatcher,
  ) {
    this.open();
  }

  table<T extends Row>(name: string): Map<string, T> {
    return (this.tables.get(name) ?? new Map()) as Map<string, T>;
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
    on('snapshot', (tables: Record<string, Row[]>) => this.replace(tables));
    on('delta', (delta: { set?: Record<string, Row[]>; gone?: Record<string, string[]> }) => this.apply(delta));
    on('sample', (sample: unknown) => this.watcher.sample?.(sample));
    on('fault', (fault: { error: string }) => this.watcher.fault(fault.error));
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

  private replace(tables: Record<string, Row[]>): void {
    this.tables.clear();
    for (const [name, rows] of Object.entries(tables)) this.tables.set(name, new Map(rows.map((row) => [row.id, row])));
    this.watcher.live(true);
    this.watcher.changed();
  }

  private apply(delta: { set?: Record<string, Row[]>; gone?: Record<string, string[]> }): void {
    for (const [name, rows] of Object.entries(delta.set ?? {})) {
      const table = this.tables.get(name) ?? new Map<string, Row>();
      this.tables.set(name, table);
      for (const row of rows) table.set(row.id, row);
    }
    for (const [name, ids] of Object.entries(delta.gone ?? {})) {
      for (const id of ids) this.tables.get(name)?.delete(id);
    }
    this.watcher.changed();
  }
}
