// Ends a joining that does not get anywhere, with what is known of why.

import { codes } from './codes';
import type { RoomStore } from './state';

/** How long joining may take, in ms: within twenty seconds a person knows. */
const joinWithin = 16_000;

/** How long it may take when something has arrived: it is slow, not stuck. */
const longer = 30_000;

/** How long to find out whether the server answers at all, in ms. */
const probeWithin = 3000;

export class JoinDeadline {
  private timer: number;

  /** over is told a status code of the SDK's, once. */
  constructor(
    private readonly store: RoomStore,
    private readonly arrived: () => boolean,
    private readonly over: (code: number) => void,
  ) {
    this.timer = window.setTimeout(() => this.due(), joinWithin);
  }

  /** Joining has worked, or is over for another reason. */
  clear(): void {
    window.clearTimeout(this.timer);
  }

  private due(): void {
    if (this.store.state.phase === 'connected') return;
    if (!this.arrived()) {
      void this.explain();
      return;
    }
    this.timer = window.setTimeout(() => void this.explain(), longer);
  }

  /** Says which half of the way is closed. */
  private async explain(): Promise<void> {
    const answers = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(probeWithin) }).then(
      () => true,
      () => false,
    );
    if (this.store.state.phase !== 'connected') this.over(answers ? codes.TaskFailed : codes.AudioServiceUnavailable);
  }
}
