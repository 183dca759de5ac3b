import { describe, expect, it } from 'vitest';
import { ticks, timeText, timeTicks, written } from './scale';

describe('the axes of a chart', () => {
  it('end at a round figure just above the data', () => {
    expect(ticks(79, 'ms')).toEqual([0, 50, 100]);
    expect(ticks(0.0231, 'share')).toEqual([0, 0.01, 0.02, 0.03]);
    expect(ticks(7, 'count')).toEqual([0, 3, 6, 9]);
    expect(ticks(150_000, 'ms')).toEqual([0, 60_000, 120_000, 180_000]);
  });

  it('never let a share go beyond all of it', () => {
    expect(Math.max(...ticks(0.97, 'share'))).toBe(1);
  });

  it('keep silence a flat line', () => {
    expect(ticks(0, 'share').at(-1)).toBe(0.01);
    expect(ticks(Number.NaN, 'ms').at(-1)).toBe(1);
  });

  it('write low rates by the minute, with their unit', () => {
    expect(written(0.05, 'minute')).toBe('3\u00a0/min');
    expect(written(null, 'rate')).toBe('–');
  });

  it('place time ticks on round moments of the viewer’s zone', () => {
    const from = new Date(2026, 10, 21, 8, 58).getTime();
    const { at, step } = timeTicks(from, from + 3_600_000, 6);
    expect(step).toBe(600_000);
    expect(timeText(at[0]!, step, 'en')).toBe('09:00');
  });
});
