import { el, fill } from '../ui/dom';
import { when } from './format';
import type { RefusalRow } from './rows';

/** How many refusals are shown at most, the newest. */
const most = 20;

/** Joins with a token that was not good: nobody knows whose they were. */
export class Refusals {
  readonly element = el('section', { class: 'refused', hidden: true });
  private shown = '';

  show(refusals: RefusalRow[]): void {
    const newest = refusals.sort((a, b) => b.at - a.at).slice(0, most);
    const key = newest.map((r) => r.id).join();
    if (this.shown === key) return;
    this.shown = key;
    this.element.hidden = newest.length === 0;
    const items = newest.map((r) =>
      el(
        'li',
        {},
        el('span', { class: 'soft' }, when(r.at)),
        el('span', { class: 'mono' }, r.remote),
        el('span', {}, r.words),
      ),
    );
    fill(this.element, el('h2', {}, 'Refused joins'), el('ul', { class: 'refusals' }, ...items));
  }
}
