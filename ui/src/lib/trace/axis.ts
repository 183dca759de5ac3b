/** The time axis of a trace: round marks between two offsets in nanoseconds. */
import { duration } from '#lib/format.ts';

const STEPS = [1, 2, 2.5, 5, 10];

export interface Mark {
  readonly at: number;
  readonly share: number;
  readonly text: string;
}

export function marks(from: number, to: number, wanted = 4): Mark[] {
  const length = Math.max(1, to - from);
  const rough = length / wanted;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * (STEPS.find((each) => each * size >= rough) ?? 10);
  const found: Mark[] = [];
  for (let at = Math.ceil(from / step - 1e-9) * step; at <= to; at += step)
    found.push({ at, share: (at - from) / length, text: at === 0 ? '0' : duration(at) });
  return found;
}
