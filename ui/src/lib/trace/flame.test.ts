import { describe, expect, it } from 'vitest';
import {
  boxes,
  change,
  forest,
  keyOf,
  pathTo,
  sought,
  totals,
  type Flame,
  type FlameNode,
} from './flame';

function node(
  parent: number,
  name: string,
  self: number,
  more: Partial<FlameNode> = {},
): FlameNode {
  const sums = { count: 1, errors: 0, total_ns: self, self_ns: self, critical_ns: self / 2 };
  return { parent, service: 'web', name, rest: 0, sums, base: null, ...more };
}

const NODES = [
  node(-1, 'root', 10),
  node(0, 'small', 20),
  node(0, 'big', 30),
  node(2, 'leaf', 40),
  node(0, '', 1000, { rest: 7 }),
];

describe('a flame', () => {
  it('makes a node as wide as what is below it, the widest first, the rest last', () => {
    const found = forest(NODES, 'self');
    expect(found.weights).toEqual([1100, 20, 70, 40, 1000]);
    expect(found.children[0]).toEqual([2, 1, 4]);
    expect(forest(NODES, 'critical').total).toBe(550);
  });

  it('places children beneath their parent and leaves out what nobody could see', () => {
    const found = boxes(forest(NODES.slice(0, 4), 'self'), -1, 0.25);
    expect(found.map((box) => [NODES[box.node]?.name, box.depth, box.left, box.width])).toEqual([
      ['root', 0, 0, 1],
      ['big', 1, 0, 0.7],
      ['leaf', 2, 0, 0.4],
    ]);
  });

  it('looks into a node, with the way there above it', () => {
    const found = boxes(forest(NODES, 'self'), 2, 0);
    expect(found.map((box) => [box.node, box.depth, box.width, box.above])).toEqual([
      [0, 0, 1, true],
      [2, 1, 1, false],
      [3, 2, 40 / 70, false],
    ]);
    expect(pathTo(NODES, 3)).toEqual([0, 2, 3]);
  });

  it('shows nothing of nothing', () => {
    expect(boxes(forest([], 'self'), -1, 0)).toEqual([]);
    expect(boxes(forest([node(-1, 'idle', 0)], 'self'), -1, 0)).toEqual([]);
  });

  it('names a path by what it is, not by where it stands', () => {
    const moved = [node(-1, 'other', 5), node(-1, 'root', 1), node(1, 'big', 2)];
    expect(keyOf(moved, 2)).toBe(keyOf(NODES, 2));
    expect(keyOf(NODES, 1)).not.toBe(keyOf(NODES, 2));
  });

  it('adds up an operation over all paths', () => {
    const again = [...NODES, node(1, 'leaf', 5)];
    expect(totals(again).map((each) => [each.name, each.self, each.count])).toEqual([
      ['leaf', 45, 2],
      ['big', 30, 1],
      ['small', 20, 1],
      ['root', 10, 1],
    ]);
  });

  it('finds operations by words', () => {
    expect([...sought(NODES, 'WEB leaf')]).toEqual([3]);
    expect(sought(NODES, ' ').size).toBe(0);
  });

  it('tells a change for each request', () => {
    const set = { traces: 1, of: 1, spans: 1, time_ns: 1 };
    const flame: Flame = {
      nodes: [],
      seen: { ...set, requests: 2 },
      base: { ...set, requests: 10 },
      slow_ns: null,
    };
    expect(change(flame, 100, 100)).toBe(40);
    expect(change({ ...flame, base: null }, 100, 0)).toBe(0);
  });
});
