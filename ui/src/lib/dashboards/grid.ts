/**
 * Panels on a grid of 24 columns. They never overlap: what is put on others pushes them down, and
 * what has nothing above it moves up. A row is a heading; the panels below it, up to the next, are
 * its own and go where it goes.
 */

export const COLUMNS = 24;
export const MOST_HEIGHT = 100;

export interface Box {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
}

const touch = (a: Box, b: Box): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

export const inOrder = (a: Box, b: Box): number => a.y - b.y || a.x - b.x;

function within<T extends Box>(box: T): T {
  const w = Math.min(COLUMNS, Math.max(1, Math.round(box.w)));
  const h = Math.min(MOST_HEIGHT, Math.max(1, Math.round(box.h)));
  const x = Math.min(COLUMNS - w, Math.max(0, Math.round(box.x)));
  return { ...box, w, h, x, y: Math.max(0, Math.round(box.y)) };
}

/**
 * Every box in a place of its own, as far up as the ones before it let it. `first` keeps its place
 * where others stand too. The order of the list stays.
 */
export function settle<T extends Box>(boxes: readonly T[], first?: string): T[] {
  const order = boxes
    .map(within)
    .sort((a, b) => a.y - b.y || Number(b.id === first) - Number(a.id === first) || a.x - b.x);
  // How far down each column is taken: a box stands below the deepest of its columns.
  const depth = new Array<number>(COLUMNS).fill(0);
  const placed = new Map<string, T>();
  for (const box of order) {
    const columns = depth.slice(box.x, box.x + box.w);
    const y = Math.max(...columns);
    depth.fill(y + box.h, box.x, box.x + box.w);
    placed.set(box.id, { ...box, y });
  }
  return boxes.map((box) => placed.get(box.id) as T);
}

/** Take a box to another place or size; the rest makes way. */
export function change<T extends Box>(
  boxes: readonly T[],
  id: string,
  to: Partial<Omit<Box, 'id'>>,
): T[] {
  const before = boxes.find((each) => each.id === id);
  if (!before) return [...boxes];
  const after = within({ ...before, ...to });
  // Down past a neighbour: the neighbour comes up into the room that becomes free.
  const lower = after.y > before.y && after.h === before.h;
  const moved = boxes.map((each) => {
    if (each.id === id) return after;
    if (lower && touch(after, each) && each.y >= before.y + before.h)
      return { ...each, y: Math.max(0, each.y - before.h) };
    return each;
  });
  return settle(moved, id);
}

/** Where a new box goes: below all others. */
export const below = (boxes: readonly Box[]): number =>
  Math.max(0, ...boxes.map((each) => each.y + each.h));

export interface Laid<T> {
  readonly panel: T;
  readonly y: number;
}

type Rowed = Box & { readonly kind: string };

/** The panels of each row; those before the first row belong to none. */
export function rowOf<T extends Rowed>(panels: readonly T[]): Map<string, string> {
  const found = new Map<string, string>();
  let row = '';
  for (const panel of [...panels].sort(inOrder)) {
    if (panel.kind === 'row') row = panel.id;
    else if (row) found.set(panel.id, row);
  }
  return found;
}

/** What is seen when some rows are folded: their panels are gone, the rest moves up. */
export function seen<T extends Rowed>(
  panels: readonly T[],
  folded: (row: string) => boolean,
): Laid<T>[] {
  const rows = rowOf(panels);
  const out: Laid<T>[] = [];
  let hidden = 0;
  let end = 0;
  for (const panel of [...panels].sort(inOrder)) {
    const row = rows.get(panel.id);
    if (panel.kind === 'row') {
      // The heights of the hidden ones are known once the next row begins.
      hidden = panel.y - end;
      out.push({ panel, y: end });
      end += panel.h;
    } else if (!row || !folded(row)) {
      out.push({ panel, y: panel.y - hidden });
      end = Math.max(end, panel.y - hidden + panel.h);
    }
  }
  return out;
}

/** An id that none of the others has. */
export function freshId(others: readonly { readonly id: string }[]): string {
  const known = new Set(others.map((each) => each.id));
  for (let n = others.length + 1; ; n++) if (!known.has(`p${n}`)) return `p${n}`;
}
