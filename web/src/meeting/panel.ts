// What opens beside the stage: the people, or the chat.

import { attribute, el, fill, setText } from '../ui/dom';
import { icon } from '../ui/icons';
import { Chat } from './chat';
import { Roster } from './roster';
import type { Panel, RoomState } from './state';

const titles: Record<Panel, string> = { people: 'People', chat: 'Chat' };

export class SidePanel {
  readonly element = el('aside', { class: 'panel', hidden: true });
  private readonly roster = new Roster();
  private readonly chat: Chat;
  private readonly heading = el('h2');
  private readonly content = el('div', { class: 'panel-content' });
  private readonly shut: HTMLButtonElement;
  private shown: Panel | undefined;

  constructor(send: (text: string) => boolean, close: () => void) {
    this.chat = new Chat(send);
    this.shut = el('button', { class: 'plain', type: 'button', on: { click: close } }, icon('cross', 20));
    fill(this.element, el('header', { class: 'panel-head' }, this.heading, this.shut), this.content);
  }

  draw(state: RoomState): void {
    if (state.panel !== this.shown) this.show(state.panel);
    if (state.panel === 'people') this.roster.draw(state);
    this.chat.draw(state);
  }

  private show(panel: Panel | undefined): void {
    this.shown = panel;
    this.element.hidden = !panel;
    if (!panel) return;
    setText(this.heading, titles[panel]);
    attribute(this.element, 'aria-label', titles[panel]);
    attribute(this.shut, 'aria-label', `Close ${titles[panel].toLowerCase()}`);
    fill(this.content, panel === 'people' ? this.roster.element : this.chat.element);
    if (panel === 'chat') this.chat.focus();
    else this.shut.focus();
  }
}
