/**
 * The shapes of the API that the telemetry pages use, by the names they go by here. Attribute
 * values are whatever a sender sent: their type is only known when one looks.
 */
import type { Json } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.d.ts';

type Schemas = components['schemas'];

export type Attributes = Readonly<Record<string, Json>>;

/** Schema types whose `unknown` values are JSON. */
type Sent<T> = T extends { attributes: unknown }
  ? Omit<T, 'attributes'> & { attributes: Attributes }
  : T;

export type Overview = Schemas['Overview'];
export type ServiceRow = Schemas['ServiceRow'];
export type ServiceSummary = Schemas['ServiceSummary'];
export type Service = Schemas['Service'];
export type Operation = Schemas['Operation'];
export type SlowSpan = Schemas['SlowSpan'];
export type TraceRow = Schemas['TraceRow'];
export type Traces = Schemas['Traces'];
export type LogHistogram = Schemas['LogHistogram'];
export type Facet = Schemas['Facet'];

export type LogRow = Omit<Sent<Schemas['LogRow']>, 'resource' | 'body'> & {
  resource: Attributes;
  body: Json;
};

export type Logs = Omit<Schemas['Logs'], 'items'> & { items: LogRow[] };

/** Only a demo has these routes, so the documented API does not. */
export interface DemoSwitch {
  name: string;
  title: string;
  description: string;
  on: boolean;
  since: number | null;
}
