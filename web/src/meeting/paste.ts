// Joins as an attendee that somebody else has created: for developers who want
// to see their own in a call.

import { el, fill } from '../ui/dom';
import { bell, icon } from '../ui/icons';
import { nameOf } from '../ui/names';
import type { Seat } from './backend';
import { foreignHost, seatIn } from './pasted';

export interface PasteOptions {
  /** What to begin with, as pasted; empty for nothing. */
  given: string;
  join(seat: Seat): Promise<void>;
}

export class PastePage {
  readonly element: HTMLElement;
  private readonly meeting = area('pasted-meeting', '{"Meeting": {"MeetingId": "…", "MediaPlacement": {…}}}');
  private readonly attendee = area('pasted-attendee', '{"Attendee": {"AttendeeId": "…", "JoinToken": "…"}}');
  private readonly word = el('div', { role: 'alert' });
  private readonly button = el('button', { class: 'button main wide', type: 'submit' }, 'Join as this attendee');

  constructor(private readonly options: PasteOptions) {
    const { seat } = seatIn(options.given);
    if (seat) {
      this.meeting.value = pretty({ Meeting: seat.meeting });
      this.attendee.value = pretty({ Attendee: seat.attendee });
    }
    this.element = this.draw(seat);
  }

  /** Shows why joining failed. */
  fail(sentence: string): void {
    this.button.disabled = false;
    fill(this.word, el('p', { class: 'note bad' }, icon('warning', 20), sentence));
  }

  private draw(seat: Seat | undefined): HTMLElement {
    const field = (label: string, input: HTMLTextAreaElement) =>
      el('div', { class: 'field' }, el('label', { for: input.id }, label), input);
    const who = seat && nameOf(seat.attendee.ExternalUserId ?? '');
    return el(
      'div',
      { class: 'lobby' },
      el('header', { class: 'lobby-head' }, el('a', { class: 'brand', href: '/' }, bell(28), 'Carillon')),
      el(
        'main',
        { class: 'paste' },
        el('h1', { tabindex: -1, 'data-focus': true }, 'Join as an attendee'),
        el(
          'p',
          { class: 'soft' },
          who
            ? `You join as ${who}. Nothing leaves this page but what the meeting needs.`
            : 'Paste what your backend got from CreateMeeting and CreateAttendee. The join token stays in this page and goes to the meeting only.',
        ),
        el(
          'form',
          { class: 'entry-form', on: { submit: (event) => this.submit(event) } },
          field('Meeting', this.meeting),
          field('Attendee', this.attendee),
          this.button,
          this.word,
        ),
      ),
    );
  }

  private submit(event: Event): void {
    event.preventDefault();
    fill(this.word);
    const { seat, problem } = seatIn(this.meeting.value, this.attendee.value);
    if (!seat) {
      this.fail(problem);
      return;
    }
    const there = foreignHost(seat, location.host);
    if (there) {
      fill(
        this.word,
        el(
          'p',
          { class: 'note' },
          icon('warning', 20),
          `The meeting is at ${there}, and this page is of ${location.host}: it may be refused.`,
        ),
      );
    }
    this.button.disabled = true;
    void this.options.join(seat);
  }
}

function area(id: string, placeholder: string): HTMLTextAreaElement {
  return el('textarea', {
    class: 'input mono pasted',
    id,
    rows: 6,
    placeholder,
    spellcheck: 'false',
    autocomplete: 'off',
  });
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
