import { describe, expect, it } from 'vitest';
import { Lane } from './lane';

const never = new AbortController().signal;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe('a lane', () => {
  it('lets so many run at once, in order, whether they fail or not', async () => {
    const lane = new Lane(2);
    const begun: number[] = [];
    const ends: ((fails: boolean) => void)[] = [];
    const all = [0, 1, 2, 3].map((n) =>
      lane
        .run(
          () =>
            new Promise<number>((resolve, reject) => {
              begun.push(n);
              ends[n] = (fails) => (fails ? reject(new Error('no')) : resolve(n));
            }),
          never,
        )
        .catch(() => -1),
    );
    await settled();
    expect(begun).toEqual([0, 1]);
    ends[0]?.(true);
    await settled();
    expect(begun).toEqual([0, 1, 2]);
    ends[1]?.(false);
    ends[2]?.(false);
    await settled();
    ends[3]?.(false);
    expect(await Promise.all(all)).toEqual([-1, 1, 2, 3]);
  });

  it('forgets what was given up while waiting', async () => {
    const lane = new Lane(1);
    let end = (): void => undefined;
    const first = lane.run(() => new Promise<void>((resolve) => (end = resolve)), never);
    const given = new AbortController();
    const second = lane.run(() => Promise.resolve(2), given.signal).catch(() => 'given up');
    const third = lane.run(() => Promise.resolve(3), never);
    await settled();
    given.abort();
    end();
    await first;
    expect([await second, await third]).toEqual(['given up', 3]);
  });
});
