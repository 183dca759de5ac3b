/**
 * A layered drawing of who calls whom, from left to right. The same graph is always drawn the
 * same way, whatever the order or the figures of its edges; of a graph that changed a little,
 * what stays keeps its order (`before`).
 *
 * Circles are cut at the edges that lead back; a node stands right of all that call it; layers
 * that grow too tall spill into the next; long edges pass between the nodes of the layers they
 * cross; the order within layers is swept by barycentres until edges cross least.
 */
import { best, type Row } from './order.ts';

export interface Link {
  readonly source: string;
  readonly target: string;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

interface Column {
  readonly x: number;
  readonly width: number;
}

export interface Path {
  readonly d: string;
  readonly middle: Point;
  readonly end: Point;
  /** Which way it comes in at its end. */
  readonly way: 'right' | 'left' | 'down';
}

/** A node's place: its upper left corner, and as wide as its column. */
export interface Place extends Point {
  readonly width: number;
  readonly layer: number;
}

export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly nodes: ReadonlyMap<string, Place>;
  /** Upper edges of nodes, and of edges where they cross a layer: what the next drawing keeps. */
  readonly heights: ReadonlyMap<string, number>;
  /** The lines, by `linkKey`. */
  readonly paths: ReadonlyMap<string, Path>;
}

export const HEIGHT = 48;
const WIDTH = 150;
const GAP = { x: 40, y: 26, tight: 14 };
/** More nodes than this stand closer together. */
const MANY = 30;
const LANE = 9;
const PORT = 9;
/** The one node that everything begins at, where there is one. */
const FIRST = 'outside';

export const linkKey = (link: Link): string => `${link.source}\n${link.target}`;

const compare = (a: string, b: string): number =>
  Number(b === FIRST) - Number(a === FIRST) || (a < b ? -1 : a > b ? 1 : 0);

/** Links without those that lead back, which are turned round, and without a node's own. */
export function acyclic(ids: readonly string[], links: readonly Link[]): Link[] {
  const out = new Map<string, string[]>(ids.map((id) => [id, []]));
  const balance = new Map<string, number>(ids.map((id) => [id, 0]));
  const called = new Set<string>();
  for (const { source, target } of links) {
    if (source === target) continue;
    out.get(source)?.push(target);
    called.add(target);
    balance.set(source, (balance.get(source) ?? 0) + 1);
    balance.set(target, (balance.get(target) ?? 0) - 1);
  }
  for (const targets of out.values()) targets.sort(compare);
  // Whoever nobody calls comes first; of a circle that nobody enters, the one that calls most.
  const starts = [...ids].sort(
    (a, b) =>
      Number(called.has(a)) - Number(called.has(b)) ||
      (balance.get(b) ?? 0) - (balance.get(a) ?? 0) ||
      compare(a, b),
  );
  const state = new Map<string, 'open' | 'done'>();
  const kept = new Map<string, Link>();
  const keep = (source: string, target: string): void => {
    kept.set(linkKey({ source, target }), { source, target });
  };
  for (const start of starts) {
    if (state.has(start)) continue;
    const stack: { id: string; at: number }[] = [{ id: start, at: 0 }];
    state.set(start, 'open');
    while (stack.length) {
      const top = stack.at(-1) as { id: string; at: number };
      const target = out.get(top.id)?.[top.at++];
      if (target === undefined) {
        state.set(top.id, 'done');
        stack.pop();
      } else if (state.get(target) === 'open') keep(target, top.id);
      else {
        keep(top.id, target);
        if (!state.has(target)) {
          state.set(target, 'open');
          stack.push({ id: target, at: 0 });
        }
      }
    }
  }
  return [...kept.values()];
}

/**
 * The layer of each node: right of all that call it, and no layer with more than `most`. What
 * was `held` in a layer stays there if it can.
 */
