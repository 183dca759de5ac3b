import { describe, expect, it } from 'vitest';
import { HEIGHT, acyclic, draw, layers, type Link } from './layout';

const link = (text: string): Link => {
  const [source = '', target = ''] = text.split('>');
  return { source, target };
};
const links = (text: string): Link[] => text.split(' ').map(link);
const idsOf = (all: readonly Link[]): string[] => [
  ...new Set(all.flatMap(({ source, target }) => [source, target])),
];

/** A plausible system, always the same. */
function system(size: number, edges: number): { ids: string[]; all: Link[] } {
  let seed = 7;
  const next = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed % below;
  };
  const ids = Array.from({ length: size }, (_, n) => (n ? `service:s${n}` : 'outside'));
  const all = ids.slice(1).map((target, n) => link(`${ids[next(Math.min(n + 1, 12))]}>${target}`));
  while (all.length < edges)
    all.push(link(`${ids[1 + next(size - 1)]}>${ids[1 + next(size - 1)]}`));
  return { ids, all };
}

function overlaps(ids: readonly string[], drawing: ReturnType<typeof draw>): string[] {
  const found: string[] = [];
  for (const a of ids)
    for (const b of ids) {
      if (a >= b) continue;
      const [p, q] = [drawing.nodes.get(a), drawing.nodes.get(b)];
      if (!p || !q) return [`${a} or ${b} is missing`];
      if (Math.abs(p.x - q.x) < p.width && Math.abs(p.y - q.y) < HEIGHT) found.push(`${a} ${b}`);
    }
  return found;
}

describe('the layers of a drawing', () => {
  it('stand right of all that call them', () => {
    const all = links('outside>web web>pay web>stock pay>db stock>db web>db');
    const layer = layers(idsOf(all), all, 10);
    expect(Object.fromEntries(layer)).toEqual({ outside: 0, web: 1, pay: 2, stock: 2, db: 3 });
  });

  it('hold a worker that nobody calls beside what it calls', () => {
    const all = links('outside>web web>orders orders>db worker>db');
    expect(layers(idsOf(all), all, 10).get('worker')).toBe(2);
  });

  it('spill into the next when they grow too tall', () => {
    const all = Array.from({ length: 9 }, (_, n) => link(`web>x${n}`));
    const layer = layers(idsOf(all), all, 4);
    expect([...layer.values()].filter((at) => at === 1)).toHaveLength(4);
    expect(Math.max(...layer.values())).toBe(3);
  });

  it('come to an end where calls go in circles', () => {
    const all = links('outside>a a>b b>c c>a c>d b>a d>d');
    const forward = acyclic(idsOf(all), all);
    expect(forward).toContainEqual(link('a>b'));
    expect(forward).toContainEqual(link('a>c'));
    expect(forward).not.toContainEqual(link('c>a'));
    const drawing = draw(idsOf(all), all);
    const x = (id: string): number => drawing.nodes.get(id)?.x ?? -1;
    expect(x('a') < x('b') && x('b') < x('c') && x('c') < x('d')).toBe(true);
    expect(drawing.paths.size).toBe(all.length);
  });
});

describe('a drawing', () => {
  const { ids, all } = system(60, 110);

  it('is the same whatever order its edges come in', () => {
    const turned = draw([...ids].reverse(), [...all].reverse());
    expect(turned).toEqual(draw(ids, all));
  });

  it('of sixty nodes has none upon another and the shape of a screen', () => {
    const drawing = draw(ids, all);
    expect(overlaps(ids, drawing)).toEqual([]);
    expect(drawing.width / drawing.height).toBeGreaterThan(0.8);
    expect(drawing.height).toBeLessThan(2_000);
    for (const { d } of drawing.paths.values()) expect(d).not.toMatch(/NaN|undefined/);
  });

  it('has no more crossings than it must', () => {
    const crossed = links('outside>a outside>b a>y b>x');
    const { nodes } = draw(idsOf(crossed), crossed);
    const y = (id: string): number => nodes.get(id)?.y ?? 0;
    expect(y('a') < y('b')).toBe(y('y') < y('x'));
  });

  it('runs straight where nothing is in the way', () => {
    const drawing = draw(['outside', 'web', 'db'], links('outside>web web>db'));
    expect(new Set([...drawing.nodes.values()].map((at) => at.y)).size).toBe(1);
  });

  it('keeps the order of what stays when something joins', () => {
    const first = draw(ids, all);
    const second = draw([...ids, 'service:new'], [...all, link('service:s3>service:new')], first);
    const column = (drawing: ReturnType<typeof draw>, layer: number): string[] =>
      ids
        .filter((id) => drawing.nodes.get(id)?.layer === layer)
        .sort((a, b) => (drawing.nodes.get(a)?.y ?? 0) - (drawing.nodes.get(b)?.y ?? 0));
    for (const { layer } of first.nodes.values())
      expect(column(second, layer)).toEqual(column(first, layer));
  });

  it('makes a column as wide as its widest name wants', () => {
    const { nodes } = draw(['outside', 'web', 'db'], links('outside>web web>db'), null, (id) =>
      id === 'web' ? 180 : 100,
    );
    expect(nodes.get('web')?.width).toBe(180);
    expect(nodes.get('db')?.x).toBeGreaterThan((nodes.get('web')?.x ?? 0) + 180);
  });

  it('of nothing is nothing', () => {
    expect(draw([], []).nodes.size).toBe(0);
    expect(draw(['outside'], []).nodes.get('outside')).toMatchObject({ x: 0, y: 0 });
  });
});
