/**
 * A trace as a tree: children under their parents in order of time, spans whose parent is
 * missing as roots, no endless loop whatever the ids say; the critical path; shares of time.
 */
import type { Span } from './types';

export interface Node {
  readonly span: Span;
  readonly depth: number;
  readonly parent: Node | null;
  readonly children: Node[];
  /** All spans below, for the count on a collapsed row. */
  below: number;
  /** Errors below, so that a collapsed row still tells. */
  errorsBelow: number;
}

export const isError = (span: Span): boolean => span.status.toLowerCase() === 'error';

export function buildTree(spans: readonly Span[]): Node[] {
  const byId = new Map(spans.map((span) => [span.span_id, span]));
  const children = new Map<string, Span[]>();
  const tops: Span[] = [];
  for (const span of spans) {
    const parent = span.parent_span_id;
    if (!parent || parent === span.span_id || !byId.has(parent)) tops.push(span);
    else children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const seen = new Set<string>();
  const roots: Node[] = [];
  const place = (from: readonly Span[]): void => {
    const stack: { span: Span; parent: Node | null }[] = [];
    const push = (list: readonly Span[], parent: Node | null): void => {
      const ordered = [...list].sort((a, b) => b.offset_ns - a.offset_ns);
      for (const span of ordered) stack.push({ span, parent });
    };
    push(from, null);
    for (let next = stack.pop(); next; next = stack.pop()) {
      const { span, parent } = next;
      if (seen.has(span.span_id)) continue;
      seen.add(span.span_id);
      const depth = parent ? parent.depth + 1 : 0;
      const node: Node = { span, depth, parent, children: [], below: 0, errorsBelow: 0 };
      (parent?.children ?? roots).push(node);
      for (let up = parent; up; up = up.parent) {
        up.below++;
        if (isError(span)) up.errorsBelow++;
      }
      push(children.get(span.span_id) ?? [], node);
    }
  };
  place(tops);
  // Parents that go round in a circle have no top: the earliest becomes one.
  const lost = spans.filter((span) => !seen.has(span.span_id));
  for (const span of lost) if (!seen.has(span.span_id)) place([span]);
  return roots;
}

/** The rows on screen: the tree in order, without what is below a collapsed row. */
export function rowsOf(roots: readonly Node[], collapsed: ReadonlySet<string>): Node[] {
  const rows: Node[] = [];
  const stack = [...roots].reverse();
  for (let node = stack.pop(); node; node = stack.pop()) {
    rows.push(node);
    if (!collapsed.has(node.span.span_id))
      for (let index = node.children.length - 1; index >= 0; index--)
        stack.push(node.children[index] as Node);
  }
  return rows;
}

const end = (span: Span): number => span.offset_ns + span.duration_ns;

/** The spans that the end of the trace waited for: walked back from the last to end. */
export function criticalPath(roots: readonly Node[]): Set<string> {
  const path = new Set<string>();
  const longest = roots.reduce<Node | null>(
    (best, node) => (!best || node.span.duration_ns > best.span.duration_ns ? node : best),
    null,
  );
  const stack = longest ? [{ node: longest, until: end(longest.span) }] : [];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { node, until } = next;
    path.add(node.span.span_id);
    let edge = until;
    const byEnd = [...node.children].sort((a, b) => end(b.span) - end(a.span));
    for (const child of byEnd) {
      if (end(child.span) > edge || child.span.offset_ns >= edge) continue;
      stack.push({ node: child, until: end(child.span) });
      edge = child.span.offset_ns;
    }
  }
  return path;
}

export interface ServiceShare {
  readonly service: string;
  readonly share: number;
  readonly spans: number;
  readonly errors: number;
}

/** How the trace's own time divides among services, largest first. */
export function serviceShares(spans: readonly Span[]): ServiceShare[] {
  const sums = new Map<string, { self: number; spans: number; errors: number }>();
  let total = 0;
  for (const span of spans) {
    const sum = sums.get(span.service) ?? { self: 0, spans: 0, errors: 0 };
    sum.self += span.self_ns;
    sum.spans++;
    if (isError(span)) sum.errors++;
    total += span.self_ns;
    sums.set(span.service, sum);
  }
  return [...sums].map(([service, sum]) => ({
    service,
    share: total > 0 ? sum.self / total : 0,
    spans: sum.spans,
    errors: sum.errors,
  }));
}
