/** What a chart shows, and the small arithmetic over it. */

import type { ChartUnit } from './scale';

/** A colour token, by its name in `tokens.css`. */
export type Token =
  `c${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8}` | `p${0 | 1 | 2 | 3}` | 'accent' | 'mark' | 'good' | 'ink-3';

export type Value = number | null;

/** Bars and areas are stacked, the first series at the bottom. */
export type ChartKind = 'lines' | 'bars' | 'areas';

export interface ChartSeries {
  readonly name: string;
  readonly values: readonly Value[];
  readonly color: Token;
  /** A shade under the line. */
  readonly fill?: boolean;
  /** Half way to the ground, so that the louder series stand out. */
  readonly quiet?: boolean;
  readonly dash?: readonly number[];
  /** Of its figures, where the axis is of another or of none. */
  readonly unit?: ChartUnit | undefined;
  /** What the legend says while nothing is pointed at; the last value otherwise. */
  readonly summary?: Value;
}

export interface Marker {
  readonly at: number;
  readonly label: string;
}

/** From here on it is too much, say. */
export interface Limit {
  readonly value: number;
  readonly label: string;
  readonly color?: Token;
}

export interface MenuItem {
  readonly label: string;
  readonly href: string;
}

export interface Grid {
  readonly start: number;
  readonly step: number;
}

/** The bucket that holds a moment, or nothing outside the grid. */
export function bucketAt(grid: Grid, length: number, at: number | null): number | null {
  if (at === null || !(grid.step > 0)) return null;
  const index = Math.floor((at - grid.start) / grid.step);
  return index >= 0 && index < length ? index : null;
}

/** Whether names are worth their room: that of a single series is when the chart's does not say it. */
export const telling = (series: readonly { readonly name: string }[], label: string): boolean =>
  series.length > 1 ||
  series.some(({ name }) => !label.toLowerCase().includes(name.trim().toLowerCase()));

/** Of those above a bound, if one is given. */
export function lowest(lists: readonly (readonly Value[])[], above = -Infinity): number {
  let least = Infinity;
  for (const list of lists)
    for (const value of list) if (value !== null && value < least && value > above) least = value;
  return least;
}

export function highest(lists: readonly (readonly Value[])[]): number {
  let top = 0;
  for (const list of lists)
    for (const value of list) if (value !== null && value > top) top = value;
  return top;
}

export function lastValue(values: readonly Value[]): Value {
  for (let index = values.length - 1; index >= 0; index--) {
    const value = values[index];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/**
 * Running sums from 0 away, the first series nearest to it: what a stack reaches. What is below 0
 * is stacked downwards, so that it takes nothing from what stands above. Where nothing is known,
 * nothing.
 */
export function stacked(lists: readonly (readonly Value[])[]): Value[][] {
  const length = Math.max(0, ...lists.map((each) => each.length));
  const known = Array.from({ length }, (_, at) =>
    lists.some((list) => (list[at] ?? null) !== null),
  );
  const [up, down] = [new Array<number>(length).fill(0), new Array<number>(length).fill(0)];
  return lists.map((list) => {
    // A 0 has no side; it stays on that of the values beside it, or the area would cross the axis.
    let side = (list.find((value) => value) ?? 0) < 0 ? down : up;
    return list.map((value, at) => {
      if (!known[at]) return null;
      if (value) side = value < 0 ? down : up;
      return (side[at] = (side[at] as number) + (value ?? 0));
    });
  });
}

const MINUTE = 60_000;

/**
 * The buckets at the edges lie in the window with a part only. A small part says little, and the
 * first minute of a range is counted whole, so such buckets are left out.
 */
export function whole(
  values: readonly Value[],
  { start, step }: Grid,
  window: { readonly from: number; readonly to: number },
): Value[] {
  const enough = Math.min(step / 2, 10 * MINUTE);
  return values.map((value, index) => {
    const begin = start + index * step;
    const early = window.from - begin;
    const missing = Math.max(0, early) + Math.max(0, begin + step - window.to);
    if (missing <= 0) return value;
    return step - missing < enough || (early > 0 && step <= MINUTE) ? null : value;
  });
}

/** Where the words of a marker go, and how much of the chart's width they may take. */
export interface Words {
  readonly side: 'left' | 'right';
  readonly room: number;
}

const ROOM = 0.12;
const NEAR_END = 0.8;

/**
 * Which markers have room for their words, and how much: of several close together, the last.
 * Words stand right of their marker, but near the chart's end left of it, where they leave what
 * the marker before needs.
 */
export function worded(
  markers: readonly Marker[],
  from: number,
  to: number,
): ReadonlyMap<Marker, Words> {
  const share = ({ at }: Marker): number => (at - from) / Math.max(1, to - from);
  const words = new Map<Marker, Words>();
  let free = 1;
  for (const marker of [...markers].sort((a, b) => b.at - a.at)) {
    const at = share(marker);
    if (at > free) continue;
    if (at <= NEAR_END) {
      if (free - at > ROOM) words.set(marker, { side: 'right', room: free - at });
      free = at;
      continue;
    }
    // What stands closer than the words are long goes without.
    const before = Math.max(0, ...markers.map(share).filter((other) => other < at - ROOM));
    const gap = at - before;
    const room = gap > 2 * ROOM ? gap / 2 : gap;
    words.set(marker, { side: 'left', room });
    free = at - room;
  }
  return words;
}
