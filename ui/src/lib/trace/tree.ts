/**
 * A trace as a tree. The server says which span stands below which (no circles, whatever the
 * ids say) and what the end waited for; here each span gets its children in order of time and
 * what is below it.
 */
import type { Outline, SpanLine } from './types';

export interface Stretch {
  readonly from: number;
  readonly to: number;
}

export interface Node {
  /** The span's id; where several share one, the later ones say the how manyth they are. */
  readonly key: string;
  readonly span: SpanLine;
  readonly depth: number;
  readonly parent: Node | null;
  readonly children: Node[];
  /** When the end waited for this span, the latest first. */
  readonly critical: Stretch[];
  /** All spans below, for the count on a collapsed row. */
  below: number;
  /** Errors below, so that a collapsed row still tells. */
  errorsBelow: number;
}

export interface Tree {
  readonly roots: readonly Node[];
  /** Every span as its row stands when nothing is folded. */
  readonly all: readonly Node[];
  readonly byKey: ReadonlyMap<string, Node>;
}

const SEPARATOR = '~';

export const isError = (span: { status: string }): boolean => span.status === 'error';

/** The id and the how manyth of it that a key stands for. */
export function keyParts(key: string): { id: string; nth: number } {
  const [id = '', nth] = key.split(SEPARATOR);
  return { id, nth: Number(nth ?? 0) };
}

export function buildTree(spans: readonly SpanLine[], critical: Outline['critical']): Tree {
  const below: number[][] = spans.map(() => []);
  const tops: number[] = [];
  spans.forEach((span, at) => (below[span.parent] ?? tops).push(at));
  const stretches: Stretch[][] = spans.map(() => []);
  for (const [at, from, to] of critical) stretches[at]?.push({ from, to });

  const all: Node[] = [];
  const roots: Node[] = [];
  const byKey = new Map<string, Node>();
  const keys = keysOf(spans);
  const stack: { at: number; parent: Node | null }[] = [];
  const push = (list: readonly number[], parent: Node | null): void => {
    for (let index = list.length - 1; index >= 0; index--)
      stack.push({ at: list[index] as number, parent });
  };
  push(tops, null);
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { at, parent } = next;
    const node: Node = {
      key: keys[at] as string,
      span: spans[at] as SpanLine,
      depth: parent ? parent.depth + 1 : 0,
      parent,
      children: [],
      critical: stretches[at] as Stretch[],
      below: 0,
      errorsBelow: 0,
    };
    (parent?.children ?? roots).push(node);
    all.push(node);
    byKey.set(node.key, node);
    push(below[at] as number[], node);
  }
  for (let at = all.length - 1; at >= 0; at--) {
    const { parent, span, below, errorsBelow } = all[at] as Node;
    if (!parent) continue;
    parent.below += below + 1;
    parent.errorsBelow += errorsBelow + Number(isError(span));
  }
  return { roots, all, byKey };
}

function keysOf(spans: readonly SpanLine[]): string[] {
  const met = new Map<string, number>();
  return spans.map(({ span_id }) => {
    const nth = met.get(span_id) ?? 0;
    met.set(span_id, nth + 1);
    return nth ? `${span_id}${SEPARATOR}${nth}` : span_id;
  });
}

/** What the trace is called by: the root that takes longest. */
export function mainRoot(roots: readonly Node[]): Node | undefined {
  return [...roots].sort((a, b) => b.span.duration_ns - a.span.duration_ns || b.below - a.below)[0];
}

/** The spans that the end waited for, with all that stands above them. */
export function onCriticalPath(tree: Tree): Set<string> {
  const keys = new Set<string>();
  for (const node of tree.all)
    if (node.critical.length)
      for (let up: Node | null = node; up && !keys.has(up.key); up = up.parent) keys.add(up.key);
  return keys;
}

export const criticalTime = (node: Node): number =>
  node.critical.reduce((sum, { from, to }) => sum + to - from, 0);

export interface Sum {
  readonly service: string;
  /** Empty when it is a service's. */
  readonly name: string;
  spans: number;
  errors: number;
  total: number;
  self: number;
  critical: number;
}

/** What the time went to, by service or by operation: what the end waited for most first. */
export function sums(tree: Tree, by: 'service' | 'operation'): Sum[] {
  const found = new Map<string, Sum>();
  for (const node of tree.all) {
    const { service, name, duration_ns, self_ns } = node.span;
    const key = by === 'service' ? service : `${service}\n${name}`;
    let sum = found.get(key);
    if (!sum) {
      const named = by === 'service' ? '' : name;
      sum = { service, name: named, spans: 0, errors: 0, total: 0, self: 0, critical: 0 };
      found.set(key, sum);
    }
    sum.spans++;
    sum.errors += Number(isError(node.span));
    sum.total += Math.max(0, duration_ns);
    sum.self += self_ns;
    sum.critical += criticalTime(node);
  }
  return [...found.values()].sort((a, b) => b.critical - a.critical || b.self - a.self);
}
