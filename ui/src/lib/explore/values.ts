/** Attribute values for people: text, type and the groups they are read in. */
import type { Json } from '#lib/api/client.ts';
import type { Attributes } from './types';

export type ValueType = 'string' | 'number' | 'boolean' | 'list' | 'map' | 'bytes' | 'empty';

export function typeOf(value: Json): ValueType {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return '$bytes' in value ? 'bytes' : 'map';
  return typeof value as 'string' | 'number' | 'boolean';
}

/** On one line: for cells, filters and the clipboard. */
export function lineOf(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeOf(value) === 'bytes') return String((value as { $bytes: string }).$bytes);
  return JSON.stringify(value);
}

/** With all its lines: for the panel. */
export function textOf(value: Json): string {
  const type = typeOf(value);
  return type === 'list' || type === 'map' ? JSON.stringify(value, null, 2) : lineOf(value);
}

/** Only a plain value can be searched for. */
export function isPlain(value: Json): boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

export type GroupName =
  'error' | 'request' | 'database' | 'messaging' | 'rpc' | 'user' | 'code' | 'runtime' | 'other';

const GROUPS: Record<string, GroupName> = {
  exception: 'error', error: 'error',
  http: 'request', url: 'request', client: 'request', server: 'request', net: 'request',
  network: 'request', user_agent: 'request', peer: 'request', tls: 'request', asgi: 'request',
  db: 'database', messaging: 'messaging', rpc: 'rpc',
  user: 'user', enduser: 'user', session: 'user',
  code: 'code', thread: 'code', process: 'runtime', telemetry: 'runtime', host: 'runtime', os: 'runtime',
}; // prettier-ignore

const ORDER: readonly GroupName[] = [
  'error',
  'request',
  'database',
  'messaging',
  'rpc',
  'user',
  'code',
  'runtime',
];

export interface AttributeGroup {
  /** One of the known groups, or the first word of the names it holds. */
  readonly name: string;
  readonly known: GroupName | null;
  readonly entries: readonly (readonly [string, Json])[];
}

/** Attributes by what they speak of; the unknown ones by their first word, alone ones last. */
export function grouped(attributes: Attributes): AttributeGroup[] {
  const known = new Map<GroupName, [string, Json][]>();
  const free = new Map<string, [string, Json][]>();
  for (const entry of Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const head = entry[0].split('.')[0] as string;
    const group = GROUPS[head];
    if (group) known.set(group, [...(known.get(group) ?? []), entry]);
    else {
      const name = entry[0].includes('.') ? head : '';
      free.set(name, [...(free.get(name) ?? []), entry]);
    }
  }
  const other = free.get('') ?? [];
  const named: AttributeGroup[] = [];
  for (const [name, entries] of free) {
    if (!name) continue;
    if (entries.length === 1) other.push(...entries);
    else named.push({ name, known: null, entries });
  }
  return [
    ...ORDER.flatMap((name) => {
      const entries = known.get(name);
      return entries ? [{ name, known: name, entries }] : [];
    }),
    ...named,
    ...(other.length ? [{ name: 'other', known: 'other' as const, entries: other }] : []),
  ];
}
