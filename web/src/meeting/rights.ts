// What this person may do. The SDK tells a client nothing of its capabilities,
// so the page asks its backend now and then.

import { askRights, type Capabilities, type Seat } from './backend';
import type { Rights } from './state';

/** How often to ask, in ms, and how seldom when the backend is overrun. */
const often = 5000;
const seldom = 60_000;

/** What capabilities of the API come to. */
export function rightsOf(capabilities: Capabilities | undefined): Rights {
  const may = (value: string | undefined, what: 'Send' | 'Receive') =>
    !value || value === what || value === 'SendReceive';
  const { Audio, Video, Content } = capabilities ?? {};
  return {
    speak: may(Audio, 'Send'),
    listen: may(Audio, 'Receive'),
    camera: may(Video, 'Send'),
    share: may(Content, 'Send'),
  };
}

export class RightsWatch {
  private timer = 0;
  private wait = often;
  private closed = false;
  private readonly seen = () => {
    if (!document.hidden) void this.ask();
  };

  constructor(
    private readonly seat: Seat,
    private readonly told: (rights: Rights) => void,
  ) {
    told(rightsOf(seat.attendee.Capabilities));
    document.addEventListener('visibilitychange', this.seen);
    this.later();
  }

  close(): void {
    this.closed = true;
    document.removeEventListener('visibilitychange', this.seen);
    window.clearTimeout(this.timer);
  }

  /** Asks at once, because something looks as if a right had gone. */
  async ask(): Promise<void> {
    window.clearTimeout(this.timer);
    if (!this.seat.code) return; // a seat of another backend: nobody to ask
    try {
      const capabilities = await askRights(this.seat);
      this.wait = often;
      if (!this.closed) this.told(rightsOf(capabilities));
    } catch {
      this.wait = Math.min(seldom, this.wait * 2); // what was known stays; the line's mark tells of a server that is away
    }
    this.later();
  }

  private later(): void {
    window.clearTimeout(this.timer);
    if (this.closed || document.hidden || !this.seat.code) return; // nobody looks, or nobody to ask
    this.timer = window.setTimeout(() => void this.ask(), this.wait);
  }
}
