import { el } from '../ui/dom';
import { icon } from '../ui/icons';

/** Text to read and to copy; say tells whether copying worked. */
export function block(text: string, what: string, say: (text: string) => void): HTMLElement {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say('Copied');
    } catch {
      say('The browser did not allow copying');
    }
  };
  return el(
    'div',
    { class: 'block' },
    el('pre', { tabindex: 0, 'aria-label': what }, text),
    el(
      'button',
      { class: 'plain copy', type: 'button', 'aria-label': `Copy ${what}`, on: { click: () => void copy() } },
      icon('copy', 18),
      'Copy',
    ),
  );
}
