import { describe, expect, it } from 'vitest';
import { below, change, freshId, rowOf, seen, settle, type Box } from './grid';

const box = (id: string, x: number, y: number, w = 12, h = 8): Box => ({ id, x, y, w, h });
const kind = (each: Box, kind = 'stat') => ({ ...each, kind });
const places = (boxes: readonly Box[]) =>
  Object.fromEntries(boxes.map((b) => [b.id, [b.x, b.y, b.w, b.h]]));

function apart(boxes: readonly Box[]): boolean {
  return boxes.every((a, i) =>
    boxes.every(
      (b, j) =>
        i === j || a.x >= b.x + b.w || b.x >= a.x + a.w || a.y >= b.y + b.h || b.y >= a.y + a.h,
    ),
  );
}

describe('panels on the grid', () => {
  it('stand apart and as far up as they can', () => {
    const found = settle([box('a', 0, 0), box('b', 0, 3), box('c', 12, 40)]);
    expect(places(found)).toEqual({ a: [0, 0, 12, 8], b: [0, 8, 12, 8], c: [12, 0, 12, 8] });
  });

  it('make way for the one that is moved', () => {
    const found = change([box('a', 0, 0), box('b', 12, 0), box('c', 0, 8)], 'c', { y: 0 });
    expect(places(found)).toEqual({ a: [0, 8, 12, 8], b: [12, 0, 12, 8], c: [0, 0, 12, 8] });
  });

  it('come up into the room of one that moves down', () => {
    const found = change([box('a', 0, 0), box('b', 0, 8)], 'a', { y: 8 });
    expect(places(found)).toEqual({ a: [0, 8, 12, 8], b: [0, 0, 12, 8] });
  });

  it('are pushed down by one that grows, and never leave the grid', () => {
    const found = change([box('a', 0, 0), box('b', 0, 8)], 'a', { w: 99, h: 20 });
    expect(places(found)).toEqual({ a: [0, 0, 24, 20], b: [0, 20, 12, 8] });
    expect(places(change(found, 'b', { x: -5, y: -5 })).b).toEqual([0, 0, 12, 8]);
    expect(places(change(found, 'b', { x: 400 })).b?.[0]).toBe(12);
    expect(change(found, 'nobody', { x: 1 })).toEqual(found);
  });

  it('stay apart whatever one does to hundreds of them', () => {
    let boxes: Box[] = Array.from({ length: 200 }, (_, n) =>
      box(`p${n}`, (n * 7) % 24, (n * 13) % 90, 1 + ((n * 5) % 24), 1 + ((n * 3) % 9)),
    );
    for (let n = 0; n < 40; n++)
      boxes = change(boxes, `p${n * 4}`, { x: (n * 11) % 24, y: (n * 17) % 200, w: 1 + (n % 24) });
    expect(apart(boxes)).toBe(true);
  });

  it('get a free place and a free id when they are new', () => {
    expect(below([box('a', 0, 3), box('b', 0, 0)])).toBe(11);
    expect(below([])).toBe(0);
    expect(freshId([{ id: 'p2' }])).toBe('p3');
  });
});

describe('rows', () => {
  const panels = [
    kind(box('top', 0, 0)),
    kind(box('one', 0, 8, 24, 1), 'row'),
    kind(box('a', 0, 9)),
    kind(box('b', 12, 9, 12, 4)),
    kind(box('two', 0, 17, 24, 1), 'row'),
    kind(box('c', 0, 18)),
  ];

  it('own the panels below them', () => {
    expect(Object.fromEntries(rowOf(panels))).toEqual({ a: 'one', b: 'one', c: 'two' });
  });

  it('hide them when folded, and the rest moves up', () => {
    const shown = seen(panels, (row) => row === 'one');
    expect(shown.map(({ panel, y }) => [panel.id, y])).toEqual([
      ['top', 0],
      ['one', 8],
      ['two', 9],
      ['c', 10],
    ]);
    expect(seen(panels, () => false).map(({ y }) => y)).toEqual([0, 8, 9, 9, 17, 18]);
  });
});
