// Who did what, newest first: with a search, and older pages on demand.

import { el, fill, setText } from '../ui/dom';
import { type AuditEntry, type AuditPage as Data, outcomeOf, spoilt, targetOf } from './auditrows';
import { missing, short, when } from './format';
import type { Frame, Page } from './frame';
import { Refusal } from './server';

/** How often the newest entries are asked for anew, and how long typing may pause before a search, in ms. */
const every = 4000;
const pause = 300;

export class AuditPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Audit';

  private readonly text = el('input', {
    class: 'input',
    type: 'search',
    'aria-label': 'Search the audit',
    placeholder: 'Search: name, key, action, id, address',
    on: { input: () => this.later(pause) },
  });
  private readonly via = this.choice('Way', [
    ['', 'every way'],
    ['console', 'console'],
    ['command', 'commands'],
    ['app', 'application API'],
    ['api', 'API'],
    ['server', 'the server itself'],
  ]);
  private readonly outcome = this.choice('Outcome', [
    ['', 'every outcome'],
    ['done', 'done'],
    ['refused', 'refused'],
    ['failed', 'failed'],
  ]);
  private readonly gap = el('p', { class: 'note', role: 'status', hidden: true });
  private readonly note = el('p', { class: 'soft audit-note' });
  private readonly list = el('ol', { class: 'audit-list', 'aria-label': 'Actions, newest first' });
  private readonly older = el(
    'button',
    { class: 'button small', type: 'button', hidden: true, on: { click: () => void this.more() } },
    'Older',
  );
  private timer = 0;
  private asked = 0; // questions: an answer to an older one is passed over
  private closed = false;
  private good = 0;
  private shown = '';
  private next = '';
  private unreadable = 0; // lines, on the pages that are shown
  private paged = false; // older pages are looked at: nothing moves by itself

  constructor(private readonly frame: Frame) {
    this.element = el(
      'div',
      { class: 'list-page' },
      el('div', { class: 'list-head' }, el('h1', {}, 'Who did what')),
      el(
        'form',
        { class: 'audit-search', role: 'search', on: { submit: (e) => e.preventDefault() } },
        this.text,
        this.via,
        this.outcome,
      ),
      this.gap,
      this.note,
      this.list,
      this.older,
    );
    void this.ask();
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
  }

  private choice(label: string, options: [string, string][]): HTMLSelectElement {
    const select = el('select', { class: 'input', 'aria-label': label, on: { change: () => this.later(0) } });
    for (const [value, text] of options) select.append(el('option', { value }, text));
    return select;
  }

  /** Asks from the newest on, in a while. */
  private later(ms: number): void {
    this.paged = false;
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), ms);
  }

  private async ask(): Promise<void> {
    const page = await this.read('');
    if (this.closed) return;
    if (page && !this.paged) this.draw(page);
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), every);
  }

  private async more(): Promise<void> {
    this.paged = true;
    const page = await this.read(this.next);
    if (!page || this.closed) return;
    this.shown = '';
    this.unreadable += page.unreadable ?? 0;
    this.warn(page);
    this.list.append(...page.entries.map(lineOf));
    this.follow(page);
  }

  private draw(page: Data): void {
    const text = JSON.stringify(page);
    if (text === this.shown) return;
    this.shown = text;
    fill(this.list, ...page.entries.map(lineOf));
    setText(this.note, page.entries.length > 0 ? '' : 'There is nothing that fits.');
    this.unreadable = page.unreadable ?? 0;
    this.warn(page);
    this.follow(page);
  }

  /** Names the nodes whose entries are missing, and says how many lines nobody can read. */
  private warn(page: Data): void {
    const words = [missing(page.silent, 'entries'), spoilt(this.unreadable)].filter(Boolean).join(' ');
    setText(this.gap, words);
    this.gap.hidden = !words;
  }

  private follow(page: Data): void {
    this.next = page.next ?? '';
    this.older.hidden = !this.next;
  }

  /** A page; undefined when there is none, or the question is not the newest any more. */
  private async read(before: string): Promise<Data | undefined> {
    const question = ++this.asked;
    try {
      const page = await this.frame.server.audit({
        text: this.text.value.trim(),
        via: this.via.value,
        outcome: this.outcome.value,
        before,
      });
      this.good = Date.now();
      if (!this.closed) this.frame.liveness({ state: 'live' });
      return question === this.asked ? page : undefined;
    } catch (error) {
      if (!this.closed) this.failed(error);
      return undefined;
    }
  }

  private failed(error: unknown): void {
    if (error instanceof Refusal && error.status === 401) {
      this.frame.signedOut();
      return;
    }
    const fault = error instanceof Refusal && error.status > 0 ? error.message.replace(/\.$/, '') : '';
    this.frame.liveness(fault ? { state: 'faulty', since: this.good, fault } : { state: 'silent', since: this.good });
  }
}

function lineOf(entry: AuditEntry): HTMLElement {
  const { word, look } = outcomeOf(entry);
  const { meeting, rest } = targetOf(entry.target);
  const why = [entry.error, entry.reason].filter(Boolean).join(': ');
  return el(
    'li',
    { class: 'audit-line' },
    el(
      'span',
      { class: 'audit-when' },
      el('time', { class: 'soft', datetime: entry.at }, when(Date.parse(entry.at))),
      entry.node && el('span', { class: 'pill', title: 'The node that wrote this down' }, entry.node),
    ),
    el(
      'span',
      { class: 'audit-who' },
      entry.who ?? 'the server',
      entry.from && el('span', { class: 'soft mono' }, ` ${entry.from}`),
    ),
    el('span', { class: 'audit-what' }, entry.action, ' ', el('span', { class: 'soft' }, `(${entry.via})`)),
    el(
      'span',
      { class: 'audit-target mono' },
      meeting && el('a', { href: `/operator/meetings/${meeting}`, 'data-local': true, title: meeting }, short(meeting)),
      rest && ` ${rest}`,
    ),
    el('span', { class: `pill ${look}` }, word),
    why && el('span', { class: 'soft audit-why' }, why),
  );
}
