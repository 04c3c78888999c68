// How good the line to the server is, told from what arrives: packets and the
// server's own word on what it gets. A call that says nothing has no line.

export type Phase = 'connecting' | 'connected' | 'reconnecting';

/** What is known of a line. Times are performance.now(), 0 for never. */
export interface Evidence {
  phase: Phase;
  /** When anything last came in from the server's media side. */
  arrived: number;
  /** When sound last came in. */
  sounded: number;
  /** Whether sound is to be expected. */
  listens: boolean;
  /** How well the server gets this client: 0, 0.5 or 1. */
  strength: number;
  /** Pings in a row that the signaling side did not answer. */
  missedPongs: number;
  /** Share of audio packets lost on the way here in the last seconds, in percent. */
  lossPercent: number | undefined;
  roundTripMs: number | undefined;
}

export interface Line {
  /** 0 to 3. */
  bars: number;
  word: string;
  details: string;
  /** It was up, and nothing arrives any more. */
  dead?: boolean;
  /** Nothing can arrive yet. */
  begins?: boolean;
}

/** How long nothing may arrive, in ms. Sound comes fifty times a second, connectivity checks every two seconds and a half. */
const patience = 4000;

/** From here on loss is heard, in percent, even while the line is fine. */
const audibleLoss = 2;

/** From here on people repeat themselves, in percent: more than the codec's own redundancy makes up for. */
const painfulLoss = 10;

/** What to say of a line at a moment. */
export function judge(e: Evidence, now: number): Line {
  if (e.phase === 'connecting' || (e.phase === 'connected' && !e.arrived))
    return { bars: 0, word: 'Connecting…', details: '', begins: true };
  if (e.phase === 'reconnecting') return { bars: 0, word: 'Connection lost', details: '' };
  const stale = (at: number) => now - at > patience;
  if (stale(e.arrived))
    return { bars: 0, word: 'No connection', details: 'Nothing arrives from the server', dead: true };
  const details = [
    e.strength <= 0 && 'Hardly anything gets through',
    e.lossPercent !== undefined && `${e.lossPercent.toFixed(1)} % of audio lost`,
    e.roundTripMs !== undefined && `${Math.round(e.roundTripMs)} ms there and back`,
  ];
  const told = details.filter(Boolean).join(', ');
  const silent = e.listens && stale(e.sounded);
  const loss = e.lossPercent ?? 0;
  if (e.strength < 1 || loss >= painfulLoss || silent || e.missedPongs > 1)
    return { bars: 1, word: 'Poor connection', details: told };
  if (loss >= audibleLoss) return { bars: 2, word: 'Fair connection', details: told };
  return { bars: 3, word: 'Good connection', details: told };
}
