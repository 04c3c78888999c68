// What the bar has no room for: reactions, and what is used now and then.

import { attribute, el, fill, setText } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';
import { canSegment } from './segmentation';
import { type Reaction, reactions } from './signals';
import type { RoomState } from './state';

/** What its entries do. */
export interface MenuActions {
  react(reaction: Reaction): void;
  hand(): void;
  captions(): void;
  flip(): void;
  blur(): void;
  fullScreen(): void;
  devices(): void;
  /** It is to be closed. */
  closed(): void;
}

const blurWords = { off: 'Blur background', starting: 'Blurring…', on: 'Show background' };

export class Menu {
  readonly element: HTMLElement;
  private readonly hand: Entry;
  private readonly captions: Entry;
  private readonly flip: Entry;
  private readonly blur: Entry;
  private blurs: boolean | undefined; // whether this browser can; looked at once, when it matters
  private readonly full: Entry;
  private readonly elsewhere = (event: PointerEvent) => {
    const inside = event.target instanceof Element && event.target.closest('.menu, [data-opens=menu]');
    if (!inside) this.actions.closed();
  };

  constructor(private readonly actions: MenuActions) {
    const entry = (kind: IconName, words: string, act: () => void) =>
      new Entry(kind, words, () => {
        actions.closed();
        act();
      });
    this.hand = entry('hand', 'Raise hand', () => actions.hand());
    this.captions = entry('captions', 'Show captions', () => actions.captions());
    this.flip = entry('flip', 'Switch camera', () => actions.flip());
    this.blur = entry('blur', 'Blur background', () => actions.blur());
    this.full = entry('full', 'Full screen', () => actions.fullScreen());
    const devices = entry('sliders', 'Devices', () => actions.devices());
    this.full.element.hidden = !document.fullscreenEnabled;
    this.element = el(
      'div',
      { class: 'menu', role: 'group', 'aria-label': 'More', hidden: true },
      el('div', { class: 'reactions', role: 'group', 'aria-label': 'Reactions' }, ...this.reactionButtons()),
      this.hand.element,
      this.captions.element,
      this.flip.element,
      this.blur.element,
      this.full.element,
      devices.element,
    );
  }

  /** Opens or closes it. */
  show(open: boolean): void {
    if (this.element.hidden === !open) return;
    this.element.hidden = !open;
    if (open) {
      document.addEventListener('pointerdown', this.elsewhere);
      this.element.querySelector('button')?.focus();
    } else this.close();
  }

  close(): void {
    document.removeEventListener('pointerdown', this.elsewhere);
  }

  draw(state: RoomState, self: string): void {
    this.hand.say(state.hands.has(self) ? 'Lower hand' : 'Raise hand');
    this.captions.element.hidden = !state.captions.running;
    this.captions.say(state.captions.wanted ? 'Hide captions' : 'Show captions');
    this.flip.element.hidden = !state.cameraOn || state.cameras < 2;
    this.blur.element.hidden = !state.cameraOn || !this.canBlur();
    this.blur.say(blurWords[state.blur]);
    attribute(this.blur.element, 'aria-disabled', state.blur === 'starting' ? 'true' : undefined);
    this.full.say(document.fullscreenElement ? 'Leave full screen' : 'Full screen');
  }

  private canBlur(): boolean {
    this.blurs ??= canSegment();
    return this.blurs;
  }

  private reactionButtons(): HTMLElement[] {
    return (Object.keys(reactions) as Reaction[]).map((reaction) =>
      el(
        'button',
        {
          class: 'reaction',
          type: 'button',
          'aria-label': `React: ${reactions[reaction]}`,
          on: {
            click: () => {
              this.actions.closed();
              this.actions.react(reaction);
            },
          },
        },
        reaction,
      ),
    );
  }
}

class Entry {
  readonly element: HTMLButtonElement;
  private readonly words: HTMLElement;

  constructor(kind: IconName, words: string, click: () => void) {
    this.words = el('span', {}, words);
    this.element = el('button', { class: 'menu-entry', type: 'button', on: { click } });
    fill(this.element, icon(kind, 20), this.words);
    attribute(this.element, 'data-entry', kind);
  }

  say(words: string): void {
    setText(this.words, words);
  }
}
