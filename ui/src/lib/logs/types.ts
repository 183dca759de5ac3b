/** The shapes of the API that the logs page uses, by the names they go by here. */
import type { components } from '#lib/api/schema.d.ts';
import type { LogRow } from '#lib/explore/types.ts';

type Schemas = components['schemas'];

export type LogPattern = Schemas['LogPattern'];
export type LogPatterns = Schemas['LogPatterns'];
export type FieldStats = Schemas['FieldStats'];
export type By = 'service' | 'host' | 'trace';

export type LogContext = Omit<Schemas['LogContext'], 'record' | 'before' | 'after'> & {
  record: LogRow;
  before: LogRow[];
  after: LogRow[];
};
