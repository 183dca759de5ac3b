import { describe, expect, it } from 'vitest';
import { axisOf, heightOf } from './axis';
import { tickText } from './scale';
import { chartUnit, panelText, panelUnit } from './units';

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

  it.each(['areas', 'bars'] as const)('holds all of a stack, also below 0: %s', (kind) => {
    const axis = axisOf(kind, panelUnit(''), [line(-600, 2), line(-2, 1), line(1, 0)]);
    expect(axis.low).toBeLessThanOrEqual(-602);
    expect(axis.high).toBeGreaterThanOrEqual(3);
    expect(axis.ticks).toContain(0);
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

  it.each([
    ['seconds', 50, ['0', '20\u00a0s', '40\u00a0s', '1\u00a0min']],
    ['seconds', 75, ['0', '30\u00a0s', '1\u00a0min', '1\u00a0min 30\u00a0s']],
    ['seconds', 150, ['0', '1\u00a0min', '2\u00a0min', '3\u00a0min']],
    ['milliseconds', 400_000, ['0', '5\u00a0min', '10\u00a0min']],
    ['minutes', 150, ['0', '1\u00a0h', '2\u00a0h', '3\u00a0h']],
    ['days', 11, ['0', '5\u00a0d', '10\u00a0d', '15\u00a0d']],
    ['bytes_iec', 700 * 1024, ['0', '256\u00a0KiB', '512\u00a0KiB', '768\u00a0KiB']],
    ['bytes_iec', 1000 * 1024, ['0', '512\u00a0KiB', '1\u00a0MiB']],
    ['bytes_iec', 0.5, ['0', '0.2\u00a0B', '0.4\u00a0B', '0.6\u00a0B']],
  ])('step roundly: %s up to %s', (name, highest, texts) => {
    const unit = panelUnit(name);
    expect(
      axisOf('lines', unit, [line(highest)]).ticks.map((each) => tickText(each, unit)),
    ).toEqual(texts);
  });

  it('step by tens where decimals were chosen, for then 90 s stay 90 s', () => {
    expect(axisOf('lines', panelUnit('seconds', 0), [line(150)]).ticks).toEqual([0, 50, 100, 150]);
  });

  it('call nothing by the unit that was chosen', () => {
    expect(panelText(0, panelUnit('seconds'))).toBe('0\u00a0s');
    expect(panelText(0, panelUnit('nanoseconds'))).toBe('0\u00a0ns');
  });
});
