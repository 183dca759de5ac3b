/** A colour for each service: mostly the same one wherever it appears, never twice in one view. */
import type { Token } from '#lib/charts/series.ts';

const SLOTS: readonly Token[] = ['c1', 'c2', 'c4', 'c5', 'c3', 'c6', 'c7'];

function hash(text: string): number {
  let value = 2166136261;
  for (let index = 0; index < text.length; index++)
    value = Math.imul(value ^ text.charCodeAt(index), 16777619);
  return value >>> 0;
}

/** Each service gets the slot its name points at, or the next free one; the eighth shares. */
export function serviceColors(services: Iterable<string>): Map<string, Token> {
  const taken = new Set<number>();
  const colors = new Map<string, Token>();
  for (const service of services) {
    if (colors.has(service)) continue;
    let slot = hash(service) % SLOTS.length;
    if (taken.size < SLOTS.length) while (taken.has(slot)) slot = (slot + 1) % SLOTS.length;
    taken.add(slot);
    colors.set(service, SLOTS[slot] as Token);
  }
  return colors;
}
