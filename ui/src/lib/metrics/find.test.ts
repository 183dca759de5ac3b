import { describe, expect, it } from 'vitest';
import { find } from './find.ts';

const metrics = [
  ['cleanup_total', 'Things cleaned up'],
  ['process_uptime_seconds', 'How long it is up'],
  ['requests_total', 'Requests that came up'],
  ['up', 'Whether a target answers'],
  ['upstream_seconds', ''],
].map(([name = '', help = '']) => ({ name, help, type: 'gauge' }));

const found = (sought: string): string[] => find(metrics, sought).map((each) => each.name);

describe('metrics that are sought', () => {
  it('come by name first: the one that is called so, those that begin so, then the others', () => {
    expect(found(' UP')).toEqual([
      'up',
      'upstream_seconds',
      'cleanup_total',
      'process_uptime_seconds',
      'requests_total',
    ]);
  });

  it('have all the words, wherever they stand', () => {
    expect(found('seconds up')).toEqual(['process_uptime_seconds', 'upstream_seconds']);
    expect(found('gauge came')).toEqual(['requests_total']);
    expect(found('nosuchthing')).toEqual([]);
  });
});
