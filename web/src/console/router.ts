// Which page an address stands for, and the one that is open.

import { AuditPage } from './audit';
import { DestinationsPage } from './destinations';
import type { Frame, Page } from './frame';
import { HealthPage } from './health';
import { LogPage } from './log';
import { MeetingPage } from './meeting';
import { MeetingsPage } from './meetings';
import { NodesPage } from './nodes';
import { RecordingsPage } from './recordingspage';
import { SettingsPage } from './settings';
import type { Shell } from './shell';

/** Where the console begins. */
export const root = '/operator/';

export type Address =
  | { page: 'live' }
  | { page: 'ended' }
  | { page: 'recordings' }
  | { page: 'destinations' }
  | { page: 'nodes' }
  | { page: 'health' }
  | { page: 'log' }
  | { page: 'audit' }
  | { page: 'settings' }
  | { page: 'meeting'; meeting: string; attendee: string };

/** What a path of the console asks for; the list of meetings when it makes no sense. */
export function addressOf(path: string): Address {
  const [first = '', meeting = '', attendee = ''] = path.slice(root.length).split('/');
  if (first === 'meetings' && meeting) return { page: 'meeting', meeting, attendee };
  const pages = ['ended', 'recordings', 'destinations', 'nodes', 'health', 'log', 'audit', 'settings'] as const;
  return { page: pages.find((page) => page === first) ?? 'live' };
}

export class Router {
  private page: Page | undefined;

  constructor(
    private readonly frame: Frame,
    private readonly shell: Shell,
  ) {}

  go(path: string): void {
    history.pushState(null, '', path);
    this.route();
  }

  /** Shows the page of the address. */
  route(): void {
    const address = addressOf(location.pathname);
    this.shell.mark(address.page);
    if (address.page === 'meeting' && this.page instanceof MeetingPage && this.page.id === address.meeting) {
      this.page.select(address.attendee);
      return;
    }
    this.page?.close();
    this.page = this.open(address);
    this.shell.show(this.page.element);
    this.frame.title(this.page.title);
  }

  close(): void {
    this.page?.close();
    this.page = undefined;
  }

  private open(address: Address): Page {
    switch (address.page) {
      case 'meeting':
        return new MeetingPage(this.frame, address.meeting, address.attendee);
      case 'recordings':
        return new RecordingsPage(this.frame);
      case 'destinations':
        return new DestinationsPage(this.frame);
      case 'nodes':
        return new NodesPage(this.frame);
      case 'health':
        return new HealthPage(this.frame);
      case 'log':
        return new LogPage(this.frame);
      case 'audit':
        return new AuditPage(this.frame);
      case 'settings':
        return new SettingsPage(this.frame);
      default:
        return new MeetingsPage(this.frame, address.page === 'ended');
    }
  }
}
