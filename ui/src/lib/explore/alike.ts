/** Records that say the same but for their numbers and ids, newest first, with how many there are. */
import type { LogRow } from './types';
import { lineOf } from './values';

export interface Alike {
  readonly key: string;
  readonly newest: LogRow;
  readonly text: string;
  readonly count: number;
}

const WORD = /[0-9a-z]+/gi;
const DIGIT = /\d/;
/** 500 and 503 are different complaints. */
const STATUS = /^[45]\d\d$/;
const LOOKED_AT = 300;

/** `order SH-781120C981 is late by 12 ms` and its like differ only in words with digits. */
const pattern = (text: string): string =>
  text
    .slice(0, LOOKED_AT)
    .replace(WORD, (word) => (DIGIT.test(word) && !STATUS.test(word) ? '#' : word));

export function alike(rows: readonly LogRow[]): Alike[] {
  const found = new Map<string, Alike>();
  for (const row of rows) {
    const text = lineOf(row.body);
    const key = `${row.service} ${pattern(text)}`;
    const known = found.get(key);
    const newest = known && known.newest.time_ms >= row.time_ms ? known.newest : row;
    found.set(key, { key, newest, text: lineOf(newest.body), count: (known?.count ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.newest.time_ms - a.newest.time_ms);
}
