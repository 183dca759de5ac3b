import { describe, expect, it } from 'vitest';
import { metricsIn, sharedUnit, unitOf } from './unit.ts';

const metrics = new Map(
  [
    { name: 'http_requests_total', type: 'counter', unit: '' },
    { name: 'sent_total', type: 'counter', unit: 'bytes' },
    { name: 'cpu_seconds_total', type: 'counter', unit: '' },
    { name: 'took_bucket', type: 'histogram', unit: 's' },
    { name: 'took_count', type: 'histogram', unit: 's' },
    { name: 'took_sum', type: 'histogram', unit: 's' },
    { name: 'memory', type: 'gauge', unit: 'By' },
    { name: 'queue.size', type: 'gauge', unit: 'By' },
    { name: 'used', type: 'gauge', unit: 'ratio' },
    { name: 'up', type: 'gauge', unit: '' },
  ].map((each) => [each.name, each]),
);

describe('the unit of an expression', () => {
  it.each([
    ['memory', 'bytes'],
    ['{"queue.size"}', 'bytes'],
    ['max by (job) (max_over_time(memory{a!="b/c"}[5m]))', 'bytes'],
    ['used', 'share'],
    ['sum (rate(http_requests_total[$__rate_interval]))', 'per_second'],
    ['topk(5, sum by (job) (rate(http_requests_total{code=~"5.."}[5m])))', 'per_second'],
    ['increase(http_requests_total[1h])', 'count'],
    ['sum(rate(sent_total[5m]))', 'bytes_per_second'],
    // Seconds in each second are cores, or requests at once.
    ['rate(cpu_seconds_total[5m])', ''],
    ['increase(cpu_seconds_total[5m])', 'seconds'],
    ['histogram_quantile(0.95, sum by (le) (rate(took_bucket[5m])))', 'seconds'],
    ['sum by (le) (rate(took_bucket[5m]))', 'per_second'],
    ['rate(took_count[5m])', 'per_second'],
    ['count(memory)', 'count'],
    ['node_memory_free_bytes', 'bytes'],
    ['unheard_of', ''],
  ])('%s: %s', (expression, unit) => {
    expect(unitOf(expression, metrics)).toBe(unit);
  });

  it.each([
    'rate(took_sum[5m]) / rate(took_count[5m])',
    'memory * 8',
    'memory > 5',
    'memory or up',
    'vector(1)',
    'absent(memory)',
    'sgn(memory)',
  ])('is not guessed: %s', (expression) => {
    expect(unitOf(expression, metrics)).toBe('');
  });

  it('is of the metrics that it asks for', () => {
    expect(metricsIn('sum by (job) (rate(a_total{b="c"}[5m])) / on (job) d + a_total')).toEqual([
      'a_total',
      'd',
    ]);
    expect(metricsIn('max ({"a.b"})')).toEqual(['a.b']);
    expect(metricsIn('')).toEqual([]);
  });

  it('is that of the axis where all have it', () => {
    expect(sharedUnit(['seconds', 'seconds'])).toBe('seconds');
    expect(sharedUnit(['seconds', 'per_second'])).toBe('');
    expect(sharedUnit(['seconds', ''])).toBe('');
    expect(sharedUnit([])).toBe('');
  });
});
