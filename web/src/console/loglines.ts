// The lines of a log as they are shown.

import { el } from '../ui/dom';
import { when } from './format';
import type { LogLine } from './rows';

/** What a line says beside its time, level and message: "key=value", in its order. */
export function fieldsOf(line: LogLine['line']): string {
  return Object.entries(line)
    .filter(([name]) => !['time', 'level', 'msg'].includes(name))
    .map(([name, value]) => `${name}=${asWritten(value)}`)
    .join(' ');
}

/** A text with spaces or quotes stands in quotes, as in the log itself. */
function asWritten(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return value === '' || /[\s"=]/.test(value) ? JSON.stringify(value) : value;
}

const looks: Record<string, string> = { WARN: 'pill warn', ERROR: 'pill error' };

export function lineElement({ id, line }: LogLine): HTMLElement {
  return el(
    'li',
    { 'data-line': id },
    el('time', { class: 'soft', datetime: line.time }, when(Date.parse(line.time))),
    el('span', { class: looks[line.level] ?? 'pill' }, line.level),
    el('span', { class: 'log-text' }, el('b', {}, line.msg), ' ', el('span', { class: 'soft mono' }, fieldsOf(line))),
  );
}
