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

/** What a line is to stand before so that lines stand in the order of time: those of several nodes come as they like. */
export function placeOf(lines: Element, { line }: LogLine): Element | null {
  const at = Date.parse(line.time);
  let next: Element | null = null;
  for (let last = lines.lastElementChild; last; last = last.previousElementSibling) {
    if (!(Number(last.getAttribute('data-at')) > at)) break;
    next = last;
  }
  return next;
}

export function lineElement({ node, id, line }: LogLine): HTMLElement {
  return el(
    'li',
    { 'data-line': `${node} ${id}`, 'data-at': Date.parse(line.time) },
    el('time', { class: 'soft', datetime: line.time }, when(Date.parse(line.time))),
    el('span', { class: looks[line.level] ?? 'pill' }, line.level),
    el(
      'span',
      { class: 'log-text' },
      el('span', { class: 'pill log-node', title: 'The node whose line this is' }, node),
      el('b', {}, line.msg),
      ' ',
      el('span', { class: 'soft mono' }, fieldsOf(line)),
    ),
  );
}
