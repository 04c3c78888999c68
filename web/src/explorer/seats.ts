// Offers to join as the attendees of an answer.

import { el, fill } from '../ui/dom';
import { joinElsewhere } from '../ui/handover';
import { icon } from '../ui/icons';

type Members = Record<string, unknown> & {
  MeetingId?: string;
  AttendeeId?: string;
  JoinToken?: string;
  ExternalUserId?: string;
};

interface Told {
  Meeting?: Members;
  Attendee?: Members;
  Attendees?: Members[];
}

/** How many attendees of one answer are offered. */
const most = 10;

export class Seats {
  readonly element = el('div', { class: 'seats' });
  private readonly meetings = new Map<string, Members>();

  /** fetchMeeting gets a Meeting that no answer has told of; it rejects with a sentence. */
  constructor(
    private readonly fetchMeeting: (id: string) => Promise<unknown>,
    private readonly complain: (fault: string) => void,
  ) {}

  clear(): void {
    fill(this.element);
  }

  /** Shows the seats of an answer's body; meeting is the one that the call named. */
  show(text: string, meeting: string): void {
    const told = read(text);
    if (told.Meeting?.MeetingId) this.meetings.set(told.Meeting.MeetingId, told.Meeting);
    const id = told.Meeting?.MeetingId ?? meeting;
    const attendees = [told.Attendee, ...(told.Attendees ?? [])]
      .filter((a) => a?.AttendeeId && a.JoinToken)
      .slice(0, most);
    fill(this.element, ...(id ? attendees : []).map((attendee) => this.button(id, attendee as Members)));
  }

  private button(meeting: string, attendee: Members): HTMLElement {
    return el(
      'button',
      { class: 'button small', type: 'button', on: { click: () => void this.join(meeting, attendee) } },
      icon('people', 18),
      `Join as ${attendee.ExternalUserId || 'this attendee'}`,
    );
  }

  private async join(id: string, attendee: Members): Promise<void> {
    try {
      const meeting = this.meetings.get(id) ?? read(JSON.stringify(await this.fetchMeeting(id))).Meeting;
      if (!meeting) throw new Error('The meeting cannot be read.');
      this.meetings.set(id, meeting);
      joinElsewhere(meeting, attendee);
    } catch (error) {
      this.complain(error instanceof Error ? error.message : String(error));
    }
  }
}

function read(text: string): Told {
  try {
    return (JSON.parse(text) as Told | null) ?? {};
  } catch {
    return {};
  }
}
