// What an operator can do to an attendee. Each asks first.

import { el, setText } from '../ui/dom';
import { joinElsewhere } from '../ui/handover';
import { isRecorder } from '../ui/names';
import { capabilityFields } from './capabilities';
import { confirm } from './confirm';
import { nameOfAttendee } from './format';
import { maySpeak } from './people';
import type { AttendeeRow, Capabilities } from './rows';
import type { Server } from './server';

export class PersonActions {
  readonly element: HTMLElement;
  private readonly buttons: HTMLElement;
  private readonly mute: HTMLButtonElement;
  private readonly change: HTMLButtonElement;
  private readonly join: HTMLButtonElement;
  private readonly over = el('p', { class: 'soft' });
  private row: AttendeeRow | undefined;

  constructor(
    private readonly server: Server,
    private readonly meeting: string,
    private readonly id: string,
    private readonly say: (text: string) => void,
  ) {
    const button = (text: string, look: string, click: () => void) =>
      el('button', { class: `button small ${look}`, type: 'button', on: { click } }, text);
    this.mute = button('Mute', '', () => this.askMute());
    this.change = button('Capabilities…', '', () => this.askCapabilities());
    const remove = button('Remove', 'danger', () => this.askRemove());
    this.join = button('Join as this attendee…', '', () => this.askJoin());
    this.buttons = el('div', { class: 'person-actions' }, this.mute, this.change, this.join, remove);
    this.element = el('div', {}, this.buttons, this.over);
  }

  /** Offers what can still be done, or says why nothing can. */
  draw(row: AttendeeRow, ended: boolean): void {
    this.row = row;
    const { readOnly } = this.server;
    const usable = !ended && !row.deleted && !readOnly;
    this.buttons.hidden = !usable;
    this.over.hidden = usable;
    setText(
      this.over,
      ended ? 'The meeting has ended.' : row.deleted ? 'Removed: its join token is refused.' : readOnly,
    );
    setText(this.mute, maySpeak(row) ? 'Mute' : 'Let speak');
    this.mute.disabled = !row.capabilities;
    this.change.disabled = !row.capabilities;
    this.join.hidden = isRecorder(row.external);
  }

  private name(): string {
    return nameOfAttendee(this.id, this.row?.external);
  }

  private set(capabilities: Capabilities): Promise<void> {
    return this.server.setCapabilities(this.meeting, this.id, capabilities);
  }

  private askMute(): void {
    const caps = this.row?.capabilities;
    if (!this.row || !caps) return;
    const silence = maySpeak(this.row);
    const receives = caps.audio === 'SendReceive' || caps.audio === 'Receive';
    const audio = silence ? (receives ? 'Receive' : 'None') : receives ? 'SendReceive' : 'Send';
    confirm({
      title: silence ? `Mute ${this.name()}?` : `Let ${this.name()} speak?`,
      text: silence
        ? 'The right to send audio is taken away on the server, so unmuting in the client has no effect until it is given back here.'
        : 'The right to send audio is given back. If the microphone is open, the others hear it at once.',
      yes: silence ? 'Mute' : 'Let speak',
      act: () => this.set({ ...caps, audio }),
    });
  }

  private askCapabilities(): void {
    const caps = this.row?.capabilities;
    if (!caps) return;
    const fields = capabilityFields(caps);
    confirm({
      title: `What may ${this.name()} do?`,
      text: 'Taking something away works at once. A camera or share that is given back starts only when the client starts it again.',
      yes: 'Change',
      extra: fields.element,
      act: () => this.set(fields.value()),
    });
  }

  private askJoin(): void {
    confirm({
      title: `Join as ${this.name()}?`,
      text: 'The meeting opens in a tab of its own, and everybody sees you under this name. If the attendee is connected now, that connection ends.',
      yes: 'Join',
      act: async () => {
        const { Meeting, Attendee } = await this.server.seatOf(this.meeting, this.id);
        joinElsewhere(Meeting, Attendee);
      },
    });
  }

  private askRemove(): void {
    confirm({
      title: `Remove ${this.name()}?`,
      text: 'The attendee is deleted: its connection ends at once and its join token stops working.',
      yes: 'Remove',
      danger: true,
      act: () => this.server.removeAttendee(this.meeting, this.id).then(() => this.say('The attendee was removed')),
    });
  }
}
