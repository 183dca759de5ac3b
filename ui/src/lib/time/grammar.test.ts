import { describe, expect, it } from 'vitest';
import { parse, print, printUrl } from './grammar';
import { ago, freeze, resolve, shift, zoomOut, type Range } from './range';

// A Saturday, 14:06:31 in Paris (UTC+1).
const NOW = new Date(2026, 10, 21, 14, 6, 31).getTime();
const HOUR = 3_600_000;

function must(text: string): Range {
  const range = parse(text, NOW);
  if (!range) throw new Error(`not understood: ${text}`);
  return range;
}

const window = (text: string) => resolve(must(text), NOW);
const at = (...parts: [number, number, number, number?, number?]) => new Date(...parts).getTime();

describe('the time field', () => {
  it.each([
    ['-1h', '-1h'],
    ['1h', '-1h'],
    ['−1h … now', '-1h'],
    ['-24h..now', '-24h'],
    ['last 15 minutes', '-15m'],
    ['past 2 days', '-2d'],
    ['3 jours', '-3d'],
    ['1h30m', '-1h30m'],
    ['1 hour 30 min', '-1h30m'],
    ['-2h..-1h', '-2h..-1h'],
    ['2 hours ago..1 hour ago', '-2h..-1h'],
    ['6mo', '-6mo'],
    ['2026-11-21 09:00..10:30', '2026-11-21 09:00..10:30'],
    ['2026-11-20 09:00 to 2026-11-21 10:30', '2026-11-20 09:00..2026-11-21 10:30'],
    ['2026-11-20T09:00:05..', '2026-11-20 09:00:05..now'],
    ['2026-11-19', '2026-11-19'],
    ['2026-11-17..2026-11-19', '2026-11-17..2026-11-19'],
    ['2026-10', '2026-10-01..2026-10-31'],
    ['09:00..10:30', '2026-11-21 09:00..10:30'],
    ['Today', 'today'],
    ["aujourd'hui", 'today'],
    ['hier', 'yesterday'],
    ['last Monday', 'last monday'],
    ['monday', 'last monday'],
    ['lundi dernier', 'last monday'],
    ['la semaine dernière', 'last week'],
    ['this month', 'this month'],
  ])('reads %j as %j', (text, canonical) => {
    expect(print(must(text))).toBe(canonical);
  });

  it.each([
    '',
    'soon',
    '-',
    '-h',
    '25:00..26:00',
    '2026-02-30',
    '..now',
    '-0h',
    '10:00..09:00',
    'a..b..c',
    '-1q',
  ])('refuses %j', (text) => {
    expect(parse(text, NOW)).toBeNull();
  });

  it('reads back what it prints, in the field and in the address', () => {
    for (const text of [
      '-1h',
      '-24h',
      '-2h..-1h',
      '-1d12h',
      '2026-11-21 09:00..10:30',
      '2026-11-19',
      'yesterday',
      'last friday',
      'this week',
      '2026-11-20 09:00:05..now',
      '2026-11-20 09:00:05.250..10:00',
      '2026-10-24..2026-10-26',
    ]) {
      const range = must(text);
      expect(print(range)).toBe(text);
      expect(must(print(range))).toEqual(range);
      expect(must(printUrl(range))).toEqual(range);
      expect(printUrl(range)).not.toContain(' ');
    }
  });

  it('keeps relative relative and freezes on request', () => {
    const frozen = freeze(must('-1h'), NOW);
    expect(printUrl(must('-1h'))).toBe('-1h');
    expect(printUrl(frozen)).toBe('2026-11-21T12:06:31Z..2026-11-21T13:06:31Z');
    expect(resolve(frozen, NOW + HOUR)).toEqual({ from: NOW - HOUR, to: NOW });
  });

  it('knows days of the calendar', () => {
    expect(window('last monday')).toEqual({ from: at(2026, 10, 16), to: at(2026, 10, 17) });
    expect(window('saturday')).toEqual({ from: at(2026, 10, 14), to: at(2026, 10, 15) });
    expect(window('yesterday')).toEqual({ from: at(2026, 10, 20), to: at(2026, 10, 21) });
    expect(window('today')).toEqual({ from: at(2026, 10, 21), to: NOW });
    expect(window('last week')).toEqual({ from: at(2026, 10, 9), to: at(2026, 10, 16) });
  });

  it('gives a day its 25 hours when the clocks go back', () => {
    const { from, to } = window('2026-10-25');
    expect(to - from).toBe(25 * HOUR);
    const after = new Date(2026, 9, 25, 12).getTime();
    expect(after - resolve(ago(1, 'd'), after).from).toBe(25 * HOUR);
  });

  it('clamps a month that is shorter', () => {
    const end = new Date(2026, 2, 31, 12).getTime();
    expect(resolve(ago(1, 'M'), end).from).toBe(at(2026, 1, 28, 12));
  });

  it('steps back and forth, and comes back to now', () => {
    const earlier = shift(must('-1h'), NOW, -1);
    expect(resolve(earlier, NOW)).toEqual({ from: NOW - 2 * HOUR, to: NOW - HOUR });
    expect(print(shift(earlier, NOW, 1))).toBe('-1h');
  });

  it('zooms out to twice the length', () => {
    expect(print(zoomOut(must('-1h'), NOW))).toBe('-2h');
    const { from, to } = resolve(zoomOut(must('2026-11-20 09:00..10:00'), NOW), NOW);
    expect([from, to]).toEqual([at(2026, 10, 20, 8, 30), at(2026, 10, 20, 10, 30)]);
  });
});
