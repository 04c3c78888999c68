// The meeting itself: stage, controls, and a panel for people and chat.

import { attribute, el, fill, setText } from '../ui/dom';
import { bell, type IconName, icon } from '../ui/icons';
import type { Call, Message, Person, Phase, Quality, Watcher } from './call';
import { Chat } from './chat';
import type { Choice } from './devices';
import { QualityMark } from './quality';
import { Roster } from './roster';
import { openSettings } from './settings';
import { Stage } from './stage';
import { explainDevice } from './words';

export interface RoomOptions {
  code: string;
  micOn: boolean;
  cameraOn: boolean;
  say(text: string): void;
  /** The meeting is over for this person, with the SDK's status code. */
  over(status: number): void;
}

type PanelName = 'people' | 'chat';

/** How long joining may take before the page says that it is still trying, in ms. */
const patience = 8000;

export class Room implements Watcher {
  readonly element = el('div', { class: 'room' });

  private call!: Call;
  private stage!: Stage;
  private roster!: Roster;
  private readonly chat = new Chat((text) => this.call.send(text));
  private readonly qualityMark = new QualityMark();
  private readonly speaker = el('audio', { class: 'unseen', 'aria-hidden': true });
  private readonly notice = el('div', { class: 'notice', role: 'status' });
  private readonly sharingMark = el(
    'span',
    { class: 'sharing-mark', hidden: true },
    icon('share', 18),
    'You are sharing',
  );
  private readonly panel = el('aside', { class: 'panel', hidden: true });
  private readonly count = el('span', { class: 'badge calm', 'aria-hidden': true });
  private readonly unread = el('span', { class: 'badge', hidden: true, 'aria-hidden': true });
  // The badges in words, for those who do not see them.
  private readonly countWords = el('span', { class: 'unseen' });
  private readonly unreadWords = el('span', { class: 'unseen' });
  private readonly buttons: Record<
    'mic' | 'camera' | 'share' | 'people' | 'chat' | 'settings' | 'leave',
    HTMLButtonElement
  >;
  private opened: PanelName | undefined;
  private unreadCount = 0;
  private over = false;
  private frame = 0;
  private volumeFrame = 0;
  private waiting = 0;
  private noticeTimer = 0;
  private readonly keys = (event: KeyboardEvent) => this.key(event);

  constructor(private readonly options: RoomOptions) {
    this.buttons = {
      mic: this.control('Microphone', 'mic', 'Alt+M', () => this.call.setMicrophone(!this.call.micOn)),
      camera: this.control('Camera', 'camera', 'Alt+V', () => void this.toggleCamera()),
      share: this.control('Share screen', 'share', 'Alt+S', () => void this.toggleShare()),
      people: this.control('People', 'people', 'Alt+P', () => this.toggle('people')),
      chat: this.control('Chat', 'chat', 'Alt+C', () => this.toggle('chat')),
      settings: this.control('Devices', 'sliders', '', () => this.openDevices()),
      leave: this.control('Leave', 'leave', '', () => this.leave()),
    };
    this.buttons.leave.classList.add('leave');
    this.buttons.people.append(this.countWords, this.count);
    this.buttons.chat.append(this.unreadWords, this.unread);
  }

  /** Draws the room around a call and connects it. */
  enter(call: Call): void {
    this.call = call;
    this.stage = new Stage(call, () => this.toggle('people', true));
    this.roster = new Roster(call);
    fill(this.element, ...this.layout());
    document.addEventListener('keydown', this.keys);
    this.phase('connecting');
    this.drawControls();
    void call
      .start(this.speaker, this.options.micOn, this.options.cameraOn)
      .then(() => this.refresh())
      .catch(() => this.stopped(17));
  }

