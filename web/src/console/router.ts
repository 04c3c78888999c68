// Which page an address stands for, and the one that is open.

import { DestinationsPage } from './destinations';
import type { Frame, Page } from './frame';
import { MeetingPage } from './meeting';
import { MeetingsPage } from './meetings';
import { NodesPage } from './nodes';
import type { Shell } from './shell';

/** Where the console begins. */
export const root = '/operator/';

export type Address =
  | { page: 'live' }
  | { page: 'ended' }
<<<<<<< HEAD
  | { page: 'destinations' }
=======
  | { page: 'nodes' }
>>>>>>> 79d56ca (The console shows the nodes of a cluster)
  | { page: 'meeting'; meeting: string; attendee: string };

/** What a path of the console asks for; the list of meetings when it makes no sense. */
export function addressOf(path: string): Address {
  const [first = '', meeting = '', attendee = ''] = path.slice(root.length).split('/');
  if (first === 'meetings' && meeting) return { page: 'meeting', meeting, attendee };
<<<<<<< HEAD
  return { page: first === 'ended' || first === 'destinations' ? first : 'live' };
=======
  return { page: first === 'ended' || first === 'nodes' ? first : 'live' };
}

function pageOf(frame: Frame, address: Address): Page {
  if (address.page === 'meeting') return new MeetingPage(frame, address.meeting, address.attendee);
  if (address.page === 'nodes') return new NodesPage(frame);
  return new MeetingsPage(frame, address.page === 'ended');
>>>>>>> 79d56ca (The console shows the nodes of a cluster)
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
<<<<<<< HEAD
    this.page = this.open(address);
=======
    this.page = pageOf(this.frame, address);
>>>>>>> 79d56ca (The console shows the nodes of a cluster)
    this.shell.show(this.page.element);
    this.frame.title(this.page.title);
  }

  close(): void {
    this.page?.close();
    this.page = undefined;
  }

  private open(address: Address): Page {
    if (address.page === 'meeting') return new MeetingPage(this.frame, address.meeting, address.attendee);
    if (address.page === 'destinations') return new DestinationsPage(this.frame);
    return new MeetingsPage(this.frame, address.page === 'ended');
  }
}
