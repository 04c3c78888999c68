// Gathers what a call lets know of its line.

import type { AudioVideoFacade, ClientMetricReport } from 'amazon-chime-sdk-js';
import { arrivals, finite } from './arrivals';
import { type Evidence, judge } from './line';
import type { Person, RoomStore } from './state';

/** How often the line is judged, in ms: what does not arrive tells nobody. */
const judgeEvery = 500;

/** Of how many reports the loss is the mean; there is one each second. */
const lossReports = 4;

type Measured = Omit<Evidence, 'phase' | 'listens'>;

/** What a new connection begins with: it has to prove itself. */
const unproven: Measured = {
  arrived: 0,
  sounded: 0,
  strength: 1,
  missedPongs: 0,
  lossPercent: undefined,
  roundTripMs: undefined,
};

/** Gathers what is known of a call's line and keeps the verdict in the store. */
export class LineWatch {
  private known = unproven;
  private received = 0;
  private heard = 0;
  private losses: number[] = [];
  private readonly timer: number;

  constructor(
    av: AudioVideoFacade,
    private readonly store: RoomStore,
  ) {
    const learn = (news: Partial<Measured>) => {
      this.known = { ...this.known, ...news };
    };
    av.realtimeSubscribeToLocalSignalStrengthChange((strength) => learn({ strength }));
    av.addObserver({
      audioVideoDidStartConnecting: () => {
        this.known = unproven;
        this.losses = [];
        this.judge();
      },
      connectionHealthDidChange: (health) => learn({ missedPongs: health.consecutiveMissedPongs }),
      metricsDidReceive: (report) => learn(this.measured(report)),
    });
    this.timer = window.setInterval(() => this.judge(), judgeEvery);
  }

  close(): void {
    window.clearInterval(this.timer);
  }

  /** Whether anything has arrived on this connection. */
  get proven(): boolean {
    return this.known.arrived > 0;
  }

  private measured(report: ClientMetricReport): Partial<Measured> {
    const now = performance.now();
    const { received, heard, lossPercent } = arrivals(report.getRTCStatsReport().values());
    if (lossPercent !== undefined) this.losses = [lossPercent, ...this.losses.slice(0, lossReports - 1)];
    const news: Partial<Measured> = {
      lossPercent: lossPercent === undefined ? undefined : mean(this.losses),
      roundTripMs: finite(report.getObservableMetrics().currentRoundTripTimeMs),
    };
    // Less than before is a new connection's.
    if (received > 0 && received !== this.received) news.arrived = now;
    if (heard > 0 && heard !== this.heard) news.sounded = now;
    this.received = received;
    this.heard = heard;
    return news;
  }

  private judge(): void {
    const { phase, rights, people } = this.store.state;
    const line = judge({ ...this.known, phase, listens: rights.listen }, performance.now());
    if (line.bars === 0) quiet(people.values());
    this.store.change({ line });
  }
}

/** Nobody is known to speak while nothing arrives. */
function quiet(people: Iterable<Person>): void {
  for (const person of people) {
    person.volume = 0;
    person.speaking = false;
  }
}

function mean(values: number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
