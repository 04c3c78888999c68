// The meeting itself: stage, controls, and a panel for people and chat. It is
// drawn from the store and changes nothing but through the call.

import { attribute, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import type { Call } from './call';
import { Controls } from './controls';
import { SidePanel } from './panel';
import { QualityMark } from './quality';
import { openSettings } from './settings';
import { Stage } from './stage';
import type { Panel, RoomState, RoomStore } from './state';
import { explainDevice } from './words';

/** How long joining may take before the page says that it is still trying, in ms. */
const patience = 8000;

/** How long a notice stays, in ms. */
const noticeTime = 6000;

export class Room {
  readonly element = el('div', { class: 'room' });
  /** Plays what the others say. */
  readonly speaker = el('audio', { class: 'unseen', 'aria-hidden': true });

  private readonly stage: Stage;
  private readonly recording = el(
    'span',
    { class: 'recording-mark', title: 'What is said and shown here is being recorded' },
    icon('record', 18),
    'Recording',
  );
  private readonly panel: SidePanel;
  private readonly controls: Controls;
  private readonly mark = new QualityMark();
  private readonly notice = el('div', { class: 'notice', role: 'status' });
  private readonly sharing = el('span', { class: 'sharing-mark' }, icon('share', 18), 'You are sharing');
  private noticed = '';
  private noticeTimer = 0;
  private readonly keys = (event: KeyboardEvent) => this.key(event);

  constructor(
    private readonly store: RoomStore,
    private readonly call: Call,
    private readonly code: string,
  ) {
    this.stage = new Stage(call, () => this.open('people'));
    this.panel = new SidePanel(
      (text) => call.send(text),
      () => this.open(undefined),
    );
    this.controls = new Controls({
      microphone: () => call.setMicrophone(!store.state.micOn),
      camera: () => void this.switchCamera(),
      share: () => void this.switchShare(),
      people: () => this.toggle('people'),
      chat: () => this.toggle('chat'),
      devices: () => openSettings(call, this.speaker, (error, what) => this.note(explainDevice(error, what))),
      leave: () => call.leave(),
      explain: (sentence) => this.note(sentence),
    });
    this.layout();
    document.addEventListener('keydown', this.keys);
    store.watch((state) => this.draw(state));
  }

  close(): void {
    document.removeEventListener('keydown', this.keys);
    window.clearTimeout(this.noticeTimer);
    this.store.close();
    this.stage.close();
    this.controls.close();
  }

  private layout(): void {
    const copy = el(
      'button',
      {
        class: 'plain copy',
        type: 'button',
        title: 'Copy the link to this meeting',
        on: { click: () => void this.copyLink() },
      },
      el('span', { class: 'mono' }, this.code),
      icon('link', 18),
      el('span', { class: 'unseen' }, 'Copy the link to this meeting'),
    );
    fill(
      this.element,
      el(
        'header',
        { class: 'room-head' },
        bell(24),
        el('h1', { class: 'unseen' }, 'Meeting'),
        copy,
        this.recording,
        this.sharing,
        el('span', { class: 'spring' }),
        this.mark.element,
      ),
      el('main', { class: 'room-main' }, this.stage.element, this.notice),
      this.panel.element,
      this.controls.element,
      this.speaker,
    );
  }

  private draw(state: RoomState): void {
    attribute(this.element, 'data-phase', state.phase);
    attribute(this.element, 'data-bars', state.line.bars);
    this.element.classList.toggle('with-panel', !!state.panel);
    this.recording.hidden = state.recorders.size === 0;
    this.sharing.hidden = !state.sharing;
    this.mark.draw(state.line);
    this.stage.draw(state);
    this.panel.draw(state);
    this.controls.draw(state);
    this.drawNotice(state);
  }

  /** Says over the stage what goes on, or else a notice for a while. */
  private drawNotice(state: RoomState): void {
    if (state.notice !== this.noticed) {
      this.noticed = state.notice;
      window.clearTimeout(this.noticeTimer);
      if (state.notice) this.noticeTimer = window.setTimeout(() => this.note(''), noticeTime);
    }
    setText(this.notice, state.notice || phaseWords(state, performance.now()));
  }

  private note(notice: string): void {
    this.store.change({ notice });
  }

  private toggle(panel: Panel): void {
    this.open(this.store.state.panel === panel ? undefined : panel);
  }

  private open(panel: Panel | undefined): void {
    const { panel: before, messages } = this.store.state;
    this.store.change(before === 'chat' ? { panel, read: messages.length } : { panel });
    if (!panel && before) this.controls.focus(before);
  }

  private async switchCamera(): Promise<void> {
    try {
      await this.call.setCamera(!this.store.state.cameraOn);
    } catch (error) {
      this.note(explainDevice(error, 'camera'));
    }
  }

  private async switchShare(): Promise<void> {
    try {
      await this.call.setSharing(!this.store.state.sharing);
    } catch (error) {
      const cancelled = error instanceof DOMException && error.name === 'NotAllowedError';
      this.note(cancelled ? 'Nothing is shared: no screen was chosen.' : 'The screen could not be shared.');
    }
  }

  private async copyLink(): Promise<void> {
    const link = `${location.origin}/m/${this.code}`;
    try {
      await navigator.clipboard.writeText(link);
      this.note('The link is copied. Send it to whoever should join.');
    } catch {
      this.note(`Copy this link: ${link}`);
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.key === 'Escape' && !document.querySelector('dialog[open]')) this.open(undefined);
  }
}

/** What there is to say about the connection itself; nothing while it is up. */
function phaseWords({ phase, since, line }: RoomState, now: number): string {
  if (phase === 'connected') return line.dead ? 'Nothing arrives from the server. Check your network.' : '';
  if (phase === 'reconnecting') return 'The connection was lost. Trying to get back…';
  return now - since > patience ? 'Still trying. A firewall or VPN may slow this down.' : 'Joining…';
}
