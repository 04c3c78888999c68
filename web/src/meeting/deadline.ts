// Ends a joining that does not get anywhere, with what is known of why.

import { codes } from './codes';
import type { RoomStore } from './state';

/** How long joining may take, in ms: within twenty seconds a person knows. */
const joinWithin = 15_000;

/** How long it may take when something has arrived: it is slow, not stuck. */
const longer = 30_000;

/** How long to find out whether the server answers at all, in ms. */
const probeWithin = 2000;

export class JoinDeadline {
  private timer: number;

  /** socketOpens tries a connection of the signaling side; over is told a status code of the SDK's, once. */
  constructor(
    private readonly store: RoomStore,
    private readonly arrived: () => boolean,
    private readonly socketOpens: () => Promise<boolean>,
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

  /** Says which part of the way is closed. */
  private async explain(): Promise<void> {
    const answering = fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(probeWithin) }).then(
      () => true,
      () => false,
    );
    const [answers, opens] = await Promise.all([answering, this.socketOpens()]);
    if (this.store.state.phase === 'connected') return;
    if (!answers) this.over(codes.AudioServiceUnavailable);
    else this.over(opens ? codes.TaskFailed : codes.SignalingChannelClosedUnexpectedly);
  }
}

/** Whether a WebSocket opens; it is closed again at once. */
export function opens(url: string, protocols: string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    const timer = window.setTimeout(() => end(false), probeWithin);
    const end = (open: boolean) => {
      window.clearTimeout(timer);
      socket.close();
      resolve(open);
    };
    socket.onopen = () => end(true);
    socket.onerror = () => end(false);
  });
}
