// What a peer connection's own statistics say of what comes through. The client
// has sums of them too, which after a reconnect may be those of streams that are
// gone: sound that comes in then counts as none.

/** What has come through on a connection. */
export interface Arrivals {
  /** Bytes and connectivity checks that have come in on any path. */
  received: number;
  /** Packets of sound that have come in. */
  heard: number;
  /** Share of the sound sent that the server has lately missed, in percent. */
  lossPercent: number | undefined;
}

/** Sums up a report of statistics, as W3C's webrtc-stats names them. */
export function arrivals(stats: Iterable<Record<string, unknown>>): Arrivals {
  const sums: Arrivals = { received: 0, heard: 0, lossPercent: undefined };
  for (const stat of stats) {
    const number = (key: string) => finite(stat[key]) ?? 0;
    if (stat.type === 'candidate-pair')
      sums.received += number('bytesReceived') + number('requestsReceived') + number('responsesReceived');
    if (stat.kind !== 'audio') continue;
    if (stat.type === 'inbound-rtp') sums.heard += number('packetsReceived');
    if (stat.type === 'remote-inbound-rtp') sums.lossPercent = 100 * number('fractionLost');
  }
  return sums;
}

/** A measured number, not negative; undefined for anything else. */
export function finite(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
