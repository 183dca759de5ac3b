import { expect, it } from 'vitest';
import { parseDuration } from './durations';

it('reads durations as people type them', () => {
  const said = [
    '250ms',
    '1.5s',
    '1,5 s',
    '2 min',
    '300',
    '20µs',
    '',
    'soon',
    '1.2.3s',
    '5 parsecs',
  ];
  expect(said.map(parseDuration)).toEqual([
    250,
    1500,
    1500,
    120_000,
    300,
    0.02,
    null,
    null,
    null,
    null,
  ]);
});
