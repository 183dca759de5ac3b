import { describe, expect, it } from 'vitest';
import { around, parts, place, scaled } from './stretches';

const VIEW = { from: 0, to: 1000 };

describe('the parts of a bar', () => {
  it('are placed in percent of what one looks at', () => {
    expect(place(250, VIEW)).toBe(25);
    expect(place(-5, VIEW)).toBe(0);
    expect(place(2000, { from: 500, to: 500 })).toBe(100);
    expect(parts([{ from: 100, to: 200 }], { from: 150, to: 250 })).toEqual([
      { left: 0, width: 50 },
    ]);
  });

  it('become one where nobody could tell them apart, and are as few as can be seen', () => {
    const dense = Array.from({ length: 10_000 }, (_, i) => ({ from: i / 10, to: i / 10 + 0.05 }));
    expect(parts(dense, VIEW)).toHaveLength(1);
    const sparse = Array.from({ length: 10_000 }, (_, i) => ({ from: i * 10, to: i * 10 + 5 }));
    expect(parts(sparse, { from: 0, to: 100_000 }).length).toBeLessThan(700);
  });

  it('leave out what lies elsewhere or is too narrow', () => {
    expect(parts([{ from: 2000, to: 3000 }], VIEW)).toEqual([]);
    expect(parts([{ from: 10, to: 10.5 }], VIEW)).toEqual([]);
    expect(parts([{ from: 10, to: 10 }], VIEW, 0)).toHaveLength(1);
  });
});

describe('zooming', () => {
  const node = (offset: number, duration: number): Parameters<typeof around>[0][number] =>
    ({ span: { offset_ns: offset, duration_ns: duration } }) as never;

  it('goes to spans with some air, and nowhere for those that took no time', () => {
    expect(around([node(100, 50), node(180, 20)], 1000)).toEqual({ from: 95, to: 205 });
    expect(around([node(0, 100)], 100)).toEqual({ from: 0, to: 100 });
    expect(around([node(5, 0)], 100)).toBeNull();
  });

  it('comes nearer around the middle and goes back to all', () => {
    expect(scaled(VIEW, 0.5, 1000)).toEqual({ from: 250, to: 750 });
    expect(scaled({ from: 0, to: 100 }, 2, 1000)).toEqual({ from: 0, to: 150 });
    expect(scaled({ from: 250, to: 750 }, 2, 1000)).toBeNull();
  });
});
