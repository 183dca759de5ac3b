import { describe, expect, it } from 'vitest';
import { alike } from './alike.ts';
import type { LogRow } from './types';

const row = (service: string, body: string, time_ms: number): LogRow =>
  ({ id: `${service}${time_ms}`, service, body, time_ms }) as LogRow;

describe('records that are alike', () => {
  it('are one row with the newest of them and their number', () => {
    const found = alike([
      row('orders', 'order SH-781120C981 could not be paid', 1),
      row('orders', 'order SH-F6EEFB1756 could not be paid', 3),
      row('web', 'POST /checkout 503', 2),
    ]);
    expect(found.map((each) => [each.count, each.text])).toEqual([
      [2, 'order SH-F6EEFB1756 could not be paid'],
      [1, 'POST /checkout 503'],
    ]);
  });

  it('stay apart by service and by words', () => {
    expect(
      alike([
        row('a', 'failed', 1),
        row('b', 'failed', 2),
        row('a', 'failed with 500', 3),
        row('a', 'failed with 503', 4),
      ]),
    ).toHaveLength(4);
  });
});
