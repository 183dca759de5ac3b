/**
 * A time range as a person means it: relative stays relative until someone freezes it.
 * `resolve` turns it into milliseconds at a given now, in the viewer's zone.
 */

export type Unit = 's' | 'm' | 'h' | 'd' | 'w' | 'M' | 'y';

export interface Step {
  readonly count: number;
  readonly unit: Unit;
}

/** One end of a range: so long before now, or an instant. */
export type Point =
  | { readonly kind: 'ago'; readonly steps: readonly Step[] }
  | { readonly kind: 'at'; readonly ms: number };

export type Word =
  | 'today'
  | 'yesterday'
  | 'this-week'
  | 'last-week'
  | 'this-month'
  | 'last-month'
  | 'last-sunday'
  | 'last-monday'
  | 'last-tuesday'
  | 'last-wednesday'
  | 'last-thursday'
  | 'last-friday'
  | 'last-saturday';

export type Range =
  | { readonly kind: 'span'; readonly from: Point; readonly to: Point }
  | { readonly kind: 'word'; readonly word: Word };

export interface Window {
  readonly from: number;
  readonly to: number;
}

export const NOW: Point = { kind: 'ago', steps: [] };
export const WEEKDAYS: readonly Word[] = [
  'last-sunday',
  'last-monday',
  'last-tuesday',
  'last-wednesday',
  'last-thursday',
  'last-friday',
  'last-saturday',
];

const FIXED: Partial<Record<Unit, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

export function ago(count: number, unit: Unit): Range {
  return { kind: 'span', from: { kind: 'ago', steps: [{ count, unit }] }, to: NOW };
}

export const DEFAULT_RANGE: Range = ago(1, 'h');

function back(now: number, step: Step): number {
  const fixed = FIXED[step.unit];
  if (fixed) return now - step.count * fixed;
  // Days and longer follow the calendar: a day is 23 hours when the clocks change.
  const date = new Date(now);
  if (step.unit === 'd') date.setDate(date.getDate() - step.count);
  else if (step.unit === 'w') date.setDate(date.getDate() - 7 * step.count);
  else {
    const day = date.getDate();
    date.setDate(1);
    date.setMonth(date.getMonth() - step.count * (step.unit === 'y' ? 12 : 1));
    const last = new Date(date.getFullYear(), date.getMonth() + 1, 0).getDate();
    date.setDate(Math.min(day, last));
  }
  return date.getTime();
}

function instant(point: Point, now: number): number {
  return point.kind === 'at' ? point.ms : point.steps.reduce(back, now);
}

function day(now: number, offset: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + offset).getTime();
}

function month(now: number, offset: number): number {
  const date = new Date(now);
  return new Date(date.getFullYear(), date.getMonth() + offset, 1).getTime();
}

function wordWindow(word: Word, now: number): Window {
  const weekday = new Date(now).getDay();
  const monday = -((weekday + 6) % 7);
  switch (word) {
    case 'today':
      return { from: day(now, 0), to: now };
    case 'yesterday':
      return { from: day(now, -1), to: day(now, 0) };
    case 'this-week':
      return { from: day(now, monday), to: now };
    case 'last-week':
      return { from: day(now, monday - 7), to: day(now, monday) };
    case 'this-month':
      return { from: month(now, 0), to: now };
    case 'last-month':
      return { from: month(now, -1), to: month(now, 0) };
    default: {
      const days = (weekday - WEEKDAYS.indexOf(word) + 7) % 7 || 7;
      return { from: day(now, -days), to: day(now, 1 - days) };
    }
  }
}

/** The range in milliseconds; never empty, never reversed. */
export function resolve(range: Range, now: number): Window {
  const { from, to } =
    range.kind === 'word'
      ? wordWindow(range.word, now)
      : { from: instant(range.from, now), to: instant(range.to, now) };
  return from < to ? { from, to } : { from: Math.min(from, to - 1000), to };
}

/** Does the range end now, so that new data may arrive in it? */
export function isOpen(range: Range): boolean {
  if (range.kind === 'word') return range.word === 'today' || range.word.startsWith('this-');
  return range.to.kind === 'ago' && range.to.steps.length === 0;
}

export function isRelative(range: Range): boolean {
  return range.kind === 'word' || range.from.kind === 'ago' || range.to.kind === 'ago';
}

export function between(from: number, to: number): Range {
  return { kind: 'span', from: { kind: 'at', ms: from }, to: { kind: 'at', ms: to } };
}

/** The same window with both ends nailed down. */
export function freeze(range: Range, now: number): Range {
  const { from, to } = resolve(range, now);
  return between(from, to);
}

/** One window earlier (-1) or later (+1). Later than now ends at now. */
export function shift(range: Range, now: number, direction: -1 | 1): Range {
  const { from, to } = resolve(range, now);
  const length = to - from;
  if (direction === 1 && to + length >= now) return lengthAgo(length) ?? between(now - length, now);
  return between(from + direction * length, to + direction * length);
}

/** Twice as much: backwards for a range that ends now, around its middle otherwise. */
export function zoomOut(range: Range, now: number): Range {
  const { from, to } = resolve(range, now);
  const length = to - from;
  if (isOpen(range)) return lengthAgo(2 * length) ?? between(to - 2 * length, to);
  const end = Math.min(to + length / 2, Math.max(to, now));
  return between(end - 2 * length, end);
}

const UNITS: readonly (readonly [Unit, number])[] = [
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** `-90m` for a length that is a whole number of some unit, else nothing. */
function lengthAgo(length: number): Range | null {
  const found = UNITS.find(([, size]) => length >= size && length % size === 0);
  return found ? ago(length / found[1], found[0]) : null;
}