export function layers(
  ids: readonly string[],
  links: readonly Link[],
  most: number,
  held: ReadonlyMap<string, number> = new Map(),
): Map<string, number> {
  const out = new Map<string, string[]>(ids.map((id) => [id, []]));
  const waiting = new Map<string, number>(ids.map((id) => [id, 0]));
  for (const { source, target } of links) {
    out.get(source)?.push(target);
    waiting.set(target, (waiting.get(target) ?? 0) + 1);
  }
  const least = new Map<string, number>();
  const layer = new Map<string, number>();
  const taken: number[] = [];
  const heads = new Set(ids.filter((id) => !waiting.get(id)));
  let ready = [...heads];
  while (ready.length) {
    // What leads on comes before what ends, so that leaves are the ones to spill.
    ready.sort(
      (a, b) =>
        (least.get(a) ?? 0) - (least.get(b) ?? 0) ||
        Number(!out.get(a)?.length) - Number(!out.get(b)?.length) ||
        compare(a, b),
    );
    const [id, ...rest] = ready as [string, ...string[]];
    ready = rest;
    const kept = held.get(id);
    let at = Math.max(least.get(id) ?? 0, kept ?? 0);
    while (at !== kept && (taken[at] ?? 0) >= most) at++;
    layer.set(id, at);
    taken[at] = (taken[at] ?? 0) + 1;
    for (const target of out.get(id) ?? []) {
      least.set(target, Math.max(least.get(target) ?? 0, at + 1));
      const left = (waiting.get(target) ?? 0) - 1;
      waiting.set(target, left);
      if (left === 0) ready.push(target);
    }
  }
  // Whoever nobody calls stands right before what it calls, not at the far left.
  for (const id of [...heads].sort(compare)) {
    const targets = out.get(id) ?? [];
    if (id === FIRST || held.has(id) || !targets.length) continue;
    const from = layer.get(id) ?? 0;
    let to = Math.min(...targets.map((target) => layer.get(target) ?? 0)) - 1;
    while (to > from && (taken[to] ?? 0) >= most) to--;
    if (to <= from) continue;
    layer.set(id, to);
    taken[from] = (taken[from] ?? 1) - 1;
    taken[to] = (taken[to] ?? 0) + 1;
  }
  // Layers that this has emptied close up.
  const used = [...new Set(layer.values())].sort((a, b) => a - b);
  const place = new Map(used.map((each, index) => [each, index]));
  return new Map([...layer].map(([id, at]) => [id, place.get(at) ?? 0]));
}

