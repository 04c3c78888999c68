// Numbers, times, ids and names as operators read them.

import { nameOf } from '../ui/names';

/** How long something has lasted: "42 s", "3 min", "2 h 5 min", "1 d 4 h". */
export function lasting(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const day = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short' });

/** A time of day, with the day when it is not today. */
export function when(at: number): string {
  if (!at) return '–';
  const date = new Date(at);
  const today = new Date();
  const time = clock.format(date);
  return date.toDateString() === today.toDateString() ? time : `${day.format(date)}, ${time}`;
}

const plain = new Intl.NumberFormat();

export function count(n: number): string {
  return plain.format(n);
}

/** The first eight digits of a GUID: enough to tell rows apart. */
export function short(id: string): string {
  return id.slice(0, 8);
}

/** What is missing while nodes do not answer, as a sentence; empty when nothing is. */
export function missing(silent: string[] = [], what: string): string {
  if (silent.length === 0) return '';
  if (silent.length === 1) return `Node ${silent[0]} does not answer: its ${what} are missing here.`;
  return `Nodes ${silent.slice(0, -1).join(', ')} and ${silent.at(-1)} do not answer: their ${what} are missing here.`;
}

/** How much data: "640 B", "3.4 MB". */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let n = bytes;
  let unit = 0;
  while (n >= 999.5 && unit < units.length - 1) {
    n /= 1000;
    unit++;
  }
  return `${unit && n < 99.95 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

/** A length as players show it: "0:07", "1:02:03". */
export function playtime(ms: number): string {
  const seconds = Math.round(ms / 1000);
  const two = (n: number) => String(n).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** A percentage: "0.4 %". */
export function percent(value: number): string {
  return `${value.toFixed(1)} %`;
}

/** dB below full scale as 0 to 1, the way the client maps it. */
export function loudness(level: number): number {
  return Math.min(1, Math.max(0, (60 - level) / 46));
}

/** The name of an attendee, or the beginning of its id when no name is known. */
export function nameOfAttendee(id: string, external = ''): string {
  return external ? nameOf(external) : short(id);
}
