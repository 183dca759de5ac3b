import { describe, expect, it } from 'vitest';
import {
  filtered,
  matches,
  nodeOf,
  thickness,
  tracesOf,
  worstFirst,
  type MapEdge,
  type MapNode,
} from './graph';

const node = (id: string): MapNode => ({
  ...nodeOf(id),
  figures: null,
  before: null,
  health: 'good',
});
const edge = (source: string, target: string, rate = 1, error_rate = 0): MapEdge => ({
  source,
  target,
  figures: { rate, error_rate, p95_ms: 10 },
  before: null,
  health: 'good',
});
const map = {
  nodes: ['outside', 'service:web', 'service:pay', 'database:postgresql:shop', 'service:cron'].map(
    node,
  ),
  edges: [
    edge('outside', 'service:web', 5),
    edge('service:web', 'service:pay', 2, 0.1),
    edge('service:pay', 'database:postgresql:shop', 0.2),
  ],
};
const all = { hidden: new Set<string>(), errors: false, least: 0 };
const ids = (found: { nodes: readonly MapNode[] }): string[] => found.nodes.map((each) => each.id);

describe('what is shown of a map', () => {
  it('is all of it without filters, those that nobody calls too', () => {
    expect(filtered(map, all)).toEqual(map);
  });
  it('leaves out a kind with its edges', () => {
    const found = filtered(map, { ...all, hidden: new Set(['database']) });
    expect(ids(found)).not.toContain('database:postgresql:shop');
    expect(found.edges).toHaveLength(2);
  });
  it('keeps edges with errors, or with enough calls, and their ends', () => {
    expect(ids(filtered(map, { ...all, errors: true }))).toEqual(['service:web', 'service:pay']);
    expect(ids(filtered(map, { ...all, least: 3 }))).toEqual(['outside', 'service:web']);
  });
});

it('an id tells its node, whatever its name holds', () => {
  expect(nodeOf('database:postgresql:a:b')).toMatchObject({ system: 'postgresql', name: 'a:b' });
  expect(nodeOf('external:[::1]')).toMatchObject({ kind: 'external', name: '[::1]' });
  expect(nodeOf('outside')).toMatchObject({ kind: 'outside', name: '' });
});

it('a node is found by name, system and kind', () => {
  const shop = node('database:postgresql:shop');
  expect(matches(shop, 'SHOP post')).toBe(true);
  expect(matches(shop, 'database')).toBe(true);
  expect(matches(shop, 'shop mysql')).toBe(false);
});

it('the worst comes first, then the busiest', () => {
  const rows = [
    { ...edge('a', 'b', 9) },
    { ...edge('a', 'c', 1), health: 'failing' as const },
    { ...edge('a', 'd', 10) },
  ];
  expect(rows.sort(worstFirst).map((each) => each.target)).toEqual(['c', 'd', 'b']);
});

it('a line grows with its calls and stays a line', () => {
  expect(thickness(0)).toBeLessThan(thickness(1));
  expect(thickness(1)).toBeLessThan(thickness(100));
  expect(thickness(1e9)).toBe(6);
});

describe('the traces of some calls', () => {
  it('are told by who calls, and by what its spans say of the other side', () => {
    expect(tracesOf('service:pay', 'database:postgresql:my shop')).toEqual({
      service: 'pay',
      q: '(db.namespace:"my shop" OR db.name:"my shop" OR server.address:"my shop" OR net.peer.name:"my shop")',
    });
    expect(tracesOf('queue:kafka:orders', 'service:mail')).toMatchObject({ service: 'mail' });
    expect(tracesOf('', 'external:*.s3.amazonaws.com').q).toContain(
      'server.address:*.s3.amazonaws.com OR',
    );
    expect(tracesOf('', 'external:api.stripe.com').q).toContain('url.full:*api.stripe.com*');
  });
  it('between services go by the address, and of one service by its name', () => {
    expect(tracesOf('service:web', 'service:pay', 'pay.internal:8080')).toEqual({
      service: 'web',
      q: '(server.address:pay.internal OR net.peer.name:pay.internal OR peer.service:pay.internal)',
    });
    expect(tracesOf('service:web', 'service:pay')).toEqual({ service: 'web', q: 'kind:client' });
    expect(tracesOf('outside', 'service:web')).toEqual({ service: 'web', q: '' });
    expect(tracesOf('', 'service:web')).toEqual({ service: 'web', q: '' });
  });
});
