/** The searches that were made here, newest first; they stay in this browser. */
import type { Signal } from './assist.svelte.ts';

const MOST = 12;
const LONGEST = 1_000;
const keyOf = (signal: Signal, project: string): string => `qd-searches:${signal}:${project}`;

export function recentSearches(signal: Signal, project: string): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(signal, project)) ?? '[]');
    return Array.isArray(kept) ? kept.filter((each) => typeof each === 'string') : [];
  } catch {
    return [];
  }
}

function keep(signal: Signal, project: string, searches: readonly string[]): void {
  try {
    localStorage.setItem(keyOf(signal, project), JSON.stringify(searches));
  } catch {
    // storage is full or blocked: nothing is remembered
  }
}

export function rememberSearch(signal: Signal, project: string, text: string): void {
  if (!text || text.length > LONGEST) return;
  const rest = recentSearches(signal, project).filter((each) => each !== text);
  keep(signal, project, [text, ...rest].slice(0, MOST));
}

export function forgetSearches(signal: Signal, project: string): void {
  keep(signal, project, []);
}
