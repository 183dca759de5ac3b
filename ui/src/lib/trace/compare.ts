/** Two traces laid over each other: the rows of the merged tree, and what made the difference. */
import type { Json } from '#lib/api/client.ts';
import type { Pair, Side, SpanDetails, TraceComparison } from './types';

export interface PairNode {
  /** The place among the pairs. */
  readonly at: number;
  readonly pair: Pair;
  readonly depth: number;
  readonly parent: PairNode | null;
  readonly children: PairNode[];
  /** Whether it or anything below it tells the traces apart. */
  differs: boolean;
}

export const sideOf = (pair: Pair): Side => (pair.a ?? pair.b) as Side;

/** How much longer it took in B; a span that only one has counts whole. */
export const gained = (pair: Pair): number =>
  (pair.b?.duration_ns ?? 0) - (pair.a?.duration_ns ?? 0);

/** A difference that is worth a look: a hundredth of the longer trace, or a span of only one. */
const WORTH = 0.01;

export function pairTree({ a, b, pairs }: TraceComparison): PairNode[] {
  const least = Math.max(a.duration_ns, b.duration_ns) * WORTH;
  const nodes: PairNode[] = [];
  pairs.forEach((pair, at) => {
    const parent = nodes[pair.parent] ?? null;
    const differs =
      !pair.a || !pair.b || pair.a.error !== pair.b.error || Math.abs(gained(pair)) >= least;
    const depth = parent ? parent.depth + 1 : 0;
    const node: PairNode = { at, pair, depth, parent, children: [], differs };
    parent?.children.push(node);
    nodes.push(node);
  });
  for (let at = nodes.length - 1; at >= 0; at--) {
    const { differs, parent } = nodes[at] as PairNode;
    if (differs && parent) parent.differs = true;
  }
  return nodes;
}

/** The rows: without what is below a collapsed one, and perhaps only those that differ. */
export function pairRows(
  nodes: readonly PairNode[],
  collapsed: ReadonlySet<number>,
  onlyDiffering: boolean,
): PairNode[] {
  const hidden = new Set<PairNode>();
  return nodes.filter((node) => {
    const above = node.parent;
    if (above && (hidden.has(above) || collapsed.has(above.at))) {
      hidden.add(node);
      return false;
    }
    return !onlyDiffering || node.differs;
  });
}

export interface Cause {
  readonly service: string;
  readonly name: string;
  a: number;
  b: number;
  countA: number;
  countB: number;
}

/** By operation, what each trace's end waited for: what differs most first. */
export function causes(pairs: readonly Pair[]): Cause[] {
  const found = new Map<string, Cause>();
  const of = ({ service, name }: Side): Cause => {
    const key = `${service}\n${name}`;
    const known = found.get(key) ?? { service, name, a: 0, b: 0, countA: 0, countB: 0 };
    found.set(key, known);
    return known;
  };
  for (const { a, b } of pairs) {
    if (a) {
      const cause = of(a);
      cause.a += a.critical_ns;
      cause.countA++;
    }
    if (b) {
      const cause = of(b);
      cause.b += b.critical_ns;
      cause.countB++;
    }
  }
  return [...found.values()].sort((x, y) => Math.abs(y.b - y.a) - Math.abs(x.b - x.a));
}

export interface AttributeChange {
  readonly name: string;
  /** Undefined where a span does not have it. */
  readonly a: Json | undefined;
  readonly b: Json | undefined;
  readonly same: boolean;
}

/** What differs first, then the rest, each by name. */
export function attributeChanges(
  a: Pick<SpanDetails, 'attributes'> | undefined,
  b: Pick<SpanDetails, 'attributes'> | undefined,
): AttributeChange[] {
  const names = new Set([...Object.keys(a?.attributes ?? {}), ...Object.keys(b?.attributes ?? {})]);
  return [...names]
    .map((name) => {
      const [mine, theirs] = [a?.attributes[name], b?.attributes[name]];
      return { name, a: mine, b: theirs, same: JSON.stringify(mine) === JSON.stringify(theirs) };
    })
    .sort((x, y) => Number(x.same) - Number(y.same) || (x.name < y.name ? -1 : 1));
}
