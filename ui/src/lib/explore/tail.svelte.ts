/**
 * What arrives while one reads the log. New records come in at the top; while the reader is
 * elsewhere they wait and are counted. Records that are already there do not come twice.
 */
import type { LogRow } from './types';

/** More than this is a new page, not a tail. */
const MOST = 3000;

/** By their own time: what comes late takes its place among the others. */
export function newestFirst(rows: LogRow[]): LogRow[] {
  return rows.sort((a, b) => b.time_ms - a.time_ms || (a.time_ns < b.time_ns ? 1 : -1));
}

export class Tail {
  /** Shown above the first page, newest first. */
  shown = $state.raw<readonly LogRow[]>([]);
  waiting = $state.raw<readonly LogRow[]>([]);
  #known = new Set<string>();

  constructor(
    private readonly held: () => boolean,
    private readonly overflow: () => void,
  ) {}

  /** Begin again above a first page. */
  reset(first: readonly LogRow[]): void {
    this.shown = [];
    this.waiting = [];
    this.#known = new Set(first.map((row) => row.id));
  }

  add = (rows: readonly LogRow[]): void => {
    const fresh = rows.filter((row) => !this.#known.has(row.id));
    if (!fresh.length) return;
    for (const row of fresh) this.#known.add(row.id);
    this.waiting = newestFirst([...fresh, ...this.waiting]);
    if (!this.held()) this.release();
    else if (this.waiting.length > MOST) this.waiting = this.waiting.slice(0, MOST);
  };

  release = (): void => {
    if (!this.waiting.length) return;
    if (this.waiting.length + this.shown.length >= MOST) this.overflow();
    else {
      this.shown = newestFirst([...this.waiting, ...this.shown]);
      this.waiting = [];
    }
  };
}
