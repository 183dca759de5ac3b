/** Two states of a thing as a list of the fields that differ, by dotted path. */

export interface Change {
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function flat(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  const nested = typeof value === 'object' && value !== null;
  const entries = nested ? Object.entries(value) : [];
  if (!entries.length) {
    if (path) into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
    return into;
  }
  for (const [name, each] of entries) flat(each, path ? `${path}.${name}` : name, into);
  return into;
}

export function changes(before: unknown, after: unknown): Change[] {
  const [old, fresh] = [flat(before ?? {}, '', new Map()), flat(after ?? {}, '', new Map())];
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .filter((path) => old.get(path) !== fresh.get(path))
    .map((path) => ({ path, before: old.get(path), after: fresh.get(path) }));
}
