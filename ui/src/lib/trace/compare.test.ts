import { describe, expect, it } from 'vitest';
import { attributeChanges, causes, gained, pairRows, pairTree } from './compare';
import type { Pair, Side, TraceComparison } from './types';

function side(name: string, duration: number, more: Partial<Side> = {}): Side {
  return {
    span_id: name,
    service: 'web',
    name,
    error: false,
    offset_ns: 0,
    duration_ns: duration,
    self_ns: duration,
    critical_ns: duration,
    ...more,
  };
}

const pair = (parent: number, a: Side | null, b: Side | null): Pair => ({
  parent,
  a,
  b,
  differs: 0,
});

const PAIRS = [
  pair(-1, side('root', 1000), side('root', 2000)),
  pair(0, side('same', 100), side('same', 105)),
  pair(1, side('leaf', 50), side('leaf', 50)),
  pair(0, side('slower', 100), side('slower', 900)),
  pair(0, null, side('new', 7)),
  pair(0, side('fails', 10), side('fails', 10, { error: true })),
];

function compared(pairs: Pair[]): TraceComparison {
  const about = { trace_id: '', start_ns: '0', spans: 1, errors: 0, truncated: false };
  return {
    a: { ...about, duration_ns: 1000 },
    b: { ...about, duration_ns: 2000 },
    pairs,
    both: 0,
    only_a: 0,
    only_b: 0,
  };
}

const names = (nodes: ReturnType<typeof pairRows>): string[] =>
  nodes.map(({ pair, depth }) => '>'.repeat(depth) + (pair.a ?? pair.b)?.name);

describe('two traces compared', () => {
  const nodes = pairTree(compared(PAIRS));

  it('stand as one tree whose rows can be folded', () => {
    expect(names(pairRows(nodes, new Set(), false))).toEqual([
      'root', '>same', '>>leaf', '>slower', '>new', '>fails',
    ]); // prettier-ignore
    expect(names(pairRows(nodes, new Set([1]), false))).not.toContain('>>leaf');
    expect(names(pairRows(nodes, new Set([0]), false))).toEqual(['root']);
  });

  it('show only what tells them apart, with the way to it', () => {
    expect(names(pairRows(nodes, new Set(), true))).toEqual(['root', '>slower', '>new', '>fails']);
    expect(PAIRS.map(gained)).toEqual([1000, 5, 0, 800, 7, 0]);
  });

  it('tell by operation what each end waited for', () => {
    const found = causes([...PAIRS, pair(0, side('slower', 30), null)]);
    expect(found.slice(0, 2)).toEqual([
      { service: 'web', name: 'root', a: 1000, b: 2000, countA: 1, countB: 1 },
      { service: 'web', name: 'slower', a: 130, b: 900, countA: 2, countB: 1 },
    ]);
  });

  it('set attributes side by side, the different ones first', () => {
    const changes = attributeChanges(
      { attributes: { same: [1], z: 1, gone: 'x' } },
      { attributes: { same: [1], z: 2, added: null } },
    );
    expect(changes).toEqual([
      { name: 'added', a: undefined, b: null, same: false },
      { name: 'gone', a: 'x', b: undefined, same: false },
      { name: 'z', a: 1, b: 2, same: false },
      { name: 'same', a: [1], b: [1], same: true },
    ]);
    expect(attributeChanges(undefined, undefined)).toEqual([]);
  });
});
