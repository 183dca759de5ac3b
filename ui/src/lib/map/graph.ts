/** The map as it came, and the part of it that is shown. */
import { visible } from '#lib/visible.ts';
import type { components } from '#lib/api/schema.d.ts';
import { printTerm } from '#lib/explore/terms.ts';
import { t } from '#lib/i18n/index.svelte.ts';

export type ServiceMap = components['schemas']['ServiceMap'];
export type MapNode = components['schemas']['Node'];
export type MapEdge = components['schemas']['Pair'];
export type Figures = components['schemas']['CallFigures'];
export type Kind = MapNode['kind'];
export type Health = MapNode['health'];

export interface Filters {
  readonly hidden: ReadonlySet<string>;
  readonly errors: boolean;
  /** Calls a second, at least. */
  readonly least: number;
}

export const HIDEABLE = ['database', 'queue', 'external'] as const;
export const RANK: Record<Health, number> = { good: 0, worse: 1, failing: 2 };

/** What is left of a map; nodes that nothing leads to or from go with their edges. */
export function filtered(map: ServiceMap, { hidden, errors, least }: Filters): ServiceMap {
  const shown = new Set(map.nodes.filter((each) => !hidden.has(each.kind)).map((each) => each.id));
  const edges = map.edges.filter(
    ({ source, target, figures }) =>
      shown.has(source) &&
      shown.has(target) &&
      (!errors || figures.error_rate > 0) &&
      figures.rate >= least,
  );
  if (!errors && !least) return { nodes: map.nodes.filter((each) => shown.has(each.id)), edges };
  const ends = new Set(edges.flatMap((each) => [each.source, each.target]));
  return { nodes: map.nodes.filter((each) => ends.has(each.id)), edges };
}

export function nameOf(node: Pick<MapNode, 'kind' | 'name'>): string {
  if (node.kind === 'outside') return t.map.outside;
  return visible(node.name) || (t.map.others[node.kind] ?? '');
}

/** A node by its id alone, for one that is not on the map at this moment. */
export function nodeOf(id: string): Pick<MapNode, 'id' | 'kind' | 'system' | 'name'> {
  const [kind, ...rest] = id.split(':') as [Kind, ...string[]];
  const parted = kind === 'database' || kind === 'queue';
  return {
    id,
    kind,
    system: parted ? (rest[0] ?? '') : '',
    name: (parted ? rest.slice(1) : rest).join(':'),
  };
}

/** Does what one looks for stand in a node's name, system or kind? */
export function matches(node: MapNode, words: string): boolean {
  const text = `${nameOf(node)} ${node.system} ${t.map.kinds[node.kind] ?? ''}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Conventions old and new name the same thing differently: any of them will do. */
const anyOf = (keys: readonly string[], value: string): string =>
  `(${keys.map((key) => printTerm(key, value)).join(' OR ')})`;

const KEYS: Partial<Record<Kind, readonly string[]>> = {
  database: ['db.namespace', 'db.name', 'server.address', 'net.peer.name'],
  queue: ['messaging.destination.name', 'messaging.destination.template', 'messaging.destination'],
  external: ['server.address', 'net.peer.name', 'peer.service', 'service.peer.name', 'rpc.service'],
};

/**
 * The filter of the page of traces for some calls: the service whose spans tell of them, and
 * what these spans hold. `address` is where the calls of a service mostly go.
 */
export function tracesOf(
  source: string,
  target: string,
  address = '',
): { readonly service: string; readonly q: string } {
  const ends = [source, target].filter(Boolean).map(nodeOf);
  const service = ends.find((each) => each.kind === 'service')?.name ?? '';
  const far = ends.find((each) => KEYS[each.kind]);
  if (far) {
    if (!far.name)
      return { service, q: far.system ? anyOf(['db.system.name', 'db.system'], far.system) : '' };
    // A host whose ids were left out is a pattern, and one that stands in a URL alone is found there.
    const word = /^[\w.*-]+$/.test(far.name);
    const term = far.name.includes('*') && word ? far.name : printTerm('', far.name);
    const keys = (KEYS[far.kind] ?? []).map((key) => `${key}:${term}`);
    if (far.kind === 'external' && word)
      keys.push(`url.full:*${far.name}*`, `http.url:*${far.name}*`);
    return { service, q: `(${keys.join(' OR ')})` };
  }
  if (ends.length < 2 || ends[0]?.kind !== 'service') return { service, q: '' };
  const host = address.replace(/:\d+$/, '');
  return {
    service,
    q: host ? anyOf(['server.address', 'net.peer.name', 'peer.service'], host) : 'kind:client',
  };
}

/** The worst first, then the busiest. */
export function worstFirst(
  a: { health: Health; figures: Figures | null },
  b: { health: Health; figures: Figures | null },
): number {
  return RANK[b.health] - RANK[a.health] || (b.figures?.rate ?? 0) - (a.figures?.rate ?? 0);
}

/** How thick a line with so many calls a second is. */
export const thickness = (rate: number): number =>
  Math.min(6, 1.2 + 1.1 * Math.log10(1 + rate * 10));
