import { describe, expect, it } from 'vitest';
import { sorted, span, template, visible, type Column } from './table.ts';

const columns: Column<{ n: number }>[] = [
  { id: 'a', label: 'A', width: 80, sort: (x, y) => x.n - y.n },
  { id: 'b', label: 'B', from: 600 },
  { id: 'c', label: 'C', hidden: true },
];
const nothing = { widths: {}, shown: {} };

describe('a table', () => {
  it('draws only the rows near the screen', () => {
    expect(span(0, 660, 33, 2000)).toEqual([0, 32]);
    expect(span(-33_000, 660, 33, 2000)).toEqual([988, 1032]);
    expect(span(-999_999, 660, 33, 20)).toEqual([20, 20]);
    expect(span(0, 660, 33, 3)).toEqual([0, 3]);
  });

  it('leaves out columns there is no room for, unless they were asked for', () => {
    const ids = (kept: typeof nothing, width: number) =>
      visible(columns, kept, width).map((column) => column.id);
    expect(ids(nothing, 390)).toEqual(['a']);
    expect(ids(nothing, 900)).toEqual(['a', 'b']);
    expect(ids({ widths: {}, shown: { c: true, b: false } }, 900)).toEqual(['a', 'c']);
  });

  it('gives what is left to a column', () => {
    expect(template(columns.slice(0, 2), nothing)).toBe('80px minmax(0, 1fr)');
    expect(template(columns.slice(0, 1), { widths: { a: 120 }, shown: {} })).toBe('120px 1fr');
  });

  it('sorts by a column, in both directions, without touching the rows it was given', () => {
    const rows = [{ n: 2 }, { n: 1 }, { n: 3 }];
    expect(sorted(rows, columns, { id: 'a', down: true }).map((row) => row.n)).toEqual([3, 2, 1]);
    expect(rows[0]).toEqual({ n: 2 });
  });
});
