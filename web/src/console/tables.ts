// A copy of tables on the server: first everything, then what changed.

export type Row = { id: string };

export type Snapshot = Record<string, Row[]>;

/** Rows that are new or differ, and the ids of those that are gone, by table. */
export interface Delta {
  set?: Record<string, Row[]>;
  gone?: Record<string, string[]>;
}

export class Tables {
  private readonly rows = new Map<string, Map<string, Row>>();

  /** The rows of a table by id; empty for a table that is not known. */
  table<T extends Row>(name: string): ReadonlyMap<string, T> {
    return (this.rows.get(name) ?? new Map()) as ReadonlyMap<string, T>;
  }

  /** Forgets everything and takes this. */
  replace(snapshot: Snapshot): void {
    this.rows.clear();
    for (const [name, rows] of Object.entries(snapshot)) {
      this.rows.set(name, new Map(rows.map((row) => [row.id, row])));
    }
  }

  apply(delta: Delta): void {
    for (const [name, rows] of Object.entries(delta.set ?? {})) {
      const table = this.rows.get(name) ?? new Map<string, Row>();
      this.rows.set(name, table);
      for (const row of rows) table.set(row.id, row);
    }
    for (const [name, ids] of Object.entries(delta.gone ?? {})) {
      for (const id of ids) this.rows.get(name)?.delete(id);
    }
  }
}
