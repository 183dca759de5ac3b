import { describe, expect, it } from 'vitest';
import { apart, courseOf, nameOf, numberOf, stepOf, timed } from './prom.ts';
import { promql, tokens, type Known } from './promql.ts';

const known: Known = {
  metrics: [
    { text: 'http_requests_total', help: 'counter' },
    { text: 'up', help: 'gauge' },
  ],
  labels: (metric) => (metric === 'http_requests_total' ? ['code', 'job'] : ['instance', 'job']),
  values: (metric, label) => (metric === 'up' && label === 'job' ? ['api', 'a"b'] : []),
};

const offers = (text: string, asked = false): string[] =>
  promql(known)
    .complete(text, text.length, asked)
    .offers.map((each) => each.text);

const kinds = (text: string, kind: string): string[] =>
  tokens(text)
    .filter((each) => each.kind === kind)
    .map((each) => each.text);

describe('tokens of PromQL', () => {
  const text = `sum by (job, "x y") (rate(http:requests{code=~"5..", job!='a'}[5m] offset 1h30m)) / $a # why`;
  it('lose nothing', () => {
    expect(
      tokens(text)
        .map((each) => each.text)
        .join(''),
    ).toBe(text);
  });
  it('tell labels from metrics and calls from words', () => {
    expect(kinds(text, 'keyword')).toEqual(['sum', 'by', 'offset', '$a']);
    expect(kinds(text, 'call')).toEqual(['rate']);
    expect(kinds(text, 'name')).toEqual(['http:requests']);
    expect(kinds(text, 'label')).toEqual(['job', 'code', 'job']);
    expect(kinds(text, 'number')).toEqual(['5m', '1h30m']);
    expect(kinds(text, 'comment')).toEqual(['# why']);
  });
  it('take a metric that is called like an aggregation for what it is', () => {
    expect(kinds('count{a="b"}', 'name')).toEqual(['count']);
  });
});

describe('completion of PromQL', () => {
  it('offers metrics before calls', () => {
    expect(offers('htt')).toEqual(['http_requests_total']);
    expect(offers('rat')).toContain('rate(');
  });
  it('offers the labels of the metric whose braces are open', () => {
    expect(offers('up + http_requests_total{', true)).toEqual(['code', 'job']);
    expect(offers('up{job="api", in')).toEqual(['instance']);
  });
  it('offers the labels of the metric that is summed', () => {
    expect(promql(known).complete('sum by (c) (http_requests_total)', 9, false).offers).toEqual([
      { text: 'code', help: '' },
    ]);
  });
  it('offers values within quotes, escaped', () => {
    expect(offers('up{job="')).toEqual(['api', 'a\\"b']);
    expect(offers('up{job=~"ap')).toEqual(['api']);
  });
  it('offers nothing within any other text, nor where nothing is begun', () => {
    expect(offers('label_replace(up, "ra')).toEqual([]);
    expect(offers('up + ')).toEqual([]);
  });
});

describe('answers', () => {
  it('stand on the grid that was asked for, with holes', () => {
    const found = courseOf(
      {
        status: 'success',
        warnings: ['careful'],
        data: {
          resultType: 'matrix',
          result: [{ metric: { job: 'a' }, values: [[10, '1.5'], [30, 'NaN'], [40, '+Inf']] }], // prettier-ignore
        },
      },
      10_000,
      40_000,
      10_000,
    );
    expect(found.lines[0]?.values).toEqual([1.5, null, null, null]);
    expect([found.start, found.step, found.notes]).toEqual([5000, 10_000, ['careful']]);
  });
  it('are named by a legend, or by what tells them apart', () => {
    const lines = [
      { labels: { __name__: 'up', job: 'a', zone: 'z' } },
      { labels: { __name__: 'up', job: 'b', zone: 'z' } },
    ];
    expect(apart(lines)).toEqual(['job']);
    expect(lines.map((each) => nameOf(each.labels, '', apart(lines)))).toEqual(['a', 'b']);
    expect(nameOf({ job: 'a' }, '{{ job }} of {{none}}', [])).toBe('a of ');
    expect(nameOf({ __name__: 'up' }, '', [])).toBe('up');
  });
  it('come at round steps, and the variables of time become durations', () => {
    expect(stepOf(0, 3_600_000, 240)).toBe(15);
    expect(stepOf(0, 86_400_000 * 400, 100)).toBe(86_400 * 4);
    expect(timed('rate(x[$__rate_interval]) + y[$__range:${__interval}]', 0, 60_000, 30)).toBe(
      'rate(x[120s]) + y[60s:30s]',
    );
    expect([numberOf('1e3'), numberOf('NaN'), numberOf('-Inf')]).toEqual([1000, null, null]);
  });
});
