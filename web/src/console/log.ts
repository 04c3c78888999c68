// The end of the log, of all nodes or of one: found by level and text, and followed.

import { attribute, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { count, missing } from './format';
import type { Frame, Page } from './frame';
import { lineElement, placeOf } from './loglines';
import { Poll } from './poll';
import type { LogPart } from './rows';

/** How often new lines are asked for, in ms. */
const every = 2000;

/** How long after the last key what is typed is searched for, in ms. */
const typing = 300;

/** The most lines that the page holds. */
const held = 1000;

/** How far from the end of the lines still is at the end, in px. */
const nearEnd = 40;

export class LogPage implements Page {
  readonly element: HTMLElement;
  readonly title = 'Log';

  private readonly poll: Poll;
  private readonly lines = el('ol', { class: 'log-lines', tabindex: 0, 'aria-label': 'Lines of the log' });
  private readonly found = el('span', { class: 'soft found', role: 'status' });
  private readonly gap = el('p', { class: 'note', role: 'status', hidden: true });
  private readonly cut = el('p', { class: 'soft', hidden: true }, 'There were more lines before these.');
  private readonly search: HTMLInputElement;
  private readonly level: HTMLSelectElement;
  private readonly node: HTMLSelectElement;
  private readonly choice: HTMLElement;
  private readonly follow: HTMLElement;
  private timer = 0;
  private after: LogPart['last'] = {}; // the last lines that were looked at
  private first = true; // the next answer is the first to its question
  private following = true;

  constructor(private readonly frame: Frame) {
    const anew = () => this.anew();
    this.search = el('input', {
      class: 'input',
      type: 'search',
      placeholder: 'Find in the lines',
      'aria-label': 'Find in the lines',
      on: { input: () => this.typed() },
    });
    const level = (value: string, text: string) => el('option', { value }, text);
    this.level = el(
      'select',
      { class: 'input', 'aria-label': 'Level', on: { change: anew } },
      level('', 'All lines'),
      level('info', 'Info and above'),
      level('warn', 'Warnings and errors'),
      level('error', 'Errors'),
    );
    this.node = el('select', { class: 'input', id: 'log-node', on: { change: anew } });
    this.choice = el('label', { for: 'log-node', hidden: true }, 'Node ', this.node);
    this.follow = el(
      'button',
      { class: 'plain', type: 'button', 'aria-pressed': 'true', on: { click: () => this.toggle() } },
      'Follow',
    );
    this.element = el(
      'div',
      { class: 'list-page log' },
      el('div', { class: 'list-head' }, el('h1', {}, this.title), this.head()),
      this.gap,
      this.cut,
      this.lines,
    );
    this.poll = new Poll(frame, every, async (current) => {
      const part = await frame.server.log(this.node.value, this.after, this.level.value, this.search.value);
      if (current()) this.add(part);
    });
    void this.begin();
  }

  close(): void {
    window.clearTimeout(this.timer);
    this.poll.close();
  }

  private head(): HTMLElement {
    return el(
      'div',
      { class: 'log-choice' },
      el('div', { class: 'find' }, icon('search', 18), this.search),
      this.level,
      this.choice,
      this.follow,
      this.found,
    );
  }

  /** Offers the nodes of a cluster, and shows the first lines. */
  private async begin(): Promise<void> {
    void this.poll.now();
    const { nodes } = await this.frame.server.health('hour').catch(() => ({ nodes: [] }));
    if (nodes.length < 2) return;
    const name = (n: { id: string; here: boolean }) => (n.here ? `${n.id} (here)` : n.id);
    fill(this.node, el('option', { value: '' }, 'All'), ...nodes.map((n) => el('option', { value: n.id }, name(n))));
    this.choice.hidden = false;
    this.name();
  }

  /** Has lines say whose they are while they are of several nodes. */
  private name(): void {
    attribute(this.lines, 'data-named', !this.choice.hidden && this.node.value === '');
  }

  private typed(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.anew(), typing);
  }

  /** Another question: what is shown is no answer to it. */
  private anew(): void {
    this.after = {};
    this.first = true;
    this.name();
    this.setFollowing(true);
  }

  private toggle(): void {
    this.setFollowing(!this.following);
  }

  private setFollowing(following: boolean): void {
    this.following = following;
    attribute(this.follow, 'aria-pressed', String(following));
    if (following) void this.poll.now();
    else this.poll.pause();
  }

  private add(part: LogPart): void {
    const { scrollHeight, scrollTop, clientHeight } = this.lines;
    const atEnd = scrollHeight - scrollTop - clientHeight < nearEnd; // otherwise somebody reads further up
    const first = this.first;
    if (first) {
      fill(this.lines);
      this.cut.hidden = true;
    }
    this.first = false;
    this.after = part.last;
    setText(this.gap, missing(part.silent, 'lines'));
    this.gap.hidden = !part.silent;
    for (const line of part.lines) this.lines.insertBefore(lineElement(line), placeOf(this.lines, line));
    while (this.lines.childElementCount > held) {
      this.lines.firstElementChild?.remove();
      this.cut.hidden = false;
    }
    if (part.cut) this.cut.hidden = false;
    const n = this.lines.childElementCount;
    setText(this.found, n === 0 ? 'no line' : n === 1 ? '1 line' : `${count(n)} lines`);
    if (first || atEnd) this.lines.scrollTop = this.lines.scrollHeight;
  }
}