export function draw(
  ids: readonly string[],
  links: readonly Link[],
  before: Drawing | null = null,
  widthOf: (id: string) => number = () => WIDTH,
): Drawing {
  const sorted = [...new Set(ids)].sort(compare);
  const known = new Set(sorted);
  const all = links
    .filter((link) => known.has(link.source) && known.has(link.target))
    .sort((a, b) => compare(linkKey(a), linkKey(b)));
  const forward = acyclic(sorted, all);
  const most = Math.max(6, Math.ceil(Math.sqrt(sorted.length * 2.2)));
  const held = [...(before?.nodes ?? [])].map(([id, { layer }]) => [id, layer] as const);
  const layer = layers(sorted, forward, most, new Map(held));
  const count = Math.max(0, ...layer.values()) + 1;

  const gap = sorted.length > MANY ? GAP.tight : GAP.y;
  const rows: Row[][] = Array.from({ length: count }, () => []);
  for (const id of sorted)
    rows[layer.get(id) ?? 0]?.push({ id, size: HEIGHT, gap, left: [], right: [] });
  const row = new Map(rows.flat().map((each) => [each.id, each]));
  const lanes = new Map<string, Row[]>();
  for (const link of forward) {
    const [from, to] = [layer.get(link.source) ?? 0, layer.get(link.target) ?? 0];
    const chain = [row.get(link.source) as Row];
    for (let at = from + 1; at < to; at++) {
      const lane: Row = { id: `${linkKey(link)}\n${at}`, size: 0, gap: LANE, left: [], right: [] };
      rows[at]?.push(lane);
      chain.push(lane);
    }
    chain.push(row.get(link.target) as Row);
    for (let at = 1; at < chain.length; at++) {
      (chain[at - 1] as Row).right.push(chain[at] as Row);
      (chain[at] as Row).left.push(chain[at - 1] as Row);
    }
    lanes.set(linkKey(link), chain.slice(1, -1));
  }
  const heights = best(rows, before ? before.heights : null);

  const widths = rows.map((each) =>
    Math.max(0, ...each.filter(({ id }) => known.has(id)).map(({ id }) => widthOf(id))),
  );
  const columns: Column[] = [];
  let x = 0;
  for (const width of widths) {
    columns.push({ x, width });
    x += width + GAP.x;
  }
  const nodes = new Map<string, Place>(
    sorted.map((id) => {
      const at = layer.get(id) ?? 0;
      return [id, { ...(columns[at] as Column), y: heights.get(id) ?? 0, layer: at }];
    }),
  );
  const paths = new Map(
    all.map((link) => {
      const back = (layer.get(link.source) ?? 0) > (layer.get(link.target) ?? 0);
      const chain = lanes.get(
        back ? linkKey({ source: link.target, target: link.source }) : linkKey(link),
      );
      const through = (chain ?? []).map((lane, index) => ({
        ...(columns[(layer.get(back ? link.target : link.source) ?? 0) + index + 1] as Column),
        y: heights.get(lane.id) ?? 0,
      }));
      return [linkKey(link), path(link, nodes, back, through)] as const;
    }),
  );
  const bottom = Math.max(0, ...[...heights.values()].map((y) => y + HEIGHT));
  return { width: sorted.length ? x - GAP.x : 0, height: bottom, nodes, heights, paths };
}

/** A link that leads back runs below the one that leads there, from left side to right side. */
function path(
  link: Link,
  nodes: ReadonlyMap<string, Place>,
  back: boolean,
  through: readonly (Column & Point)[],
): Path {
  const corner = (id: string): Place => nodes.get(id) ?? { x: 0, y: 0, width: 0, layer: 0 };
  const [from, to] = [corner(link.source), corner(link.target)];
  if (link.source === link.target) {
    const [left, right, top] = [from.x + from.width - 52, from.x + from.width - 20, from.y];
    return {
      d: `M${left} ${top}C${left} ${top - 26} ${right} ${top - 26} ${right} ${top}`,
      middle: { x: (left + right) / 2, y: top - 20 },
      end: { x: right, y: top },
      way: 'down',
    };
  }
  const port = back ? PORT : 0;
  const middleOf = (at: Point): number => at.y + HEIGHT / 2 + port;
  const stops: Point[] = [{ x: from.x + (back ? 0 : from.width), y: middleOf(from) }];
  for (const lane of back ? [...through].reverse() : through) {
    const sides = [lane.x, lane.x + lane.width];
    for (const side of back ? sides.reverse() : sides) stops.push({ x: side, y: lane.y + port });
  }
  stops.push({ x: to.x + (back ? to.width : 0), y: middleOf(to) });
  let d = `M${stops[0]?.x} ${stops[0]?.y}`;
  for (let at = 1; at < stops.length; at++) {
    const [a, b] = [stops[at - 1] as Point, stops[at] as Point];
    const bend = (b.x - a.x) / 2;
    d +=
      a.y === b.y ? `L${b.x} ${b.y}` : `C${a.x + bend} ${a.y} ${b.x - bend} ${b.y} ${b.x} ${b.y}`;
  }
  const at = Math.floor((stops.length - 1) / 2);
  const [a, b] = [stops[at] as Point, stops[at + 1] as Point];
  return {
    d,
    middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 },
    end: stops.at(-1) as Point,
    way: back ? 'left' : 'right',
  };
}
