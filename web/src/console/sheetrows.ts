// How a server is set up: package internal/console, sheet.go, as JSON. A moment is
// Unix ms, 0 for none.

export interface SheetKey {
  id: string;
  account: string;
  disabled?: boolean;
  /** Missing: everything that is not denied. */
  allow?: string[];
  deny?: string[];
  sessions?: number;
  expires: number;
  /** Last, at any node, to the minute. */
  used: number;
}

export interface Certificate {
  use: string;
  name: string;
  issuer: string;
  from: number;
  until: number;
  source: string;
}

export interface WatchedFile {
  what: string;
  files: string[];
  /** When it was taken last; 0: at the start. */
  read: number;
  fault?: string;
}

export interface Setting {
  name: string;
  group?: string;
  value: string;
  /** "default", "command line", "environment" or "file". */
  from: string;
}

export interface Sheet {
  node?: string;
  keys: SheetKey[];
  keysFrom: string;
  /** Nodes that did not say when keys were used at them. */
  silent?: string[];
  certificates: Certificate[];
  files: WatchedFile[];
  settings: Setting[] | null;
}

const day = 86_400_000;

/** How much is left of a certificate, in words and with a look. */
export function leftOf(until: number, now: number): { words: string; look: 'good' | 'warn' | 'bad' } {
  const days = Math.floor((until - now) / day);
  if (until <= now) return { words: 'has ended', look: 'bad' };
  const words = days === 1 ? '1 day left' : `${days} days left`;
  return { words, look: days < 7 ? 'bad' : days < 21 ? 'warn' : 'good' };
}

/** What a key may do, in words. */
export function mayDo(key: SheetKey): string {
  if (key.disabled) return 'nothing: its account is disabled';
  const allowed = key.allow ? key.allow.join(', ') || 'nothing' : 'everything';
  return key.deny?.length ? `${allowed}, but not ${key.deny.join(', ')}` : allowed;
}

/** Where the keys come from, and whose use of them is not known, in words. */
export function aboutKeys(sheet: Pick<Sheet, 'keysFrom' | 'silent'>): string {
  const silent = sheet.silent ?? [];
  const missing =
    silent.length > 0 ? ` When they were used at ${silent.join(' and ')} is not known: no answer from there.` : '';
  return `From: ${sheet.keysFrom}. Secrets are never shown.${missing}`;
}

/** The settings by group, in their order; with a text or only what was set, those that fit. */
export function groupsOf(settings: Setting[], text: string, all: boolean): [string, Setting[]][] {
  const groups = new Map<string, Setting[]>();
  const wanted = text.trim().toLowerCase();
  for (const s of settings) {
    if (!all && s.from === 'default') continue;
    if (wanted && !`${s.name} ${s.value}`.toLowerCase().includes(wanted)) continue;
    const group = s.group || 'Server';
    groups.set(group, [...(groups.get(group) ?? []), s]);
  }
  return [...groups];
}
