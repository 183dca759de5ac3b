/** The shapes of the API about one trace, by the names they go by here. */
import type { Json } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.d.ts';
import type { Attributes } from '#lib/explore/types.ts';

type Schemas = components['schemas'];

export type Outline = Schemas['Outline'];
export type SpanLine = Schemas['SpanLine'];
export type LogLine = Schemas['LogLine'];
export type LinkedFrom = Schemas['LinkedFrom'];
export type Similar = Schemas['Similar'];
export type TraceComparison = Schemas['TraceComparison'];
export type Pair = Schemas['SpanPair'];
export type Side = Schemas['PairSide'];

type Sent<T> = Omit<T, 'attributes'> & { attributes: Attributes };

export type SpanEvent = Sent<Schemas['SpanEvent']>;

/** Attribute values are whatever a sender sent. */
export type SpanDetails = Omit<
  Schemas['SpanDetails'],
  'attributes' | 'resource' | 'events' | 'links'
> & {
  attributes: Record<string, Json>;
  resource: Record<string, Json>;
  events: SpanEvent[];
  links: Sent<Schemas['SpanLink']>[];
};
