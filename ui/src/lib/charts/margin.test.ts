import { describe, expect, it } from 'vitest';
import { margin } from './margin';

const measure = (text: string): number => text.length * 6;

describe('the margin of an axis', () => {
  it('is the same for short figures, so that charts stand in line', () => {
    expect(margin([], 600, measure)).toBe(56);
    expect(margin(['0', '200 ms'], 600, measure)).toBe(56);
  });

  it('holds the widest figure', () => {
    const texts = ['0', '1 min', '1 min 30 s'];
    expect(margin(texts, 600, measure)).toBeGreaterThan(measure('1 min 30 s') + 8);
  });

  it('leaves the chart most of its width', () => {
    expect(margin(['requests of one kind'.repeat(4)], 300, measure)).toBe(120);
    expect(margin(['1 min 30 s'], 100, measure)).toBe(56);
  });
});
