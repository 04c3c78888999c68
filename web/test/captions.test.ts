import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TranscriptEvent } from 'amazon-chime-sdk-js';
import { type Captions, heard, onScreen } from '../src/meeting/captions';

const nothing: Captions = { running: false, wanted: true, lines: [] };

/** A word or a mark that somebody said. */
const item = (who: string, content: string, type = 'pronunciation') => ({
  type,
  content,
  startTimeMs: 0,
  endTimeMs: 0,
  attendee: { attendeeId: who, externalUserId: `0123456789ab#${who.toUpperCase()}` },
});

/** What the SDK hands out, made from plain objects as its converter makes it. */
const event = (results: unknown[]) => ({ results }) as unknown as TranscriptEvent;
const result = (resultId: string, isPartial: boolean, ...items: unknown[]) => ({
  resultId,
  isPartial,
  startTimeMs: 0,
  endTimeMs: 0,
  alternatives: [{ items, transcript: '' }],
});
const status = (type: string) =>
  ({ type, eventTimeMs: 0, transcriptionRegion: '', transcriptionConfiguration: '' }) as unknown as TranscriptEvent;

test('words become a sentence, and a later result takes the place of an earlier one', () => {
  let known = heard(nothing, event([result('r1', true, item('ada', 'hello'))]), 10);
  known = heard(known, event([result('r1', true, item('ada', 'hello'), item('ada', 'grace'))]), 20);
  assert.deepEqual(known.lines, [
    { id: 'r1/ada', attendee: 'ada', name: 'ADA', text: 'hello grace', partial: true, at: 20 },
  ]);
  known = heard(
    known,
    event([
      result(
        'r1',
        false,
        item('ada', 'Hello'),
        item('ada', ',', 'punctuation'),
        item('ada', 'Grace'),
        item('ada', '.', 'punctuation'),
      ),
    ]),
    30,
  );
  assert.equal(known.lines.length, 1);
  assert.deepEqual([known.lines[0]?.text, known.lines[0]?.partial], ['Hello, Grace.', false]);
  assert.equal(known.running, true, 'what is transcribed runs');
  assert.deepEqual(nothing.lines, [], 'what was known before is as it was');
});

test('each has a line of their own, also in one result', () => {
  const known = heard(
    nothing,
    event([result('r1', false, item('ada', 'yes'), item('bob', 'no'), item('ada', 'maybe'))]),
    0,
  );
  assert.deepEqual(
    known.lines.map((line) => `${line.name}: ${line.text}`),
    ['ADA: yes maybe', 'BOB: no'],
  );
});

test('what is empty or foreign makes no line and breaks nothing', () => {
  const odd = [
    result('r1', false),
    { resultId: 'r2', isPartial: false },
    result('r3', true, item('ada', ' ')),
    result('r4', false, { type: 'pronunciation', content: 'hm' }),
  ];
  const known = heard(nothing, event(odd), 0);
  assert.deepEqual(
    known.lines.map((line) => `${line.name}: ${line.text}`),
    ['Somebody: hm'],
  );
});

test('captions run until they are stopped or have failed', () => {
  let known = heard(nothing, status('started'), 0);
  assert.equal(known.running, true);
  for (const type of ['interrupted', 'resumed', 'something new']) {
    known = heard(known, status(type), 0);
    assert.equal(known.running, true, type);
  }
  assert.equal(heard(known, status('stopped'), 0).running, false);
  assert.equal(heard(known, status('failed'), 0).running, false);
  assert.equal(heard(nothing, status('something new'), 0).running, false);
});

test('the last lines are on screen as long as they are fresh', () => {
  let known = nothing;
  for (let n = 0; n < 5; n++) known = heard(known, event([result(`r${n}`, false, item('ada', `line${n}`))]), n * 1000);
  assert.deepEqual(
    onScreen(known.lines, 5000).map((line) => line.text),
    ['line2', 'line3', 'line4'],
  );
  assert.deepEqual(
    onScreen(known.lines, 11_500).map((line) => line.text),
    ['line4'],
  );
  assert.deepEqual(onScreen(known.lines, 60_000), []);
  for (let n = 0; n < 300; n++) known = heard(known, event([result(`s${n}`, false, item('ada', 'x'))]), 0);
  assert.equal(known.lines.length, 200, 'not everything is kept');
});
