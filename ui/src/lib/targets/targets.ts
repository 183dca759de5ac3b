/** What the page of targets shares: shapes, and a job ready to copy. */
import type { components } from '#lib/api/schema.d.ts';

export type ScrapeTargets = components['schemas']['ScrapeTargets'];
export type ScrapeTarget = components['schemas']['ScrapeTarget'];

export const STATES = ['down', 'up', 'unknown'] as const;

export const keyOf = (row: ScrapeTarget): string => `${row.job} ${row.instance} ${row.url}`;

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
