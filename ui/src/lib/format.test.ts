import { beforeAll, describe, expect, it, vi } from 'vitest';
import { ago, bytes, change, duration, percent, rate, short } from './format.ts';

beforeAll(() => {
  vi.stubGlobal('navigator', { languages: ['en-GB'], language: 'en-GB' });
});

const plain = (text: string): string => text.replace(/\u00a0|\u202f/g, ' ');

describe('figures for people', () => {
  it.each([
    [0, '0 ns'],
    [950, '950 ns'],
    [1_500, '1.5 µs'],
    [302_000_000, '302 ms'],
    [1_284_000_000, '1.28 s'],
    [200e9, '3 min 20 s'],
    [120e9, '2 min'],
    [3_720e9, '1 h 2 min'],
    [3_600e9, '1 h'],
    [93_600e9, '1 d 2 h'],
    [172_800e9, '2 d'],
  ])('says %d ns as %s', (ns, text) => {
    expect(plain(duration(ns))).toBe(text);
  });

  it('never shows a figure without its unit', () => {
    expect(plain(rate(412))).toBe('412 /s');
    expect(plain(rate(0.05))).toBe('3 /min');
    expect(plain(percent(0.0231))).toBe('2.31 %');
    expect(plain(percent(0.00004))).toBe('0.004 %');
    expect(plain(bytes(22_700_000))).toBe('22.7 MB');
    expect(plain(bytes(999_999))).toBe('1 MB');
  });

  it('shortens large counts and keeps small ones', () => {
    expect(short(1247)).toBe('1,247');
    expect(short(1_840_000)).toMatch(/^1\.84\s?M$/i);
  });

  it('says change as a share, or as a multiple when it is many times', () => {
    expect(plain(change(104, 100))).toBe('+4 %');
    expect(plain(change(88, 100))).toBe('−12 %');
    expect(change(960, 100)).toBe('×9.6');
    expect(change(1, 0)).toBe('');
  });

  it('tells how long ago', () => {
    expect(ago(1_000, 20_000)).toBe('just now');
    expect(ago(0, 6 * 60_000)).toMatch(/6 min/);
  });
});
