// Asks the server again and again while a page is shown, and tells whether what
// the page shows is of now.

import type { Frame } from './frame';
import { Refusal } from './server';

export class Poll {
  private timer = 0;
  private closed = false;
  private good = 0; // when the last answer came
  private round = 0; // of two that overlap the later one counts

  /** ask gets an answer and draws it, unless current() says that another question has been asked since. */
  constructor(
    private readonly frame: Frame,
    private readonly every: number,
    private readonly ask: (current: () => boolean) => Promise<void>,
  ) {}

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
  }

  /** Stops asking until `now` is called. */
  pause(): void {
    this.round++;
    window.clearTimeout(this.timer);
  }

  /** Asks at once, and from then on again and again. */
  async now(): Promise<void> {
    window.clearTimeout(this.timer);
    const round = ++this.round;
    const current = () => !this.closed && round === this.round;
    try {
      await this.ask(current);
      if (!current()) return;
      this.good = Date.now();
      this.frame.liveness({ state: 'live' });
    } catch (error) {
      if (!current()) return;
      if (error instanceof Refusal && error.status === 401) {
        this.frame.signedOut();
        return;
      }
      const fault = error instanceof Refusal && error.status > 0 ? error.message.replace(/\.$/, '') : '';
      this.frame.liveness(fault ? { state: 'faulty', since: this.good, fault } : { state: 'silent', since: this.good });
    }
    this.timer = window.setTimeout(() => void this.now(), this.every);
  }
}
