// The rows as the server sends them (internal/console/golden_test.go) against
// the types the pages read them by. Most of it is checked by the compiler: a
// name or a kind of value that only one side has does not compile.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type golden from '../../internal/console/testdata/rows.json';
import * as rows from '../src/console/rows';

type Golden = typeof golden;

/** T with nothing left out, and with the words of a choice as any string: as the compiler reads JSON. */
type Told<T> = T extends string
  ? string
  : T extends number
    ? number
    : T extends boolean
      ? boolean
      : T extends readonly (infer U)[]
        ? Told<U>[]
        : { [K in keyof T]-?: Told<Exclude<T[K], undefined>> };

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? (keyof A extends keyof B ? true : keyof A) : false) : false;

/** Sessions as they stand in a list. */
type Listed = Omit<rows.SessionRow, 'now' | 'samples'>;

const same: {
  meeting: Same<Told<rows.MeetingRow>, Golden['MeetingRow']>;
  attendee: Same<Told<Omit<rows.AttendeeRow, 'sessions'> & { sessions: Listed[] }>, Golden['AttendeeRow']>;
  session: Same<Told<rows.SessionRow>, Golden['SessionRow']>;
  record: Same<Told<rows.RecordRow>, Golden['RecordRow']>;
  refusal: Same<Told<rows.RefusalRow>, Golden['RefusalRow']>;
  node: Same<Told<rows.NodeRow>, Golden['NodeRow']>;
  recording: Same<Told<rows.RecordingRow>, Golden['RecordingRow']>;
  file: Same<Told<rows.RecordingFile>, Golden['RecordingFile']>;
  point: Same<Told<rows.Point>, Golden['Sample']['points'][keyof Golden['Sample']['points']]>;
  sample: Same<keyof rows.Sample, keyof Golden['Sample']>;
  beat: Same<Told<rows.Beat>, Golden['Beat']>;
  health: Same<keyof rows.Health, keyof Golden['Health']>;
  vitals: Same<keyof Required<rows.Vitals>, keyof Golden['Health']['nodes'][number]>;
  log: Same<keyof rows.LogPart, keyof Golden['LogPart']>;
  line: Same<keyof rows.LogLine, keyof Golden['LogPart']['lines'][number]>;
} = {
  meeting: true,
  attendee: true,
  session: true,
  record: true,
  refusal: true,
  node: true,
  recording: true,
  file: true,
  point: true,
  sample: true,
  beat: true,
  health: true,
  vitals: true,
  log: true,
  line: true,
};

test('the pages know every row, state and step the server tells of', async () => {
  assert.ok(Object.values(same).every((equal) => equal));
  const file = new URL('../../internal/console/testdata/rows.json', import.meta.url);
  const told = JSON.parse(await readFile(file, 'utf8')) as Golden;
  assert.deepEqual(told.states, [...rows.states]);
  assert.deepEqual(told.steps, [...rows.stepNames]);
});
