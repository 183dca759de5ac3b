import { describe, expect, it } from 'vitest';
import { axisOf, heightOf } from './axis';
import { baseAt, chartUnit, panelText, panelUnit } from './units';

const line = (...values: (number | null)[]) => ({ name: 'a', values, color: 'c1' as const });

describe('the upright axis', () => {
  it('begins at 0 and ends above the data when nobody says otherwise', () => {
    expect(axisOf('lines', 'ms', [line(3, 79)])).toMatchObject({ low: 0, high: 100 });
  });

  it('goes below 0 where the data do, in round steps', () => {
    const axis = axisOf('lines', panelUnit(''), [line(-12, 30, null)]);
    expect(axis.ticks).toContain(0);
    expect(axis.low).toBeLessThanOrEqual(-12);
    expect(axis.high).toBeGreaterThanOrEqual(30);
  });

  it('keeps to the ends that were asked for', () => {
    expect(axisOf('lines', panelUnit('percent'), [line(130)], { min: 20, max: 100 })).toMatchObject(
      {
        low: 20,
        high: 100,
      },
    );
  });

  it('has equal steps for equal ratios when it is logarithmic', () => {
    const axis = axisOf('lines', panelUnit(''), [line(0, 3, 4000)], { log: true });
    expect([axis.low, axis.high]).toEqual([1, 10_000]);
    expect(heightOf(axis, 100)).toBeCloseTo(0.5);
    expect(heightOf(axis, 0)).toBe(0);
  });

  it('is never without height', () => {
    for (const wish of [{}, { min: 5 }, { max: 0 }, { log: true }, { min: 3, max: 3 }]) {
      const { low, high } = axisOf('lines', panelUnit('x'), [line()], wish);
      expect(high).toBeGreaterThan(low);
    }
  });
});

describe('units of panels', () => {
  it.each([
    ['bytes_iec', null, 1536, '1.5\u00a0KiB'],
    ['bytes', null, 1500, '1.5\u00a0kB'],
    ['percent', null, 12.3, '12.3\u00a0%'],
    ['share', 2, 0.12345, '12.35\u00a0%'],
    ['seconds', null, 0.25, '250\u00a0ms'],
    ['seconds', 1, 0.25, '0.3\u00a0s'],
    ['per_second', null, 5, '5\u00a0/s'],
    ['rpm: left', null, 5, '5\u00a0rpm: left'],
    ['constructor', null, 5, '5\u00a0constructor'],
  ])('%s with %s decimals', (name, decimals, value, text) => {
    expect(panelText(value, panelUnit(name, decimals))).toBe(text);
  });

  it('write a low rate by the minute on the whole axis', () => {
    const unit = chartUnit('per_second', null, 0.05);
    const axis = axisOf('lines', unit, [line(0.05)]);
    expect(axis.ticks.map((each) => panelText(each, unit))).toContain('3\u00a0/min');
    expect(panelText(5, chartUnit('per_second', null, 5))).toBe('5\u00a0/s');
  });

  it('count in powers of 1024 where the unit does', () => {
    expect(baseAt(panelUnit('bytes_iec'), 5_000_000)).toBe(1_048_576);
    expect(baseAt(panelUnit('bytes'), 5_000_000)).toBe(1);
  });
});
