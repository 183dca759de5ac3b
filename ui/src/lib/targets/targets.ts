/** What the page of targets shares: shapes, and a job ready to copy. */
import type { components } from '#lib/api/schema.d.ts';

export type ScrapeTargets = components['schemas']['ScrapeTargets'];
export type ScrapeTarget = components['schemas']['ScrapeTarget'];

export const STATES = ['down', 'up', 'unknown'] as const;

export const keyOf = (row: ScrapeTarget): string => `${row.job} ${row.instance} ${row.url}`;

/** Those that answer, and when one did last; null where none does. */
export function answering(targets: readonly Pick<ScrapeTarget, 'state' | 'last_scrape'>[]): {
  readonly count: number;
  readonly last: number;
} | null {
  const up = targets.filter((each) => each.state === 'up');
  return up.length
    ? { count: up.length, last: Math.max(...up.map((each) => each.last_scrape)) }
    : null;
}

export function jobExample(project: string): string {
  return `kind: scrape-job
name: node
project: ${project}
spec:
  scrape_interval: 15s
  static_configs:
    - targets: ["localhost:9100"]
      labels: { team: web }`;
}

export function applyCommand(origin: string, file = 'jobs.yml'): string {
  return `export QUARTERDECK_URL=${origin}
export QUARTERDECK_KEY=…   # an admin's key
quarterdeck apply ${file}`;
}
