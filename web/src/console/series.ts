// The figures of a node over time: which there are, and how a chart of them is
// laid out. Nothing here draws.

import { count, size } from './format';
import type { Vitals } from './rows';

/** One line of a chart: a column of Vitals. */
export interface Line {
  label: string;
  column: string;
  look: 'one' | 'two';
}

export interface Measured {
  title: string;
  /** What the figures are, beside the title. */
  unit: string;
  lines: Line[];
  /** The top of the scale for the largest figure in view. */
  top(largest: number): number;
  format(value: number): string;
}

const share = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;
const each = (value: number) => `${value < 10 ? value.toFixed(1) : count(Math.round(value))}/s`;
const whole = (value: number) => count(Math.round(value));

export const measured: Measured[] = [
  {
    title: 'Processor',
    unit: 'of all processors',
    lines: [
      { label: 'this server', column: 'cpu', look: 'one' },
      { label: 'the whole machine', column: 'machine', look: 'two' },
    ],
    top: (largest) => stepAbove(largest, [10, 25, 50, 100]),
    format: share,
  },
  {
    title: 'Memory',
    unit: 'of this server',
    lines: [
      { label: 'in all', column: 'resident', look: 'one' },
      { label: 'heap', column: 'heap', look: 'two' },
    ],
    top: (largest) => niceAbove(largest, 1e6),
    format: size,
  },
  {
    title: 'Disk',
    unit: 'of the data directory',
    lines: [
      { label: 'free', column: 'diskFree', look: 'one' },
      { label: 'used', column: 'diskUsed', look: 'two' },
    ],
    top: (largest) => niceAbove(largest, 1e6),
    format: size,
  },
  {
    title: 'Late sound',
    unit: 'of all frames of 20 ms',
    lines: [
      { label: 'begun late', column: 'late', look: 'one' },
      { label: 'left out', column: 'skipped', look: 'two' },
    ],
    top: (largest) => stepAbove(largest, [1, 5, 20, 100]),
    format: share,
  },
  {
    title: 'API calls',
    unit: 'each second',
    lines: [{ label: 'calls', column: 'calls', look: 'one' }],
    top: (largest) => niceAbove(largest, 1),
    format: each,
  },
  {
    title: 'Calls without success',
    unit: 'each second',
    lines: [
      { label: 'refused (4xx)', column: 'refused', look: 'one' },
      { label: 'failed (5xx)', column: 'failed', look: 'two' },
    ],
    top: (largest) => niceAbove(largest, 1),
    format: each,
  },
  {
    title: 'People and meetings',
    unit: 'now',
    lines: [
      { label: 'people connected', column: 'people', look: 'one' },
      { label: 'meetings', column: 'meetings', look: 'two' },
    ],
    top: (largest) => niceAbove(largest, 10),
    format: whole,
  },
  {
    title: 'Media not sent',
    unit: 'datagrams the kernel refused, each second',
    lines: [{ label: 'not sent', column: 'unsent', look: 'one' }],
    top: (largest) => niceAbove(largest, 1),
    format: each,
  },
];

/** The first of the steps that is not below a value; the last one for a value above all. */
export function stepAbove(value: number, steps: number[]): number {
  return steps.find((step) => step >= value) ?? (steps.at(-1) as number);
}

/** The next of 1, 2, 5, 10, 20… times a power of ten, and at least the given one. */
export function niceAbove(value: number, least: number): number {
  if (value <= least) return least;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * stepAbove(value / power, [1, 2, 5, 10]);
}

/** How many steps may be missing before a line has a gap. */
const missable = 2.5;

/** Where each moment of a column lies between `from` and `to`: x and y from 0 to 1, y downwards; a new list after each gap. */
export function strokes(v: Vitals, column: string, from: number, to: number, top: number): [number, number][][] {
  const all: [number, number][][] = [];
  let before = 0;
  let stroke: [number, number][] | undefined;
  (v.at ?? []).forEach((at, i) => {
    const value = v.columns?.[column]?.[i];
    if (value === null || value === undefined || at < from || at > to) {
      stroke = undefined;
      return;
    }
    if (!stroke || at - before > missable * v.step) {
      stroke = [];
      all.push(stroke);
    }
    stroke.push([(at - from) / (to - from), 1 - Math.min(value / top, 1)]);
    before = at;
  });
  return all;
}

/** The number of the moment nearest to a time; -1 when none is within a step of it. */
export function nearest(v: Vitals, at: number): number {
  const all = v.at ?? [];
  let best = -1;
  all.forEach((moment, i) => {
    if (best < 0 || Math.abs(moment - at) < Math.abs((all[best] as number) - at)) best = i;
  });
  return best >= 0 && Math.abs((all[best] as number) - at) <= v.step ? best : -1;
}

/** The newest figure of a column, if it is of now. */
export function newest(v: Vitals, column: string, now: number): number | undefined {
  const last = v.at?.at(-1);
  if (last === undefined || now - last > missable * v.step) return undefined;
  return v.columns?.[column]?.at(-1) ?? undefined;
}
