// The form of one operation, and what it makes of it.

import { el, fill, setText } from '../ui/dom';
import type { Field, Operation } from './operations';
import { encode } from './sigv4';

/** A request without its signature, and the same as named members. */
export interface Filled {
  /** Below the base path. */
  path: string;
  query: [string, string][];
  body: string | undefined;
  input: Record<string, unknown>;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** Values that one answer leaves behind for the next call. */
export type Remembered = Map<string, string>;

export class OperationForm {
  readonly element = el('div', { class: 'fields' });
  private readonly controls: { field: Field; control: Control; problem: HTMLElement }[] = [];

  constructor(
    private readonly operation: Operation,
    remembered: Remembered,
    changed: () => void,
  ) {
    for (const field of operation.fields) this.add(field, remembered.get(field.name) ?? first(field), changed);
    if (operation.fields.length === 0) fill(this.element, el('p', { class: 'soft' }, 'This operation takes nothing.'));
  }

  /** What has been filled in so far, for showing. */
  sofar(): Filled {
    return this.read(false).filled;
  }

  /** What has been filled in; undefined when something is missing or wrong, which is then marked. */
  complete(): Filled | undefined {
    const { filled, good } = this.read(true);
    return good ? filled : undefined;
  }

  private read(mark: boolean): { filled: Filled; good: boolean } {
    const filled: Filled = { path: this.operation.path, query: [], body: undefined, input: {} };
    if (this.operation.operation) filled.query.push(['operation', this.operation.operation]);
    const body: Record<string, unknown> = {};
    let good = true;
    for (const { field, control, problem } of this.controls) {
      const text = control.value.trim();
      const value = text === '' ? undefined : parse(field, text);
      const fault = text === '' ? (field.required ? 'Needed.' : '') : value === undefined ? 'This is not JSON.' : '';
      if (mark || !fault) setText(problem, fault);
      if (fault) good = false;
      else if (value !== undefined) this.put(filled, body, field, text, value);
    }
    if (this.operation.fields.some((field) => field.in === 'body')) filled.body = JSON.stringify(body);
    return { filled, good };
  }

  private put(filled: Filled, body: Record<string, unknown>, field: Field, text: string, value: unknown): void {
    deepSet(filled.input, field.name, value);
    if (field.in === 'path') filled.path = filled.path.replace(`{${field.name}}`, encode(text));
    else if (field.in === 'query') filled.query.push([field.query ?? field.name, text]);
    else deepSet(body, field.name, value);
  }

  private add(field: Field, value: string, changed: () => void): void {
    const id = `f-${field.name.replace('.', '-')}`;
    const control = makeControl(field, id);
    control.value = value;
    control.addEventListener('input', changed);
    const problem = el('span', { class: 'field-problem', id: `${id}-problem`, role: 'alert' });
    control.setAttribute('aria-describedby', `${id}-problem`);
    const label = el('label', { for: id }, field.name, field.required && el('span', { class: 'soft' }, ' required'));
    this.element.append(
      el(
        'div',
        { class: field.kind === 'json' && field.example ? 'field broad' : 'field' },
        label,
        control,
        field.hint && el('span', { class: field.kind === 'json' ? 'hint mono' : 'hint' }, field.hint),
        problem,
      ),
    );
    this.controls.push({ field, control, problem });
  }
}

function makeControl(field: Field, id: string): Control {
  if (field.kind === 'json')
    return el('textarea', { class: 'input mono', id, rows: field.example ? 5 : 1, spellcheck: 'false' });
  if (field.kind === 'choice') {
    const select = el('select', { class: 'input', id });
    if (!field.required) select.append(el('option', { value: '' }, 'not given'));
    for (const option of field.options ?? []) select.append(el('option', { value: option }, option));
    return select;
  }
  return el('input', {
    class: 'input',
    id,
    type: field.kind === 'number' ? 'number' : 'text',
    spellcheck: 'false',
    autocomplete: 'off',
  });
}

function first(field: Field): string {
  return field.example === 'random' ? crypto.randomUUID() : (field.example ?? '');
}

function parse(field: Field, text: string): unknown {
  if (field.kind === 'number') return Number(text);
  if (field.kind !== 'json') return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Sets a.b.c in nested objects. */
function deepSet(target: Record<string, unknown>, name: string, value: unknown): void {
  const parts = name.split('.');
  const last = parts.pop() as string;
  let at = target;
  for (const part of parts) {
    at[part] ??= {};
    at = at[part] as Record<string, unknown>;
  }
  at[last] = value;
}
