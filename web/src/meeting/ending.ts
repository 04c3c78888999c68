import { el } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import type { Explanation } from './words';

export interface Ways {
  again(): void;
  /** Something else than this meeting, and what its button says. */
  elsewhere(): void;
  elsewhereWord: string;
}

/** The page after a meeting: why it is over, and where to go from here. */
export function endView(why: Explanation, ways: Ways): HTMLElement {
  const again = el('button', { class: 'button main', type: 'button', on: { click: ways.again } }, 'Join again');
  const home = el(
    'button',
    { class: why.again ? 'button' : 'button main', type: 'button', on: { click: ways.elsewhere } },
    ways.elsewhereWord,
  );
  return el(
    'main',
    { class: 'ending' },
    el(
      'div',
      { class: 'ending-card' },
      bell(44),
      el('h1', { tabindex: -1, 'data-focus': true }, why.title),
      el('p', { class: 'soft' }, why.text),
      el('div', { class: 'ending-ways' }, why.again && again, home),
      el('p', { class: 'ending-foot soft' }, icon('check', 16), 'Your camera and microphone are off.'),
    ),
  );
}
