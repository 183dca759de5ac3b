import { describe, expect, it } from 'vitest';
import { bucketAt, stacked, telling, whole, worded } from './series';

const MINUTE = 60_000;

describe('what a chart shows', () => {
  it('leaves out buckets that lie in the range with a small part only', () => {
    const grid = { start: 0, step: MINUTE };
    const window = { from: 10_000, to: 3 * MINUTE + 5_000 };
    expect(whole([9, 1, 2, 3], grid, window)).toEqual([null, 1, 2, null]);
  });

  it('keeps a long bucket that is still filling', () => {
    const grid = { start: 0, step: 240 * MINUTE };
    expect(whole([1, 2], grid, { from: 0, to: 300 * MINUTE })).toEqual([1, 2]);
  });

  it('stacks from the first series up and takes gaps for nothing', () => {
    expect(stacked([[1, null], [2, 3]])).toEqual([[1, 0], [3, 3]]); // prettier-ignore
  });

  it('stacks downwards what is below 0, apart from what is above', () => {
    expect(stacked([[1, -1], [-2, -3], [4, 2]])).toEqual([[1, -1], [-2, -4], [5, 2]]); // prettier-ignore
  });

  it('keeps a 0 and a gap on the side of the values beside them', () => {
    expect(stacked([[5, 5, 5, 5], [0, -2, null, 0], [-1, -1, -1, -1]])[1]).toEqual([0, -2, 0, 0]); // prettier-ignore
  });

  it('names a single series where the name of the chart does not', () => {
    expect(telling([{ name: 'logs too_old' }], 'Refused by reason')).toBe(true);
    expect(telling([{ name: 'requests' }], 'Requests')).toBe(false);
    expect(telling([{ name: 'Requests' }, { name: 'Errors' }], 'Requests')).toBe(true);
    expect(telling([], 'Requests')).toBe(false);
  });

  it('finds the bucket of a moment and none outside', () => {
    const grid = { start: 100, step: 10 };
    expect([99, 100, 119, 120].map((at) => bucketAt(grid, 2, at))).toEqual([null, 0, 1, null]);
  });

  it('gives words to the last of several marks that stand close', () => {
    const marks = [{ at: 10, label: 'a' }, { at: 12, label: 'b' }, { at: 80, label: 'c' }]; // prettier-ignore
    const labels = [...worded(marks, 0, 100).keys()].map((each) => each.label);
    expect(labels.sort()).toEqual(['b', 'c']);
  });

  it('lets no words reach over those of another mark', () => {
    for (let round = 0; round < 300; round++) {
      const marks = Array.from({ length: 1 + (round % 6) }, (_, index) => ({
        at: 1000 + ((round * 37 + index * index * 61 + index * 13) % 101) * 10,
        label: `${index}`,
      }));
      const spans = [...worded(marks, 1000, 2000)].map(([{ at }, { side, room }]) => {
        const share = (at - 1000) / 1000;
        return side === 'right' ? [share, share + room] : [share - room, share];
      }) as [number, number][];
      spans.sort((a, b) => a[0] - b[0]);
      expect(spans.length).toBeGreaterThan(0);
      spans.forEach(([start, end], index) => {
        expect(end - start).toBeGreaterThan(0.11);
        expect(end).toBeLessThanOrEqual((spans[index + 1]?.[0] ?? 1) + 1e-9);
      });
    }
  });
});
