import { expect, it } from 'vitest';
import { changes } from './changes.ts';

it('lists what differs, by path', () => {
  expect(changes({ a: 1, b: { c: 'x', d: [1] } }, { a: 1, b: { c: 'y', d: [1, 2] } })).toEqual([
    { path: 'b.c', before: 'x', after: 'y' },
    { path: 'b.d.1', before: undefined, after: '2' },
  ]);
});

it('shows all of what was made or deleted', () => {
  expect(changes(null, { name: 'a' })).toEqual([{ path: 'name', before: undefined, after: 'a' }]);
  expect(changes({ name: '', list: [] }, null)).toEqual([
    { path: 'name', before: '', after: undefined },
    { path: 'list', before: '[]', after: undefined },
  ]);
});
