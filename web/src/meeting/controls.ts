// The bar of controls, and the keys that do the same.

import { attribute, el, setText } from '../ui/dom';
import { type IconName, icon } from '../ui/icons';
import type { RoomState } from './state';

/** What the controls do. */
export interface ControlActions {
  microphone(): void;
  camera(): void;
  share(): void;
  people(): void;
  chat(): void;
  hand(): void;
  captions(): void;
  more(): void;
  leave(): void;
  /** Shows why a control does nothing. */
  explain(sentence: string): void;
}

type ControlName = Exclude<keyof ControlActions, 'explain'>;

/** Who takes a right away, as the labels say it after a first word. */
const byOperator = ' by operator';

export class Controls {
  readonly element: HTMLElement;
  private readonly buttons: Record<ControlName, Control>;
  private readonly count = new Badge('badge calm');
  private readonly unread = new Badge('badge');
  private readonly keys = (event: KeyboardEvent) => this.key(event);

  constructor(actions: ControlActions) {
    const control = (name: ControlName, label: string, kind: IconName, keys = '') =>
      new Control({ label, icon: kind, keys, click: () => actions[name](), explain: actions.explain });
    this.buttons = {
      microphone: control('microphone', 'Microphone', 'mic', 'Alt+M'),
      camera: control('camera', 'Camera', 'camera', 'Alt+V'),
      share: control('share', 'Share screen', 'share', 'Alt+S'),
      people: control('people', 'People', 'people', 'Alt+P'),
      chat: control('chat', 'Chat', 'chat', 'Alt+C'),
      hand: control('hand', 'Raise hand', 'hand', 'Alt+H'),
      captions: control('captions', 'Captions', 'captions'),
      more: control('more', 'More', 'more'),
      leave: control('leave', 'Leave', 'leave'),
    };
    const b = this.buttons;
    b.leave.element.classList.add('leave');
    attribute(b.more.element, 'data-opens', 'menu');
    for (const wide of [b.hand, b.captions]) wide.element.classList.add('wide-only'); // phones have them under More
    b.people.element.append(...this.count.elements);
    b.chat.element.append(...this.unread.elements);
    this.element = el(
      'nav',
      { class: 'controls', 'aria-label': 'Meeting controls' },
      el('div', { class: 'control-group' }, b.microphone.element, b.camera.element, canShare() && b.share.element),
      el(
        'div',
        { class: 'control-group' },
        b.people.element,
        b.chat.element,
        b.hand.element,
        b.captions.element,
        b.more.element,
      ),
      b.leave.element,
    );
    document.addEventListener('keydown', this.keys);
  }

  close(): void {
    document.removeEventListener('keydown', this.keys);
  }

  focus(name: ControlName): void {
    this.buttons[name].element.focus();
  }

  /** self is this person's attendee. */
  draw(state: RoomState, self: string, menuOpen: boolean): void {
    const { microphone, camera, share, people, chat, hand, captions, more } = this.buttons;
    microphone.draw(microphoneLook(state));
    camera.draw(cameraLook(state));
    share.draw(shareLook(state));
    hand.draw(handLook(state, self));
    captions.draw({ icon: 'captions', label: 'Captions', active: state.captions.wanted });
    captions.element.hidden = !state.captions.running;
    attribute(captions.element, 'aria-pressed', String(state.captions.wanted));
    attribute(more.element, 'aria-expanded', String(menuOpen));
    attribute(people.element, 'aria-expanded', String(state.panel === 'people'));
    attribute(chat.element, 'aria-expanded', String(state.panel === 'chat'));
    this.count.show(state.people.size, 'in the meeting');
    this.unread.show(state.panel === 'chat' ? 0 : state.messages.length - state.read, 'unread');
  }

  private key(event: KeyboardEvent): void {
    if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    const keyed = {
      KeyM: 'microphone',
      KeyV: 'camera',
      KeyS: 'share',
      KeyP: 'people',
      KeyC: 'chat',
      KeyH: 'hand',
    } as const;
    const name = keyed[event.code as keyof typeof keyed];
    if (!name) return;
    event.preventDefault();
    this.buttons[name].element.click();
  }
}

