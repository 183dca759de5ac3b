import { expect, test } from 'vitest';
import { moved, printColumns, readColumns, resized, toggled } from './columns.ts';

test('columns are read from the address and written back', () => {
  for (const text of ['', 'tenant', 'http.route:200,tenant,a~b:64,host:80:120'])
    expect(printColumns(readColumns(text))).toBe(text);
  expect(readColumns('a,,a:90,b:5,c:99999')).toEqual([
    { name: 'a', width: 120 },
    { name: 'b', width: 48 },
    { name: 'c', width: 800 },
  ]);
});

test('columns come, go, move and grow', () => {
  const columns = readColumns('a,b,c');
  expect(printColumns(toggled(columns, 'b'))).toBe('a,c');
  expect(printColumns(toggled(columns, 'd'))).toBe('a,b,c,d');
  expect(printColumns(moved(columns, 'a', 1))).toBe('b,a,c');
  expect(printColumns(moved(columns, 'a', -1))).toBe('a,b,c');
  expect(printColumns(moved(columns, 'x', 1))).toBe('a,b,c');
  expect(printColumns(resized(columns, 'b', 200.4))).toBe('a,b:200,c');
});
