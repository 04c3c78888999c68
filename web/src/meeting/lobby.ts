// Before the meeting: a name, a look in the mirror, a word into the microphone.

import { attribute, el, fill, setText } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import { listDevices, measure, type Preferences, Preview } from './devices';
import { deviceSelect } from './deviceselect';
import { Meter } from './meter';

export interface LobbyOptions {
  /** The meeting of the address, empty on the start page. */
  code: string;
  preferences: Preferences;
  problem: string;
  /** Joins the meeting with the code, or a fresh one when it is empty. */
  join(code: string): Promise<void>;
}

/** The server's name and version, as the build wrote it into the page. */
function builtWith(): string | undefined {
  return document.querySelector<HTMLMetaElement>('meta[name="generator"]')?.content;
}

export class Lobby {
  readonly element: HTMLElement;

  private readonly camera = new Preview('video');
  private readonly microphone = new Preview('audio');
  private readonly video = el('video', {
    class: 'mirror',
    autoplay: true,
    playsinline: true,
    'aria-label': 'Your camera',
  });
  private readonly curtain = el('p', { class: 'curtain' });
  private readonly meter = new Meter('Microphone level');
  private readonly faults = el('div', { class: 'faults', role: 'status' });
  private readonly refusal = el('div', { role: 'alert' });
  private readonly devices = el('div', { class: 'device-selects' });
  private readonly micButton: HTMLButtonElement;
  private readonly cameraButton: HTMLButtonElement;
  private readonly name: HTMLInputElement;
  private readonly joinButton: HTMLButtonElement;
  private stopMeter: () => void = () => undefined;
  private closed = false;
  private readonly refreshDevices = () => void this.showDevices();

  constructor(private readonly options: LobbyOptions) {
    const { preferences } = options;
    this.video.muted = true;
    this.micButton = this.toggle('mic', () => void this.switchMic(!preferences.micOn));
    this.cameraButton = this.toggle('camera', () => void this.switchCamera(!preferences.cameraOn));
    this.name = el('input', {
      class: 'input',
      id: 'name',
      name: 'name',
      value: preferences.name,
      required: true,
      maxlength: 40,
      dir: 'auto',
      autocomplete: 'name',
      placeholder: 'How others will see you',
      'data-focus': !preferences.name,
    });
    this.joinButton = el(
      'button',
      { class: 'button main wide', type: 'submit', 'data-focus': !!preferences.name },
      options.code ? 'Join the meeting' : 'Start a meeting',
    );
    this.element = this.draw();
    if (options.problem) this.fail(options.problem);
    navigator.mediaDevices?.addEventListener('devicechange', this.refreshDevices);
    void this.switchMic(preferences.micOn);
    void this.switchCamera(preferences.cameraOn);
  }

  /** Shows why joining failed. */
  fail(sentence: string): void {
    this.busy(false);
    fill(this.refusal, el('p', { class: 'note bad' }, icon('warning', 20), sentence));
  }

  /** Lets go of camera and microphone. */
  close(): void {
    this.closed = true;
    this.stopMeter();
    this.camera.stop();
    this.microphone.stop();
    navigator.mediaDevices?.removeEventListener('devicechange', this.refreshDevices);
  }

  private draw(): HTMLElement {
    const { code } = this.options;
    const form = el(
      'form',
      { class: 'entry-form', on: { submit: (event) => this.submit(event, code) } },
      el('div', { class: 'field' }, el('label', { for: 'name' }, 'Your name'), this.name),
      this.joinButton,
      this.refusal,
    );
    return el(
      'div',
      { class: 'lobby' },
      el(
        'header',
        { class: 'lobby-head' },
        el('a', { class: 'brand', href: '/', title: builtWith() }, bell(28), 'Carillon'),
      ),
      el(
        'main',
        { class: 'lobby-grid' },
        el(
          'section',
          { class: 'preview', 'aria-label': 'Your camera and microphone' },
          el(
            'div',
            { class: 'frame' },
            this.video,
            this.curtain,
            el('div', { class: 'frame-buttons' }, this.micButton, this.cameraButton),
          ),
          this.meter.element,
          this.faults,
          el('details', { class: 'devices' }, el('summary', {}, icon('sliders', 18), 'Choose devices'), this.devices),
        ),
        el(
          'section',
          { class: 'entry' },
          el('h1', {}, code ? 'Ready to join?' : 'Talk, face to face'),
          code
            ? el('p', { class: 'soft' }, 'Meeting ', el('span', { class: 'mono' }, code))
            : el('p', { class: 'soft' }, 'Start a meeting and pass its link on. Whoever has the link can join.'),
          form,
          !code && this.codeForm(),
        ),
      ),
    );
  }

