// Messages between the people in the meeting, sent as data messages.

import { el, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { colourOf } from '../ui/names';
import { chatLimit } from './call';
import type { Message, RoomState } from './state';

export class Chat {
  readonly element: HTMLElement;
  private readonly log = el('ol', { class: 'messages', role: 'log', 'aria-label': 'Messages', tabindex: 0 });
  private readonly empty = el(
    'p',
    { class: 'empty soft' },
    'Nothing said yet. Whoever joins sees what was written in the last five minutes.',
  );
  private readonly input: HTMLTextAreaElement;
  private readonly hint = el('p', { class: 'chat-hint soft', role: 'status' });
  private shown = 0;
  private lastFrom = '';
  private throttled = false;

  constructor(private readonly send: (text: string) => boolean) {
    this.input = el('textarea', {
      class: 'input',
      rows: 1,
      dir: 'auto',
      placeholder: 'Write to everybody',
      'aria-label': 'Message to everybody',
      on: { keydown: (event) => this.key(event), input: () => this.typed() },
    });
    this.element = el(
      'div',
      { class: 'chat' },
      this.empty,
      this.log,
      this.hint,
      el(
        'form',
        { class: 'chat-form', on: { submit: (event) => this.submit(event) } },
        this.input,
        el('button', { class: 'round accent', type: 'submit', 'aria-label': 'Send' }, icon('send', 20)),
      ),
    );
  }

  focus(): void {
    this.input.focus();
  }

  /** Shows the messages that are new. */
  draw({ messages, throttled }: RoomState): void {
    if (throttled && !this.throttled) {
      setText(this.hint, 'Too many messages at once: the last one was not delivered.');
    }
    this.throttled = throttled;
    if (this.shown === messages.length) return;
    const fresh = messages.slice(this.shown);
    this.shown = messages.length;
    this.empty.hidden = true;
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 60;
    for (const message of fresh) this.add(message);
    if (atEnd || fresh.some((message) => message.self)) this.log.scrollTop = this.log.scrollHeight;
  }

  private add(message: Message): void {
    const follows = this.lastFrom === message.from;
    this.lastFrom = message.from;
    const time = new Date(message.at);
    const head = el(
      'p',
      { class: follows ? 'unseen' : 'message-head' },
      el('b', { 'data-colour': colourOf(message.from), dir: 'auto' }, message.self ? 'You' : message.name),
      ' ',
      el(
        'time',
        { class: 'soft', datetime: time.toISOString() },
        time.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' }),
      ),
    );
    this.log.append(
      el(
        'li',
        { class: message.self ? 'message own' : 'message' },
        head,
        el('p', { class: 'message-text', dir: 'auto' }, message.text),
      ),
    );
  }

  private typed(): void {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 140)}px`;
    const left = chatLimit - size(this.input.value);
    setText(this.hint, left < 200 ? (left < 0 ? `${-left} bytes too long` : `${left} bytes left`) : '');
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) this.submit(event);
  }

  private submit(event: Event): void {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text || size(text) > chatLimit) return;
    if (!this.send(text)) {
      setText(this.hint, 'Not sent: there is no connection.');
      return;
    }
    this.input.value = '';
    this.typed();
  }
}

function size(text: string): number {
  return new TextEncoder().encode(text).length;
}
