import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arrivals } from '../src/meeting/arrivals';

test('what comes in is summed over paths and streams', () => {
  const stats = [
    { type: 'candidate-pair', bytesReceived: 100, requestsReceived: 2, responsesReceived: 3 },
    { type: 'candidate-pair', bytesReceived: 10, requestsReceived: -1 },
    { type: 'inbound-rtp', kind: 'audio', packetsReceived: 7 },
    { type: 'inbound-rtp', kind: 'video', packetsReceived: 1000 },
    { type: 'outbound-rtp', kind: 'audio', packetsSent: 1000 },
    { type: 'remote-inbound-rtp', kind: 'audio', fractionLost: 0.125 },
    { type: 'remote-inbound-rtp', kind: 'video', fractionLost: 0.5 },
  ];
  assert.deepEqual(arrivals(stats), { received: 115, heard: 7, lossPercent: 12.5 });
});

test('before anything is known there is nothing', () => {
  assert.deepEqual(arrivals([]), { received: 0, heard: 0, lossPercent: undefined });
  assert.equal(arrivals([{ type: 'inbound-rtp', kind: 'audio', packetsReceived: Number.NaN }]).heard, 0);
});
