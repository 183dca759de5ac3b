import { expect, test } from 'vitest';
import { lineOf, textOf, typeOf } from '#lib/explore/values.ts';
import { parseJson } from './json.ts';

test('an integer beyond 2^53 keeps its digits', () => {
  expect(parseJson('{"id": 9223372036854775807, "below": [-9007199254740993]}')).toEqual({
    id: '9223372036854775807',
    below: ['-9007199254740993'],
  });
});

test('integers that are exact, fractions and texts stay what they are', () => {
  const text =
    '{"max": 9007199254740991, "part": 0.1234567890123456789, "text": "a, 12345678901234567"}';
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

test('what we calculate with stays a number', () => {
  expect(parseJson('{"duration_ns": 1795000000000000000}')).toEqual({
    duration_ns: 1795000000000000000,
  });
});

test('such an integer is shown with all its digits and without quotes', () => {
  const value = parseJson('9223372036854775807') as string;
  expect(lineOf(value)).toBe('9223372036854775807');
  expect(textOf(value)).toBe('9223372036854775807');
  expect(typeOf(value)).toBe('string');
});
