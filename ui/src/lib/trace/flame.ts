/**
 * A flame graph: which path stands where. A node is as wide as the time of everything below it,
 * so that what stands under a node never reaches beyond it.
 */
import type { components } from '#lib/api/schema.d.ts';

export type Flame = components['schemas']['Flame'];
export type FlameNode = components['schemas']['FlameNode'];
export type FlameSet = components['schemas']['FlameSet'];

/** `self`: every span's own time, side by side or not. `critical`: what the end waited for. */
export type Measure = 'self' | 'critical';

export interface Box {
  readonly node: number;
  readonly depth: number;
  /** Shares of the width, 0 to 1. */
  readonly left: number;
  readonly width: number;
  /** Above the node that is looked into: it holds more than is shown. */
  readonly above: boolean;
}

export interface Forest {
  readonly nodes: readonly FlameNode[];
  readonly children: readonly (readonly number[])[];
  readonly roots: readonly number[];
  /** Time of a node with all below it, in nanoseconds. */
  readonly weights: readonly number[];
  /** The same of what it is compared with. */
  readonly baseWeights: readonly number[];
  readonly total: number;
}

const own = (sums: FlameNode['base'], measure: Measure): number =>
  !sums ? 0 : measure === 'self' ? sums.self_ns : sums.critical_ns;

/** Heaviest first, what was folded last. */
export function forest(nodes: readonly FlameNode[], measure: Measure): Forest {
  const children: number[][] = nodes.map(() => []);
  const roots: number[] = [];
  const weights = nodes.map((node) => own(node.sums, measure));
  const baseWeights = nodes.map((node) => own(node.base, measure));
  for (let at = nodes.length - 1; at >= 0; at--) {
    const parent = (nodes[at] as FlameNode).parent;
    (parent < 0 ? roots : (children[parent] as number[])).push(at);
    if (parent < 0) continue;
    weights[parent] = (weights[parent] as number) + (weights[at] as number);
    baseWeights[parent] = (baseWeights[parent] as number) + (baseWeights[at] as number);
  }
  const order = (a: number, b: number): number =>
    Number((nodes[a] as FlameNode).rest > 0) - Number((nodes[b] as FlameNode).rest > 0) ||
    (weights[b] as number) - (weights[a] as number) ||
    a - b;
  for (const list of [...children, roots]) list.sort(order);
  const total = roots.reduce((sum, at) => sum + (weights[at] as number), 0);
  return { nodes, children, roots, weights, baseWeights, total };
}

/** From the top down to a node; empty for the top itself. */
export function pathTo(nodes: readonly FlameNode[], node: number): number[] {
  const path: number[] = [];
  for (let at = node; at >= 0; at = (nodes[at] as FlameNode).parent) path.unshift(at);
  return path;
}

/** What is wide enough to be seen when one looks into a node; -1 looks at all. */
export function boxes(forest: Forest, into: number, least: number): Box[] {
  const above = pathTo(forest.nodes, into);
  const found: Box[] = above.map((node, depth) => ({
    node,
    depth,
    left: 0,
    width: 1,
    above: node !== into,
  }));
  const whole = into < 0 ? forest.total : (forest.weights[into] as number);
  if (!whole) return found;
  const place = (list: readonly number[], from: number, depth: number): void => {
    let left = from;
    for (const node of list) {
      const width = (forest.weights[node] as number) / whole;
      if (width < least) continue;
      stack.push({ node, depth, left, width, above: false });
      left += width;
    }
  };
  const stack: Box[] = [];
  place(into < 0 ? forest.roots : (forest.children[into] ?? []), 0, above.length);
  for (let box = stack.pop(); box; box = stack.pop()) {
    found.push(box);
    place(forest.children[box.node] ?? [], box.left, box.depth + 1);
  }
  return found;
}

/** A short name for a path that stays the same when the figures change: for the address. */
export function keyOf(nodes: readonly FlameNode[], node: number): string {
  let value = 2166136261;
  const text = pathTo(nodes, node)
    .map((at) => `${nodes[at]?.service}\n${nodes[at]?.name}\n${Number((nodes[at]?.rest ?? 0) > 0)}`)
    .join('\n\n');
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  return (value >>> 0).toString(36);
}

export interface Total {
  readonly service: string;
  readonly name: string;
  count: number;
  errors: number;
  total: number;
  self: number;
  critical: number;
  base: { count: number; errors: number; total: number; self: number; critical: number };
}

/** The same operation on different paths as one, the most time of its own first. */
export function totals(nodes: readonly FlameNode[]): Total[] {
  const found = new Map<string, Total>();
  const zero = { count: 0, errors: 0, total: 0, self: 0, critical: 0 };
  for (const node of nodes) {
    if (node.rest) continue;
    const key = `${node.service}\n${node.name}`;
    let sum = found.get(key);
    if (!sum) {
      sum = { service: node.service, name: node.name, ...zero, base: { ...zero } };
      found.set(key, sum);
    }
    for (const [into, from] of [
      [sum, node.sums],
      [sum.base, node.base],
    ] as const) {
      if (!from) continue;
      into.count += from.count;
      into.errors += from.errors;
      into.total += from.total_ns;
      into.self += from.self_ns;
      into.critical += from.critical_ns;
    }
  }
  return [...found.values()].sort((a, b) => b.self - a.self);
}

/** A box's change per request against what it is compared with, as a share of a request's time. */
export function change(flame: Flame, weight: number, baseWeight: number): number {
  if (!flame.base) return 0;
  const mine = weight / Math.max(1, flame.seen.requests);
  const theirs = baseWeight / Math.max(1, flame.base.requests);
  return mine - theirs;
}

/** Words that all stand in the operation or its service; nothing sought is nothing found. */
export function sought(nodes: readonly FlameNode[], text: string): ReadonlySet<number> {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Set<number>();
  if (!words.length) return found;
  nodes.forEach((node, at) => {
    const own = `${node.service} ${node.name}`.toLowerCase();
    if (words.every((word) => own.includes(word))) found.add(at);
  });
  return found;
}
