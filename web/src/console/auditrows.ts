// Who did what on the server: package internal/audit, entry.go, as JSON.

export interface AuditEntry {
  /** RFC 3339. */
  at: string;
  /** That of a cluster which wrote it down; missing alone. */
  node?: string;
  via: string;
  /** "operator:" and a name, or "key:" and an access key id; missing when it was the server itself. */
  who?: string;
  from?: string;
  action: string;
  /** Pairs of a kind and an id, as in "meeting 0a1b…". */
  target?: string;
  outcome: 'done' | 'refused' | 'failed';
  error?: string;
  reason?: string;
  request?: string;
}

export interface AuditPage {
  entries: AuditEntry[];
  /** Where the next page begins; missing on the last. */
  next?: string;
  /** The nodes of a cluster that did not answer. */
  silent?: string[];
  /** How many lines of this part of the audit could not be read. */
  unreadable?: number;
}

/** What is missing because lines cannot be read, as a sentence; empty when nothing is. */
export function spoilt(lines: number): string {
  if (lines === 0) return '';
  return lines === 1
    ? 'One line of the audit cannot be read: it is missing here. The log has the file.'
    : `${lines} lines of the audit cannot be read: they are missing here. The log has the files.`;
}

/** Which entries are asked for; what is empty is no condition. */
export interface AuditQuestion {
  text: string;
  via: string;
  outcome: string;
  before: string;
}

/** The word and the look of an outcome. */
export function outcomeOf(entry: AuditEntry): { word: string; look: string } {
  const looks = { done: 'good', refused: 'warn', failed: 'bad' };
  return { word: entry.outcome, look: looks[entry.outcome] ?? 'warn' };
}

/** The meeting that an entry is about, and what else stands there in short; empty for none. */
export function targetOf(target = ''): { meeting: string; rest: string } {
  const words = target.split(' ');
  const meeting = words[0] === 'meeting' ? (words[1] ?? '') : '';
  const rest = (meeting ? words.slice(2) : words).map((word) =>
    /^[0-9a-f-]{36}$/.test(word) ? word.slice(0, 8) : word,
  );
  return { meeting, rest: rest.join(' ') };
}