  private codeForm(): HTMLElement {
    const input = el('input', {
      class: 'input mono',
      id: 'code',
      placeholder: 'abc-defg-hij',
      autocomplete: 'off',
      autocapitalize: 'off',
      spellcheck: 'false',
      maxlength: 120,
      required: true,
    });
    const join = (event: Event) => {
      event.preventDefault();
      const code = codeIn(input.value);
      if (!code) return;
      if (!this.name.reportValidity()) return;
      void this.go(code);
    };
    return el(
      'form',
      { class: 'code-form', on: { submit: join } },
      el('label', { for: 'code' }, 'Or join with a code or link'),
      el('div', { class: 'code-row' }, input, el('button', { class: 'button', type: 'submit' }, 'Join')),
    );
  }

  private submit(event: Event, code: string): void {
    event.preventDefault();
    void this.go(code);
  }

  private async go(code: string): Promise<void> {
    this.options.preferences.name = this.name.value.trim();
    if (!this.options.preferences.name) {
      this.name.value = '';
      this.name.reportValidity();
      return;
    }
    fill(this.refusal);
    this.busy(true);
    await this.options.join(code);
  }

  private busy(on: boolean): void {
    this.joinButton.disabled = on;
    setText(this.joinButton, on ? 'Joining…' : this.options.code ? 'Join the meeting' : 'Start a meeting');
  }

  private toggle(kind: 'mic' | 'camera', click: () => void): HTMLButtonElement {
    return el('button', { class: 'round', type: 'button', 'data-kind': kind, on: { click } });
  }

  private async switchMic(on: boolean): Promise<void> {
    this.options.preferences.micOn = on;
    this.drawToggle(this.micButton, on, 'microphone');
    this.stopMeter();
    this.meter.set(0);
    if (on) await this.microphone.start(this.options.preferences.microphone);
    else this.microphone.stop();
    if (this.closed) return this.microphone.stop();
    if (this.microphone.track) this.stopMeter = measure(this.microphone.track, (level) => this.meter.set(level));
    this.meter.element.hidden = !this.microphone.track;
    this.showFaults();
    await this.showDevices();
  }

  private async switchCamera(on: boolean): Promise<void> {
    this.options.preferences.cameraOn = on;
    this.drawToggle(this.cameraButton, on, 'camera');
    setText(this.curtain, on ? 'Starting the camera…' : 'Your camera is off');
    if (on) await this.camera.start(this.options.preferences.camera);
    else this.camera.stop();
    if (this.closed) return this.camera.stop();
    this.video.srcObject = this.camera.track ? new MediaStream([this.camera.track]) : null;
    this.video.hidden = !this.camera.track;
    if (on && !this.camera.track) setText(this.curtain, 'No picture');
    this.curtain.hidden = !!this.camera.track;
    this.showFaults();
    await this.showDevices();
  }

  private drawToggle(button: HTMLButtonElement, on: boolean, what: string): void {
    const name = button.dataset.kind === 'mic' ? (on ? 'mic' : 'micOff') : on ? 'camera' : 'cameraOff';
    fill(button, icon(name));
    attribute(button, 'aria-pressed', String(on));
    attribute(button, 'aria-label', `Join with ${what} on`);
    attribute(button, 'title', `Turn ${what} ${on ? 'off' : 'on'}`);
    button.classList.toggle('off', !on);
  }

  private showFaults(): void {
    const sentences = [this.microphone.fault, this.camera.fault].filter(Boolean);
    fill(this.faults, ...sentences.map((text) => el('p', { class: 'note' }, icon('warning', 20), text)));
  }

  private async showDevices(): Promise<void> {
    const found = await listDevices();
    if (this.closed) return;
    const { preferences } = this.options;
    fill(
      this.devices,
      deviceSelect('Microphone', found.microphones, preferences.microphone, (id) => {
        preferences.microphone = id;
        void this.switchMic(true);
      }),
      deviceSelect('Camera', found.cameras, preferences.camera, (id) => {
        preferences.camera = id;
        void this.switchCamera(true);
      }),
      deviceSelect('Speaker', found.speakers, preferences.speaker, (id) => {
        preferences.speaker = id;
      }),
    );
  }
}

/** The code in what somebody typed or pasted: a code or a whole link. */
function codeIn(typed: string): string {
  const link = /\/m\/([^/?#\s]+)/.exec(typed);
  return (link?.[1] ?? typed).trim();
}
