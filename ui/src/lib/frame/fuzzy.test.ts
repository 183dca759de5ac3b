import { describe, expect, it } from 'vitest';
import { score } from './fuzzy.ts';

describe('the palette’s search', () => {
  it('finds the beginning of words, whole parts, and abbreviations', () => {
    expect(score('Change the time range', 'time')).toBeGreaterThan(0);
    expect(score('Change the time range', 'ctr')).toBeGreaterThan(0);
    expect(score('payments', 'pay')).toBeGreaterThan(score('repayments', 'pay'));
  });

  it('does not care about case and accents', () => {
    expect(score('Réglages', 'reg')).toBeGreaterThan(0);
    expect(score('reglages', 'RÉG')).toBeGreaterThan(0);
  });

  it('leaves out what merely contains the letters somewhere', () => {
    expect(score('Switch between dark and light', 'thl')).toBe(0);
    expect(score('Logs', 'x')).toBe(0);
  });

  it('keeps everything when nothing is asked', () => {
    expect(score('Logs', '  ')).toBe(1);
  });
});
