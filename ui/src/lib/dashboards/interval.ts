/** How finely a panel asks: round steps, never finer than its metrics are told. */
import type { Moment } from './substitute';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS: readonly number[] = [
  ...[1, 2, 5, 10, 15, 20, 30].map((each) => each * SECOND),
  ...[1, 2, 5, 10, 15, 20, 30].map((each) => each * MINUTE),
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
  ...[1, 2, 7, 30].map((each) => each * DAY),
];
const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: DAY,
  w: 7 * DAY,
};

/** `15s` in milliseconds; what is no duration is 15 s. */
export function millis(text: string): number {
  const found = /^(\d+)(ms|s|m|h|d|w)$/.exec(text);
  return found ? Math.max(1, Number(found[1]) * (UNITS[found[2] as string] as number)) : 15_000;
}

/** Points that a panel has room for; by its columns, so that a few pixels change nothing. */
export const pointsOf = (columns: number): number =>
  Math.min(480, Math.max(100, Math.round(columns * 20)));

export function stepOf(range: number, points: number, interval: number): number {
  const rough = Math.max(range / Math.max(1, points), interval);
  const round = STEPS.find((each) => each >= rough) ?? Math.ceil(rough / (30 * DAY)) * 30 * DAY;
  // A multiple of the interval: otherwise some steps hold one more point than others.
  return rough === interval ? interval : Math.ceil(round / interval) * interval;
}

/**
 * The window on the grid of its step, so that the same question is asked until a step has passed.
 * `told` is how often the metrics are told at the least, where that may be more seldom than `interval`:
 * a rate over less than that finds no two points.
 */
export function momentOf(
  window: { readonly from: number; readonly to: number },
  environment: string,
  points: number,
  interval: number,
  told = interval,
): Moment {
  const step = stepOf(window.to - window.from, points, interval);
  const to = Math.floor(window.to / step) * step;
  const from = Math.min(Math.floor(window.from / step) * step, to - step);
  return { from, to, step, environment, rate: Math.max(step + told, 4 * told) };
}
