/** What a table's columns are, and what a viewer did to them (kept in this browser). */
import type { Snippet } from 'svelte';

export interface Column<T> {
  readonly id: string;
  readonly label: string;
  /** Width in pixels, or a share of what is left (`1fr`, the default). */
  readonly width?: number | string;
  readonly align?: 'right';
  /** How two rows compare; `true` when the server sorts and `onsort` is heard. */
  readonly sort?: ((a: T, b: T) => number) | true;
  /** The first click sorts downwards: for figures where more is more interesting. */
  readonly downFirst?: boolean;
  readonly text?: (row: T) => string;
  readonly cell?: Snippet<[T, Column<T>]>;
  /** Shown only when the table is at least so wide. */
  readonly from?: number;
  /** Not shown until the viewer asks. */
  readonly hidden?: boolean;
  readonly mono?: boolean;
}

export interface Sort {
  readonly id: string;
  readonly down: boolean;
}

export interface Kept {
  widths: Record<string, number>;
  shown: Record<string, boolean>;
}

export const MIN_WIDTH = 48;

export function keptFor(name: string | undefined): Kept {
  const none: Kept = { widths: {}, shown: {} };
  if (!name) return none;
  try {
    return { ...none, ...(JSON.parse(localStorage.getItem(`qd-table-${name}`) ?? '{}') as Kept) };
  } catch {
    return none;
  }
}

export function keep(name: string | undefined, kept: Kept): void {
  if (!name) return;
  try {
    localStorage.setItem(`qd-table-${name}`, JSON.stringify(kept));
  } catch {
    // storage is blocked: the change lasts as long as the page
  }
}

export function visible<T>(columns: readonly Column<T>[], kept: Kept, width: number): Column<T>[] {
  return columns.filter((column) => {
    const chosen = kept.shown[column.id];
    if (chosen !== undefined) return chosen;
    return !column.hidden && (!column.from || width >= column.from);
  });
}

export function template<T>(columns: readonly Column<T>[], kept: Kept): string {
  const tracks = columns.map((column) => {
    const width = kept.widths[column.id] ?? column.width ?? '1fr';
    return typeof width === 'number' ? `${width}px` : `minmax(0, ${width})`;
  });
  // Something must take what is left, or the rows end before the page does.
  const flexible = tracks.some((track) => track.startsWith('minmax'));
  return flexible ? tracks.join(' ') : `${tracks.join(' ')} 1fr`;
}

export function sorted<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  sort: Sort | null,
): readonly T[] {
  const compare = sort && columns.find((column) => column.id === sort.id)?.sort;
  if (!sort || typeof compare !== 'function') return rows;
  const sign = sort.down ? -1 : 1;
  return [...rows].sort((a, b) => sign * compare(a, b));
}

/** The rows of a long list that are near the screen. */
export function span(top: number, height: number, row: number, count: number): [number, number] {
  const spare = 12;
  const first = Math.max(0, Math.floor(-top / row) - spare);
  const last = Math.min(count, Math.ceil((height - top) / row) + spare);
  return [Math.min(first, count), Math.max(last, Math.min(first, count))];
}
