import { expect, it } from 'vitest';
import { toYaml } from './yaml.ts';

it('writes a resource as people would', () => {
  const written = toYaml({
    kind: 'saved-search',
    name: 'failed',
    spec: {
      title: 'Failed payments',
      range: '-24h',
      pinned: true,
      columns: ['time', 'http.status'],
      labels: {},
      none: null,
      steps: [{ run: 'a', for: 5 }, { run: 'b' }],
    },
  });
  expect(written).toBe(`kind: saved-search
name: failed
spec:
  title: Failed payments
  range: "-24h"
  pinned: true
  columns:
    - time
    - http.status
  labels: {}
  none: null
  steps:
    - run: a
      for: 5
    - run: b
`);
});

it.each([
  'yes',
  'No',
  'null',
  'true',
  '12',
  '1e3',
  '2026-11-21',
  '',
  ' a',
  'a ',
  'a: b',
  'a #b',
  '- a',
  '*a',
  '${secret:X}',
  '{',
  '~',
  '0x1f',
  'a\tb',
  "it's",
])('quotes %j, which would read as something else', (value) => {
  expect(toYaml({ a: value })).toBe(`a: ${JSON.stringify(value)}\n`);
});

it('keeps several lines as lines', () => {
  expect(toYaml({ a: 'one\n two\n' })).toBe('a: |\n  one\n   two\n');
  expect(toYaml({ a: { b: 'one\n\ntwo' } })).toBe('a:\n  b: |-\n    one\n\n    two\n');
  expect(toYaml({ a: ' one\ntwo' })).toBe('a: " one\\ntwo"\n');
});

it('quotes hostile keys', () => {
  expect(toYaml({ 'a: b': 1, yes: 2 })).toBe('"a: b": 1\n"yes": 2\n');
});
