/** Each thing once, the first of them: what is sent again or loaded twice is shown once. */
export function unique<T>(items: Iterable<T>, key: (item: T) => string): T[] {
  const seen = new Set<string>();
  const kept: T[] = [];
  for (const item of items) {
    const id = key(item);
    if (seen.has(id)) continue;
    seen.add(id);
    kept.push(item);
  }
  return kept;
}
