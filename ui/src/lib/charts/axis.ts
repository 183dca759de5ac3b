/** The upright axis of a chart: from where to where, its ticks, and how high a value stands. */
import { ticks, type ChartUnit } from './scale';
import { highest, lowest, stacked, type ChartKind, type ChartSeries } from './series';

/** What may be asked of an axis; the data decide what is not. */
export interface AxisWish {
  readonly min?: number | null;
  readonly max?: number | null;
  readonly log?: boolean;
}

export interface Axis {
  readonly low: number;
  readonly high: number;
  readonly log: boolean;
  readonly ticks: readonly number[];
}

const DECADES_OF_SILENCE = 2;

export function axisOf(
  kind: ChartKind,
  unit: ChartUnit,
  series: readonly ChartSeries[],
  wish: AxisWish = {},
): Axis {
  const lists = series.map((each) => each.values);
  const drawn = kind === 'lines' ? lists : stacked(lists);
  const reach = highest(drawn);
  if (wish.log) return logarithmic(reach, lowest(lists, 0), wish);
  const low = wish.min ?? Math.min(0, lowest(drawn));
  if (low === 0 && (wish.max ?? null) === null) {
    const found = ticks(reach, unit);
    return { low: 0, high: found.at(-1) as number, log: false, ticks: found };
  }
  const high = Math.max(wish.max ?? Math.max(reach, low), low);
  // Round steps over the whole height, laid so that 0 is one of them.
  const size = ticks(Math.max(high - low, 1e-12), unit)[1] ?? 1;
  const first = (wish.min ?? null) !== null ? low : Math.floor(low / size + 1e-9) * size;
  const last =
    (wish.max ?? null) !== null
      ? high
      : Math.max(Math.ceil(high / size - 1e-9) * size, first + size);
  const found: number[] = [];
  for (let at = Math.ceil(first / size - 1e-9); at * size <= last * (1 + 1e-9) + 1e-12; at++)
    found.push(+(at * size).toPrecision(12));
  return { low: first, high: last > first ? last : first + size, log: false, ticks: found };
}

/** From a power of ten to a power of ten; what is not above 0 has no place on it. */
function logarithmic(reach: number, least: number, wish: AxisWish): Axis {
  const top = wish.max && wish.max > 0 ? wish.max : reach > 0 ? reach : 1;
  const high = wish.max && wish.max > 0 ? top : 10 ** Math.ceil(Math.log10(top) - 1e-9);
  const bottom = wish.min && wish.min > 0 ? wish.min : Number.isFinite(least) ? least : high / 100;
  const low =
    wish.min && wish.min > 0
      ? Math.min(bottom, high / 10)
      : 10 ** Math.floor(Math.log10(bottom) + 1e-9);
  const from = low < high ? low : high / 10 ** DECADES_OF_SILENCE;
  const found: number[] = [];
  const [first, last] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((last - first) / 5));
  for (let power = first; power <= last; power += every) found.push(+(10 ** power).toPrecision(12));
  return { low: from, high, log: true, ticks: found };
}

/** How high a value stands: 0 at the bottom, 1 at the top. */
export function heightOf({ low, high, log }: Axis, value: number): number {
  if (!log) return (value - low) / (high - low);
  return value <= 0 ? 0 : Math.log(value / low) / Math.log(high / low);
}
