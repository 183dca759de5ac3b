/** What the pages of hosts share: their shapes, their bounds, what is grave. */
import type { components } from '#lib/api/schema.d.ts';
import { fixed } from '#lib/format.ts';

type Schemas = components['schemas'];

export type Hosts = Schemas['Hosts'];
export type HostRow = Schemas['HostRow'];
export type Disk = Schemas['Disk'];
export type Program = Schemas['Program'];
export type HostService = Schemas['HostService'];
export type Host = Omit<Schemas['Host'], 'resource'> & { resource: Record<string, unknown> };

/** From here on a resource is short; memory is alerted on at the same bound. */
export const MUCH = { cpu: 0.9, memory: 0.8, disk: 0.85 } as const;
/** A disk that fills within a week wants looking at, whatever is left. */
export const SOON_DAYS = 7;
/** Hosts speak twice a minute or more often. */
const SILENT_MS = 180_000;

/** A host that should speak and does not; of the past nothing can be said. */
export function isSilent(lastSeen: number, to: number, now = Date.now()): boolean {
  return to > now - SILENT_MS && now - lastSeen > SILENT_MS;
}

export function isShort(disk: Disk): boolean {
  return disk.used >= MUCH.disk || (disk.days_until_full ?? Infinity) <= SOON_DAYS;
}

/** Whole percent, for a column of them. */
export const whole = (share: number): string => `${fixed(share * 100, 0)}\u00a0%`;

/** Days as one would say them: half a day, three days, two weeks and more in whole days. */
export const daysText = (days: number): string => fixed(days, days < 3 ? 1 : 0);

export function agentCommand(origin: string, key: string): string {
  return `python3 -m venv /opt/quarterdeck
/opt/quarterdeck/bin/pip install quarterdeck-*.whl

export QUARTERDECK_URL=${origin}
export QUARTERDECK_KEY=${key}
/opt/quarterdeck/bin/quarterdeck agent --file '/var/log/nginx/*.log'`;
}

export function collectorConfig(origin: string, key: string): string {
  return `receivers:
  hostmetrics:
    collection_interval: 30s
    scrapers: { cpu: , load: , memory: , disk: , filesystem: , network: , paging: , system: }

processors:
  resourcedetection: { detectors: [system] }

exporters:
  otlphttp/quarterdeck:
    endpoint: ${origin}
    headers: { Authorization: Bearer ${key} }

service:
  pipelines:
    metrics:
      receivers: [hostmetrics]
      processors: [resourcedetection]
      exporters: [otlphttp/quarterdeck]`;
}
