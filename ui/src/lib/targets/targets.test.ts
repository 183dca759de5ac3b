import { describe, expect, it } from 'vitest';
import { answering } from './targets.ts';

describe('targets that answer', () => {
  const target = (state: 'up' | 'down' | 'unknown', last_scrape: number) => ({
    state,
    last_scrape,
  });
  it('are counted with the newest answer of theirs', () => {
    const targets = [target('down', 900), target('up', 300), target('up', 500)];
    expect(answering(targets)).toEqual({ count: 2, last: 500 });
  });
  it('are none where all are down or were not asked yet', () => {
    expect(answering([target('down', 900), target('unknown', 0)])).toBeNull();
    expect(answering([])).toBeNull();
  });
});
