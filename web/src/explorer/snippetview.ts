// The same call in other languages, one tab for each.

import { el, fill } from '../ui/dom';
import { block } from './block';
import type { Call } from './call';
import { type Snippet, snippets } from './snippets';

export class SnippetView {
  readonly element = el('section', { class: 'code', 'aria-label': 'The same call elsewhere' });
  private made: Snippet[] = [];
  private tab = 0;

  constructor(private readonly say: (text: string) => void) {}

  show(call: Call): void {
    this.made = snippets(call);
    this.draw();
  }

  private draw(): void {
    const shown = this.made[this.tab] ?? this.made[0];
    if (!shown) return;
    fill(
      this.element,
      el('h3', {}, 'The same call elsewhere'),
      el(
        'div',
        { class: 'tabs-row', role: 'tablist', 'aria-label': 'Language' },
        ...this.made.map((snippet, i) => this.button(snippet, i)),
      ),
      el(
        'div',
        { role: 'tabpanel', id: 'snippet', 'aria-labelledby': `tab-${this.tab}` },
        shown.note && el('p', { class: 'soft small' }, shown.note),
        block(shown.code, shown.title, this.say),
      ),
    );
  }

  private button(snippet: Snippet, i: number): HTMLElement {
    const attributes = {
      class: 'tab',
      type: 'button',
      role: 'tab',
      id: `tab-${i}`,
      'aria-selected': String(i === this.tab),
      'aria-controls': 'snippet',
      tabindex: i === this.tab ? 0 : -1,
      on: { click: () => this.choose(i), keydown: (event: KeyboardEvent) => this.key(event, i) },
    };
    return el('button', attributes, snippet.title);
  }

  private choose(tab: number): void {
    this.tab = tab;
    this.draw();
    document.getElementById(`tab-${tab}`)?.focus();
  }

  private key(event: KeyboardEvent, i: number): void {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (!step) return;
    event.preventDefault();
    this.choose((i + step + this.made.length) % this.made.length);
  }
}
