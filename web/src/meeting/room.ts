// The meeting itself: stage, controls, and a panel for people and chat. It is
// drawn from the store and changes nothing but through the call.

import { attribute, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import type { Call } from './call';
import { CaptionView } from './captionview';
import { Controls } from './controls';
import { Invitation } from './invite';
import { Menu } from './menu';
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
  private readonly captions = new CaptionView();
  private readonly invitation: Invitation;
  private readonly menu: Menu;
  private menuOpen = false;
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
    /** Of a meeting that others can join by its link; empty for another. */
    private readonly code: string,
  ) {
    this.stage = new Stage(call, {
      people: () => this.open('people'),
      pin: (pinned) => store.change({ pinned }),
      page: (page) => store.change({ page }),
    });
    this.invitation = new Invitation(this.link(), () => this.copyLink());
    this.panel = new SidePanel(
      (text) => call.send(text),
      () => this.open(undefined),
    );
    this.controls = new Controls({
      microphone: () => void this.switchMicrophone(),
      camera: () => void this.switchCamera(),
      share: () => void this.switchShare(),
      people: () => this.toggle('people'),
      chat: () => this.toggle('chat'),
      hand: () => this.switchHand(),
      captions: () => this.switchCaptions(),
      more: () => this.showMenu(!this.menuOpen),
      leave: () => call.leave(),
      explain: (sentence) => this.note(sentence),
    });
    this.menu = new Menu({
      react: (reaction) => this.sent(call.signals.react(reaction)),
      hand: () => this.switchHand(),
      captions: () => this.switchCaptions(),
      blur: () => void this.switchBlur(),
      flip: () => void call.nextCamera().catch((error: unknown) => this.note(explainDevice(error, 'camera'))),
      fullScreen: () => void this.switchFullScreen(),
      devices: () => openSettings(call, this.speaker, (error, what) => this.note(explainDevice(error, what))),
      closed: () => this.showMenu(false),
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
    this.menu.close();
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
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
        el('h1', { class: 'unseen', tabindex: -1, 'data-focus': true }, 'Meeting'),
        !!this.code && copy,
        this.recording,
        this.sharing,
        el('span', { class: 'spring' }),
        this.mark.element,
      ),
      el(
        'main',
        { class: 'room-main' },
        this.stage.element,
        this.invitation.element,
        this.captions.element,
        this.notice,
      ),
      this.panel.element,
      this.menu.element,
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
    this.controls.draw(state, this.call.selfId, this.menuOpen);
    this.menu.draw(state, this.call.selfId);
    this.recording.hidden = state.recorders.size === 0;
    this.captions.draw(state, performance.now());
    this.invitation.draw(!!this.code && state.phase === 'connected' && state.people.size === 1);
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

  private async switchBlur(): Promise<void> {
    const { blur } = this.store.state;
    if (blur !== 'starting') await this.call.setBlur(blur === 'off');
  }

  private async switchMicrophone(): Promise<void> {
    try {
      await this.call.setMicrophone(!this.store.state.micOn);
    } catch (error) {
      this.note(explainDevice(error, 'microphone'));
    }
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

  private switchHand(): void {
    this.sent(this.call.signals.raise(!this.store.state.hands.has(this.call.selfId)));
  }

  private switchCaptions(): void {
    const { captions } = this.store.state;
    this.store.change({ captions: { ...captions, wanted: !captions.wanted } });
  }

  private async switchFullScreen(): Promise<void> {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await document.documentElement.requestFullscreen();
    } catch {
      this.note('The browser does not let this page fill the screen.');
    }
    this.store.change();
  }

  private showMenu(open: boolean): void {
    if (this.menuOpen === open) return;
    this.menuOpen = open;
    this.menu.show(open);
    if (!open) this.controls.focus('more');
    this.store.change();
  }

  /** Says so when something has not gone out. */
  private sent(done: boolean): void {
    if (!done) this.note('Not sent: there is no connection.');
  }

  private link(): string {
    return `${location.origin}/m/${this.code}`;
  }

  private async copyLink(): Promise<boolean> {
    try {
      await navigator.clipboard.writeText(this.link());
      this.note('The link is copied. Send it to whoever should join.');
      return true;
    } catch {
      this.note(`Copy this link: ${this.link()}`);
      return false;
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== 'Escape' || document.querySelector('dialog[open]')) return;
    if (this.menuOpen) this.showMenu(false);
    else this.open(undefined);
  }
}

/** What there is to say about the connection itself; nothing while it is up. */
function phaseWords({ phase, since, line }: RoomState, now: number): string {
  if (phase === 'connected') return line.dead ? 'Nothing arrives from the server. Check your network.' : '';
  if (phase === 'reconnecting') return 'The connection was lost. Trying to get back…';
  return now - since > patience ? 'Still trying. A firewall or VPN may slow this down.' : 'Joining…';
}