  /** Ends everything and returns the devices in use, to be remembered. */
  close(): Choice {
    this.over = true;
    document.removeEventListener('keydown', this.keys);
    window.clearTimeout(this.waiting);
    window.clearTimeout(this.noticeTimer);
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.volumeFrame);
    this.stage.close();
    void this.call.close();
    return this.call.chosen;
  }

  private layout(): HTMLElement[] {
    const copy = el(
      'button',
      {
        class: 'plain copy',
        type: 'button',
        title: 'Copy the link to this meeting',
        on: { click: () => void this.copyLink() },
      },
      el('span', { class: 'mono' }, this.options.code),
      icon('link', 18),
      el('span', { class: 'unseen' }, 'Copy the link to this meeting'),
    );
    const b = this.buttons;
    return [
      el(
        'header',
        { class: 'room-head' },
        bell(24),
        el('h1', { class: 'unseen' }, 'Meeting'),
        copy,
        this.sharingMark,
        el('span', { class: 'spring' }),
        this.qualityMark.element,
      ),
      el('main', { class: 'room-main' }, this.stage.element, this.notice),
      this.panel,
      el(
        'nav',
        { class: 'controls', 'aria-label': 'Meeting controls' },
        el('div', { class: 'control-group' }, b.mic, b.camera, canShare() && b.share),
        el('div', { class: 'control-group' }, b.people, b.chat, b.settings),
        b.leave,
      ),
      this.speaker,
    ];
  }

  // What the call tells.

  phase(phase: Phase): void {
    window.clearTimeout(this.waiting);
    attribute(this.element, 'data-phase', phase);
    if (phase === 'connected') {
      this.note('');
      this.options.say('You are in the meeting');
    } else if (phase === 'reconnecting') {
      this.note('The connection was lost. Trying to get back…', true);
    } else {
      this.note('Joining…', true);
      this.waiting = window.setTimeout(
        () => this.note('Still trying. A firewall or VPN may slow this down.', true),
        patience,
      );
    }
  }

  people(): void {
    this.refresh();
  }

  tiles(): void {
    this.refresh();
  }

  arrived(person: Person): void {
    if (!person.self) this.options.say(`${person.name} joined`);
  }

  departed(person: Person, dropped: boolean): void {
    if (!person.self) this.options.say(dropped ? `${person.name} lost the connection` : `${person.name} left`);
  }

  volumes(): void {
    if (this.volumeFrame || this.opened !== 'people') return;
    this.volumeFrame = requestAnimationFrame(() => {
      this.volumeFrame = 0;
      this.roster.drawVolumes();
    });
  }

  message(message: Message): void {
    this.chat.add(message);
    if (message.self || this.opened === 'chat') return;
    this.unreadCount++;
    this.options.say(`Message from ${message.name}: ${message.text}`);
    this.refresh();
  }

  throttled(): void {
    this.chat.throttled();
  }

  quality(quality: Quality): void {
    this.qualityMark.draw(quality);
  }

  cameraRefused(): void {
    this.note('The meeting takes no more cameras now, so yours was switched off.');
    this.refresh();
  }

  sharing(on: boolean): void {
    this.options.say(on ? 'You are sharing your screen' : 'You stopped sharing');
    this.refresh();
  }

  stopped(status: number): void {
    if (this.over) return;
    this.over = true;
    this.options.over(status);
  }

  // What the person does.

  private leave(): void {
    if (this.element.dataset.phase === 'connected') {
      this.call.leave();
      return;
    }
    this.call.leave();
    this.stopped(1); // the SDK may keep trying; the person need not wait for it
  }

  private async toggleCamera(): Promise<void> {
    try {
      await this.call.setCamera(!this.call.cameraOn);
    } catch (error) {
      this.note(explainDevice(error, 'camera'));
    }
    this.refresh();
  }

  private async toggleShare(): Promise<void> {
    try {
      await this.call.setSharing(!this.call.sharing);
    } catch (error) {
      const cancelled = error instanceof DOMException && error.name === 'NotAllowedError';
      this.note(cancelled ? 'Nothing is shared: no screen was chosen.' : 'The screen could not be shared.');
    }
    this.refresh();
  }

  private openDevices(): void {
    openSettings(this.call, this.speaker, (error, what) => this.note(explainDevice(error, what)));
  }

  private async copyLink(): Promise<void> {
    const link = `${location.origin}/m/${this.options.code}`;
    try {
      await navigator.clipboard.writeText(link);
      this.note('The link is copied. Send it to whoever should join.');
    } catch {
      this.note(`Copy this link: ${link}`);
    }
  }

  private toggle(name: PanelName, open = this.opened !== name): void {
    this.opened = open ? name : undefined;
    this.panel.hidden = !open;
    this.element.classList.toggle('with-panel', open);
    if (open) {
      const title = name === 'people' ? 'People' : 'Chat';
      attribute(this.panel, 'aria-label', title);
      const close = el(
        'button',
        {
          class: 'plain',
          type: 'button',
          'aria-label': `Close ${title.toLowerCase()}`,
          on: { click: () => this.toggle(name, false) },
        },
        icon('cross', 20),
      );
      fill(
        this.panel,
        el('header', { class: 'panel-head' }, el('h2', {}, title), close),
        name === 'people' ? this.roster.element : this.chat.element,
      );
      if (name === 'chat') {
        this.unreadCount = 0;
        this.chat.focus();
      } else {
        close.focus();
      }
    } else {
      this.buttons[name].focus();
    }
    this.refresh();
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && this.opened && !document.querySelector('dialog[open]')) {
      this.toggle(this.opened, false);
      return;
    }
    if (!event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
    const keyed = { KeyM: 'mic', KeyV: 'camera', KeyS: 'share', KeyP: 'people', KeyC: 'chat' } as const;
    const name = keyed[event.code as keyof typeof keyed];
    if (!name) return;
    event.preventDefault();
    this.buttons[name].click();
  }

  // Drawing.

  /** Redraws once before the next frame, however many things changed. */
  private refresh(): void {
    if (this.frame || this.over) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.stage.draw();
      if (this.opened === 'people') this.roster.draw();
      this.drawControls();
    });
  }

  private drawControls(): void {
    const { mic, camera, share, people, chat } = this.buttons;
    this.drawSwitch(mic, this.call.micOn, this.call.micOn ? 'mic' : 'micOff', this.call.micOn ? 'Mute' : 'Unmute');
    mic.disabled = !this.call.hasMicrophone;
    attribute(mic, 'title', mic.disabled ? 'No microphone can be used' : 'Microphone (Alt+M)');
    this.drawSwitch(
      camera,
      this.call.cameraOn,
      this.call.cameraOn ? 'camera' : 'cameraOff',
      this.call.cameraOn ? 'Stop video' : 'Start video',
    );
    setText(share.querySelector('.control-label') as HTMLElement, this.call.sharing ? 'Stop sharing' : 'Share');
    share.classList.toggle('active', this.call.sharing);
    this.sharingMark.hidden = !this.call.sharing;
    attribute(people, 'aria-expanded', String(this.opened === 'people'));
    attribute(chat, 'aria-expanded', String(this.opened === 'chat'));
    setText(this.count, String(this.call.people.size));
    setText(this.countWords, `, ${this.call.people.size} in the meeting`);
    this.unread.hidden = this.unreadCount === 0;
    setText(this.unread, String(this.unreadCount));
    setText(this.unreadWords, this.unreadCount ? `, ${this.unreadCount} unread` : '');
  }

  private drawSwitch(button: HTMLButtonElement, on: boolean, name: IconName, label: string): void {
    if (button.dataset.icon !== name) {
      button.dataset.icon = name;
      button.querySelector('svg')?.replaceWith(icon(name));
    }
    button.classList.toggle('off', !on);
    setText(button.querySelector('.control-label') as HTMLElement, label);
  }

  private control(label: string, name: IconName, keys: string, click: () => void): HTMLButtonElement {
    return el(
      'button',
      {
        class: 'control',
        type: 'button',
        title: keys ? `${label} (${keys})` : label,
        'aria-keyshortcuts': keys || undefined,
        on: { click },
      },
      icon(name),
      el('span', { class: 'control-label' }, label),
    );
  }

  /** Shows a sentence over the stage; it goes by itself unless it is lasting. */
  private note(text: string, lasting = false): void {
    window.clearTimeout(this.noticeTimer);
    setText(this.notice, text);
    if (text && !lasting) this.noticeTimer = window.setTimeout(() => setText(this.notice, ''), 6000);
  }
}

function canShare(): boolean {
  return 'getDisplayMedia' in (navigator.mediaDevices ?? {});
}
