import { describe, expect, it } from 'vitest';
import { flawOf } from './flaw.ts';

/** What the server says of an expression, and from where on it is pointed at. */
describe('the place of what is wrong', () => {
  it.each([
    ['unclosed left parenthesis', 'sum(rate(x[5m])', '(rate(x[5m])'],
    ['unclosed left parenthesis', 'sum by (x', '(x'],
    ['unexpected end of input inside braces', 'x{a="}"', '{a="}"'],
    ['unexpected end of input inside brackets', 'rate(x[5m', '[5m'],
    ["unexpected right brace '}'", 'up{a="{"}}', '}'],
    ['unterminated quoted string "', 'x{job="a', '"a'],
    ["expected type matrix in call to function 'rate', got vector", 'sum(rate(x))', 'rate(x))'],
    ["unknown function with name 'histogram_quantil'", 'histogram_quantil(1, x)', 'histogram_quantil(1, x)'], // prettier-ignore
    ["unexpected identifier 'b' in label matching, expected string", 'x{a=b}', 'b}'],
    ['bad number or duration syntax: 5x', 'rate(x[5x])', '5x])'],
    ['invalid promql query', 'sum(x))', ')'],
  ])('%s: %s', (complaint, expression, rest) => {
    expect(expression.slice(flawOf(complaint, expression) ?? undefined)).toBe(rest);
  });

  it('is nowhere when the complaint does not tell', () => {
    expect(flawOf('invalid promql query', 'foo bar')).toBeNull();
    expect(flawOf("expected type matrix in call to function 'rate', got vector", 'rate(x) + rate(y)')).toBeNull(); // prettier-ignore
    expect(flawOf('the query took longer than 30 s', 'up')).toBeNull();
  });
});
