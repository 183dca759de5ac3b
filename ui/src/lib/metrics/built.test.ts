import { describe, expect, it } from 'vitest';
import { NOTHING_BUILT, buckets, build, suggest, unbuild, withQuantile, type Built } from './built.ts'; // prettier-ignore

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
    quantile: '',
  };
  it('reads what it wrote', () => {
    const none = { ...parts, matchers: [], call: '', aggregation: '', by: [], range: '$__rate_interval' }; // prettier-ignore
    for (const each of [
      parts,
      none,
      { ...parts, aggregation: '', by: [] },
      { ...none, aggregation: 'max' },
      { ...parts, quantile: '0.95' },
      { ...parts, metric: 'a.b', by: ['x.y', 'le'] },
      { ...none, metric: 'a.b' },
      { ...none, metric: 'a.b', matchers: [{ label: 'x.y', op: '=' as const, value: '' }] },
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
      'x{"a.b"}',
      '{"a.b", "c.d"}',
      '{job="x"}',
      'histogram_quantile(0.95, x',
      'histogram_quantile(scalar(y), x)',
      '(x)',
      'up)',
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
  it('reads what a click on a histogram writes', () => {
    const text = suggest('t_bucket', 'histogram');
    expect(unbuild(text)).toEqual({ ...NOTHING_BUILT, metric: 't_bucket', call: 'rate', aggregation: 'sum', by: ['le'], quantile: '0.95' }); // prettier-ignore
    expect(build(unbuild(text) as Built)).toBe(text);
  });
  it('asks for what a quantile needs', () => {
    const base = { ...NOTHING_BUILT, metric: 't_bucket', by: ['route'] };
    expect(build(withQuantile(base, '0.5'))).toBe(
      'histogram_quantile(0.5, sum by (le, route) (rate(t_bucket[$__rate_interval])))',
    );
    expect(withQuantile({ ...base, quantile: '0.5' }, '')).toEqual(base);
  });
  it('asks for all buckets where a heat map is to be', () => {
    const asked = 'sum by (le) (rate(t_bucket{job="a"}[5m]))';
    for (const text of [
      'histogram_quantile(0.95, sum by (le, route) (rate(t_bucket{job="a"}[5m])))',
      'sum (rate(t_bucket{job="a"}[5m]))',
      'rate(t_bucket{job="a"}[5m])',
      asked,
    ])
      expect(buckets(text), text).toBe(asked);
    expect(buckets('t_bucket')).toBe('sum by (le) (rate(t_bucket[$__rate_interval]))');
    expect(buckets(suggest('latency', 'histogram'))).toBe('sum (rate(latency[$__rate_interval]))');
  });
  it('leaves a heat map of anything else as it is asked', () => {
    for (const text of ['up', 'a / b', 'sum by (job) (rate(x_total[5m]))'])
      expect(buckets(text)).toBe(text);
  });
});
