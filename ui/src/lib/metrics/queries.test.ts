import { describe, expect, it } from 'vitest';
import { build, NOTHING_BUILT, expand, freeLetter, readQueries, suggest, unbuild, writeQueries, type Asked, type Built, type Letter } from './queries.ts'; // prettier-ignore

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
    expect(expand('g', [...queries, asked('g', '$h')])).toEqual({ missing: 'h' });
  });
});

describe('the builder', () => {
  const parts: Built = {
    metric: 'http_requests_total',
    matchers: [
      { label: 'code', op: '=~', value: '5..' },
      { label: 'path', op: '!=', value: 'a"b\\c' },
    ],
    call: 'rate',
    range: '5m',
    aggregation: 'sum',
    by: ['job', 'zone'],
  };
  it('reads what it wrote', () => {
    const none = { ...parts, matchers: [], call: '', aggregation: '', by: [], range: '$__rate_interval' }; // prettier-ignore
    for (const each of [
      parts,
      none,
      { ...parts, aggregation: '', by: [] },
      { ...none, aggregation: 'max' },
    ])
      // prettier-ignore
      expect(unbuild(build(each)), build(each)).toEqual(each);
    expect(build(parts)).toBe(
      'sum by (job, zone) (rate(http_requests_total{code=~"5..", path!="a\\"b\\\\c"}[5m]))',
    );
  });
  it('begins with nothing, and asks nothing before there is a metric', () => {
    expect(build({ ...NOTHING_BUILT, call: 'rate', aggregation: 'sum' })).toBe('');
    expect(build({ ...NOTHING_BUILT, metric: 'up' })).toBe('up');
  });
  it('quotes what is no plain name', () => {
    expect(build({ ...parts, metric: 'a.b', matchers: [{ label: 'x.y', op: '=', value: '' }], call: '', aggregation: '' })).toBe('{"a.b", "x.y"=""}'); // prettier-ignore
  });
  it('leaves alone what it could not have made', () => {
    for (const text of [
      'a / b',
      'rate(x[5m:1m])',
      'topk(3, x)',
      'sum(x',
      'x)',
      'rate(x)',
      'sum by (job) (rate(x[5m])) > 1',
      'x{a="b" or c="d"}',
    ])
      // prettier-ignore
      expect(unbuild(text), text).toBeNull();
  });
  it('suggests what one most likely wants to see', () => {
    expect(suggest('up', 'gauge')).toBe('up');
    expect(suggest('x_total', 'counter')).toBe('sum (rate(x_total[$__rate_interval]))');
    expect(suggest('t_bucket', 'histogram')).toBe(
      'histogram_quantile(0.95, sum by (le) (rate(t_bucket[$__rate_interval])))',
    );
    expect(suggest('latency', 'histogram')).toBe(
      'histogram_quantile(0.95, sum (rate(latency[$__rate_interval])))',
    );
    expect(suggest('disk_total', 'gauge')).toBe('disk_total');
  });
});
