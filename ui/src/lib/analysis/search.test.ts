import { describe, expect, it } from 'vitest';
import { both, bound, durationText, filtered, ofService, withDurations, within } from './search';

describe('searches put together', () => {
  it('writes durations in the unit that reads best, as the server reads them', () => {
    expect([0.25, 12.3456, 999, 1500].map(durationText)).toEqual([
      '250us',
      '12.35ms',
      '999ms',
      '1.5s',
    ]);
  });
  it('replaces the bounds of the duration and keeps the rest', () => {
    const once = withDurations('status:error duration>=5ms', 120, 2000);
    expect(once).toBe('status:error duration>=120ms duration<2s');
    expect([bound(once, '>'), bound(once, '<')]).toEqual([120, 2000]);
    expect(withDurations(once, null, null)).toBe('status:error');
  });
  it('keeps a value, leaves one out, and asks for spans without the field', () => {
    expect(filtered('', 'payment.provider', 'wave')).toBe('payment.provider:wave');
    expect(filtered('a', 'x', 'two words', true)).toBe('a -x:"two words"');
    expect(filtered('', 'x', '')).toBe('-x:*');
    expect(filtered('', 'x', null, true)).toBe('x:*');
  });
  it('narrows a number to a stretch, in place of the one before', () => {
    expect(within('a size>=1 size<9', 'size', 10, null)).toBe('a size>=10');
    expect(within('', 'size', 10, 20)).toBe('size>=10 size<20');
  });
  it('keeps alternatives together', () => {
    expect(both('a OR b', 'c')).toBe('(a OR b) c');
    expect(both('a OR b', '')).toBe('a OR b');
  });
  it('names a service once', () => {
    expect(ofService('service:web', 'web')).toBe('service:web');
    expect(ofService('', 'web')).toBe('service:web');
    expect(ofService('a', '')).toBe('a');
  });
});
