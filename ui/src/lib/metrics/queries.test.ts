import { describe, expect, it } from 'vitest';
import { expand, freeLetter, readQueries, writeQueries, type Asked, type Letter } from './queries.ts'; // prettier-ignore

const asked = (letter: Letter, expression: string, more: Partial<Asked> = {}): Asked => ({
  letter,
  expression,
  legend: '',
  hidden: false,
  ...more,
});

describe('queries in an address', () => {
  it('come back as they went', () => {
    const queries = [
      asked('a', 'rate(x[5m])', { legend: '{{job}}' }),
      asked('c', '$a * 2', { hidden: true }),
    ];
    const written = writeQueries(queries);
    expect(written).toMatchObject({ a: 'rate(x[5m])', la: '{{job}}', b: null, hide: 'c' });
    expect(readQueries((name) => written[name] ?? '')).toEqual(queries);
    expect(freeLetter(queries)).toBe('b');
  });
  it('begin with an empty one', () => {
    expect(readQueries(() => '')).toEqual([asked('a', '')]);
  });
});

describe('formulas', () => {
  const queries = [
    asked('a', 'sum(rate(errors[5m]))'),
    asked('b', 'sum(rate(all[5m]))'),
    asked('c', '$a / $b'),
    asked('d', '1 - $c + vector(0) + label_replace(x, "a", "$a", "b", "c")'),
    asked('e', '$f'),
    asked('f', '$e'),
  ];
  it('hold the others in brackets, however deep, but for what is in quotes', () => {
    expect(expand('d', queries)).toEqual({
      text: '1 - ((sum(rate(errors[5m]))) / (sum(rate(all[5m])))) + vector(0) + label_replace(x, "a", "$a", "b", "c")',
    });
  });
  it('say where they turn in a circle or name nothing', () => {
    expect(expand('e', queries)).toEqual({ circle: 'e' });
    const missing = (text: string) => expand('g', [...queries, asked('g', text)]);
    expect(missing('$h')).toEqual({ missing: 'h' });
    expect(missing('$a + $z')).toEqual({ missing: 'z' });
    expect(missing('rate(up[$__rate_interval])')).toEqual({ text: 'rate(up[$__rate_interval])' });
  });
});