/** How a control looks now. */
interface Look {
  icon: IconName;
  label: string;
  /** More of the label, for which phones have no room. */
  more?: string;
  off?: boolean;
  active?: boolean;
  /** Why it does nothing; it is explained when it is pressed. */
  denied?: string;
  title?: string;
}

function microphoneLook({ rights, micOn }: RoomState): Look {
  if (!rights.speak) {
    const denied = 'An operator has muted you: nobody hears you until you may speak again.';
    return { icon: 'micOff', label: 'Muted', more: byOperator, off: true, denied };
  }
  return { icon: micOn ? 'mic' : 'micOff', label: micOn ? 'Mute' : 'Unmute', off: !micOn };
}

function cameraLook({ rights, cameraOn }: RoomState): Look {
  if (!rights.camera) {
    const denied = 'An operator has switched your camera off. It can be started again when that is allowed.';
    return { icon: 'cameraOff', label: 'Video off', more: byOperator, off: true, denied };
  }
  return { icon: cameraOn ? 'camera' : 'cameraOff', label: cameraOn ? 'Stop video' : 'Start video', off: !cameraOn };
}

function shareLook({ rights, sharing }: RoomState): Look {
  if (!rights.share) {
    return {
      icon: 'share',
      label: 'Sharing off',
      more: byOperator,
      denied: 'An operator does not let you share your screen.',
    };
  }
  return { icon: 'share', label: sharing ? 'Stop sharing' : 'Share', active: sharing };
}

function handLook({ hands }: RoomState, self: string): Look {
  const up = hands.has(self);
  return { icon: 'hand', label: up ? 'Lower hand' : 'Raise hand', active: up };
}

interface ControlOptions {
  label: string;
  icon: IconName;
  /** The keys that do the same, as "Alt+M"; empty for none. */
  keys: string;
  click(): void;
  explain(sentence: string): void;
}

class Control {
  readonly element: HTMLButtonElement;
  private readonly label: HTMLElement;
  private readonly more = el('span', { class: 'control-more' });
  private image: SVGSVGElement;
  private shown: IconName;
  private denied = '';

  constructor(private readonly options: ControlOptions) {
    this.label = el('span', {}, options.label);
    this.shown = options.icon;
    this.image = icon(options.icon);
    this.element = el(
      'button',
      {
        class: 'control',
        type: 'button',
        title: this.title(options.label),
        'aria-keyshortcuts': options.keys || undefined,
        on: { click: () => (this.denied ? options.explain(this.denied) : options.click()) },
      },
      this.image,
      el('span', { class: 'control-label' }, this.label, this.more),
    );
  }

  draw(look: Look): void {
    if (this.shown !== look.icon) {
      const image = icon(look.icon);
      this.image.replaceWith(image);
      this.image = image;
      this.shown = look.icon;
    }
    this.denied = look.denied ?? '';
    setText(this.label, look.label);
    setText(this.more, look.more ?? '');
    attribute(this.element, 'title', this.denied || this.title(this.options.label));
    attribute(this.element, 'aria-disabled', this.denied ? 'true' : undefined);
    this.element.classList.toggle('off', !!look.off);
    this.element.classList.toggle('active', !!look.active);
  }

  private title(label: string): string {
    return this.options.keys ? `${label} (${this.options.keys})` : label;
  }
}

/** A number at a control, and in words for those who do not see it. */
class Badge {
  readonly elements: [HTMLElement, HTMLElement];
  private readonly words = el('span', { class: 'unseen' });
  private readonly number: HTMLElement;

  constructor(look: string) {
    this.number = el('span', { class: look, hidden: true, 'aria-hidden': true });
    this.elements = [this.words, this.number];
  }

  show(count: number, what: string): void {
    this.number.hidden = count === 0;
    setText(this.number, String(count));
    setText(this.words, count ? `, ${count} ${what}` : '');
  }
}

function canShare(): boolean {
  return 'getDisplayMedia' in (navigator.mediaDevices ?? {});
}
