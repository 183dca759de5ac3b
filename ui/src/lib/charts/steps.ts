/** Round steps of an axis: the smallest that is at least as long as a rough one. */
export type Step = (rough: number) => number;

const firstOf = (steps: readonly number[], rough: number): number | undefined =>
  steps.find((each) => each >= rough * 0.999);

/** 1, 2, 2.5, 5 of whatever power of ten. */
export const decimal: Step = (rough) => {
  const size = 10 ** Math.floor(Math.log10(rough));
  return size * (firstOf([1, 2, 2.5, 5], rough / size) ?? 10);
};

/** Powers of two, for 256 KiB and 512 KiB are as round as 1 MiB; below one, nobody counts so. */
export const binary: Step = (rough) =>
  rough < 1 ? decimal(rough) : 2 ** Math.ceil(Math.log2(rough) - 1e-3);

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** In seconds: from half a minute on a clock counts, not tens. */
const OF_A_CLOCK: readonly number[] = [
  ...[30, ...[1, 2, 5, 10, 15, 30].map((each) => each * MINUTE)],
  ...[1, 2, 3, 6, 12].map((each) => each * HOUR),
  ...[1, 2].map((each) => each * DAY),
];

/** Durations, in a unit of which `second` make a second. */
export const temporal =
  (second: number): Step =>
  (rough) => {
    const seconds = rough / second;
    if (seconds <= 20) return decimal(rough);
    const step =
      firstOf(OF_A_CLOCK, seconds) ?? Math.max(1, Math.ceil(decimal(seconds / DAY))) * DAY;
    return step * second;
  };

/** Rates that are written by the minute. */
export const byMinute: Step = (rough) => decimal(rough * 60) / 60;
