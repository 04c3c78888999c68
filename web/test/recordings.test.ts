import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playtime, size } from '../src/console/format';
import { streamName } from '../src/console/recordingcard';
import type { RecordingStream } from '../src/console/rows';

const stream = (name: string, codec = ''): RecordingStream => ({
  name,
  type: 'video/mp4',
  codec,
  files: 1,
  first: 0,
  bytes: 1,
  length: 1,
});
const nameOf = (id: string) => (id === 'a1' ? 'Ada' : id);

test('streams are called what they hold', () => {
  const cases: [RecordingStream, string][] = [
    [stream('audio'), 'Sound'],
    [stream('audio', 'H264'), 'Sound, and who was speaking'],
    [stream('video/a1', 'VP8'), 'Camera of Ada'],
    [stream('video/a1#content', 'VP8'), 'Screen of Ada'],
    [stream('video/unknown', 'VP8'), 'Camera of unknown'],
    [stream('data-channel'), 'Chat and other messages'],
    [stream('meeting-events'), 'Who came and went'],
    [stream('something-new'), 'something-new'],
  ];
  for (const [one, words] of cases) assert.equal(streamName(one, nameOf), words);
});

test('sizes and lengths are told shortly', () => {
  const sizes: [number, string][] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [3_449_000, '3.4 MB'],
    [99_960_000, '100 MB'],
    [999_600_000, '1.0 GB'],
    [5e15, '5000 TB'],
  ];
  for (const [bytes, words] of sizes) assert.equal(size(bytes), words);
  const lengths: [number, string][] = [
    [0, '0:00'],
    [6900, '0:07'],
    [59_499, '0:59'],
    [60_000, '1:00'],
    [3_723_000, '1:02:03'],
  ];
  for (const [ms, words] of lengths) assert.equal(playtime(ms), words);
});
