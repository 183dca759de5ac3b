/**
 * Stretches of time as parts of a bar that one looks at between two moments. However many they
 * are, no more are drawn than can be told apart: what touches or nearly does becomes one.
 */
import type { Node, Stretch } from './tree';

export interface View {
  readonly from: number;
  readonly to: number;
}

/** In percent of the view. */
export interface Part {
  readonly left: number;
  readonly width: number;
}

/** Parts nearer than this are one, and narrower ones are not drawn. */
const LEAST = 0.15;

export function place(at: number, { from, to }: View): number {
  return Math.min(1, Math.max(0, (at - from) / Math.max(1, to - from))) * 100;
}

export function inView({ offset_ns, duration_ns }: Node['span'], { from, to }: View): boolean {
  return offset_ns <= to && offset_ns + duration_ns >= from;
}

/** `ordered` stands in order of time; `least` is the width below which a part is left out. */
export function parts(ordered: Iterable<Stretch>, view: View, least = LEAST): Part[] {
  const found: { left: number; right: number }[] = [];
  for (const { from, to } of ordered) {
    if (to < view.from || from > view.to) continue;
    const [left, right] = [place(from, view), place(to, view)];
    const last = found.at(-1);
    if (last && left - last.right < LEAST) last.right = Math.max(last.right, right);
    else found.push({ left, right });
  }
  return found
    .map(({ left, right }) => ({ left, width: right - left }))
    .filter((part) => part.width >= least);
}

/** Where a span works by itself: what no child covers. */
export function ownStretches(node: Node): Stretch[] {
  const { offset_ns: start, duration_ns } = node.span;
  const end = start + duration_ns;
  const found: Stretch[] = [];
  let edge = start;
  for (const { span } of node.children) {
    if (span.offset_ns > edge) found.push({ from: edge, to: Math.min(span.offset_ns, end) });
    edge = Math.max(edge, span.offset_ns + span.duration_ns);
    if (edge >= end) return found;
  }
  if (edge < end) found.push({ from: edge, to: end });
  return found;
}

/** The stretch of some spans with a little air around it; null when they took no time. */
export function around(nodes: readonly Node[], total: number): Stretch | null {
  let [from, to] = [Infinity, -Infinity];
  for (const { span } of nodes) {
    from = Math.min(from, span.offset_ns);
    to = Math.max(to, span.offset_ns + span.duration_ns);
  }
  const air = (to - from) * 0.05;
  return to > from ? { from: Math.max(0, from - air), to: Math.min(total, to + air) } : null;
}

/** Nearer or farther around the middle of what is in view; null for all of it. */
export function scaled(view: View, factor: number, total: number): Stretch | null {
  const middle = (view.from + view.to) / 2;
  const half = Math.max(1, ((view.to - view.from) * factor) / 2);
  const next = { from: Math.max(0, middle - half), to: Math.min(total, middle + half) };
  return next.to - next.from >= total ? null : next;
}
