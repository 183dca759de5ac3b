import { expect, it } from 'vitest';
import { safeNext } from './next.ts';

it('goes back to a page of ours', () => {
  expect(safeNext('/traces?q=a&t=-1h')).toBe('/traces?q=a&t=-1h');
});

it.each([
  null,
  '',
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil',
  'javascript:1',
  '/login',
])('does not follow %j', (next) => {
  expect(safeNext(next)).toBe('/overview');
});
