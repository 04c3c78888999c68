// Whether what is shown is of now. An open connection proves nothing, since a
// frozen server keeps it open: only the server's beats do.

import type { Beat } from './rows';

export type Liveness =
  /** Nothing has come yet. */
  | { state: 'connecting' }
  | { state: 'live' }
  /** Beats have stopped, or the line is down. */
  | { state: 'silent'; since: number }
  /** The server answers, but cannot read what it should show. */
  | { state: 'faulty'; since: number; fault: string };

/** How many beats may be missing before the silence is told. */
const missable = 3;

export class Pulse {
  private last: Beat | undefined;
  private heard = 0;
  private good = 0;
  private down = false;

  /** Takes a beat at a moment of the clock that `liveness` is asked with. */
  beat(beat: Beat, now: number): void {
    this.last = beat;
    this.heard = now;
    this.down = false;
    if (!beat.fault) this.good = now;
  }

  /** The connection is known to be broken. */
  lost(): void {
    this.down = true;
  }

  /** `since` is when the last good beat came: 0 when none ever did. */
  liveness(now: number): Liveness {
    if (!this.last) return { state: 'connecting' };
    if (this.down || now - this.heard > missable * this.last.every) return { state: 'silent', since: this.good };
    if (this.last.fault) return { state: 'faulty', since: this.good, fault: this.last.fault };
    return { state: 'live' };
  }

  /** For how long nothing has come, in ms; 0 before the first beat. */
  silence(now: number): number {
    return this.last ? now - this.heard : 0;
  }
}
