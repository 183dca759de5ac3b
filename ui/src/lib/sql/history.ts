/** The statements that were run here, newest first; they stay in this browser. */

export interface Past {
  readonly sql: string;
  readonly at: number;
  readonly rows: number;
  readonly ms: number;
}

const MOST = 50;
const LONGEST = 20_000;
const keyOf = (project: string): string => `qd-sql-history:${project}`;

export function history(project: string): readonly Past[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(keyOf(project)) ?? '[]');
    return Array.isArray(kept)
      ? (kept as Past[]).filter((each) => typeof each.sql === 'string')
      : [];
  } catch {
    return [];
  }
}

export function remember(project: string, past: Past): readonly Past[] {
  const rest = history(project).filter((each) => each.sql !== past.sql);
  const kept = past.sql.length > LONGEST ? rest : [past, ...rest].slice(0, MOST);
  try {
    localStorage.setItem(keyOf(project), JSON.stringify(kept));
  } catch {
    // storage is full or blocked: the history lasts as long as the page
  }
  return kept;
}

export function forget(project: string): readonly Past[] {
  try {
    localStorage.removeItem(keyOf(project));
  } catch {
    // storage is blocked
  }
  return [];
}
