import { describe, expect, it } from 'vitest';
import { exemplarsOf } from './prom.ts';
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

describe('exemplars', () => {
  it('are those that name a trace, the largest first', () => {
    const found = exemplarsOf([
      {
        seriesLabels: { __name__: 'x_bucket', job: 'a' },
        exemplars: [
          { labels: { trace_id: 't1' }, value: '0.5', timestamp: 10.5 },
          { labels: { user: 'u' }, value: '9', timestamp: 11 },
          { labels: { traceID: 't2' }, value: '2', timestamp: 12 },
        ],
      },
    ]);
    expect(found).toEqual([
      { series: 'x_bucket job=a', at: 12_000, value: 2, trace: 't2' },
      { series: 'x_bucket job=a', at: 10_500, value: 0.5, trace: 't1' },
    ]);
  });
});
