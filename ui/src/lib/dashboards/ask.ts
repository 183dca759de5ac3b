/** What a panel's queries ask the server, and what it answers. */
import { ApiError, api, asApiError } from '#lib/api/client.ts';
import type { Logs } from '#lib/explore/types.ts';
import type { Answer as SqlAnswer } from '#lib/sql/chart.ts';
import { lane } from './lane';
import type { Moment } from './substitute';

/** A sample of Prometheus' API: seconds since 1970, and the value as text. */
export type Point = readonly [number, string];
export interface HistogramPoint {
  readonly count: string;
  readonly sum: string;
  /** Whether the ends belong to it (a code), the ends, the count. */
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}
export interface Sampled {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Point;
  readonly values?: readonly Point[];
  readonly histogram?: readonly [number, HistogramPoint];
  readonly histograms?: readonly (readonly [number, HistogramPoint])[];
}

export interface Asked {
  readonly kind: 'range' | 'instant' | 'sql' | 'logs';
  readonly text: string;
  readonly legend: string;
  readonly letter?: string | undefined;
  readonly typed?: string | undefined;
  /** Of logs: what the saved search keeps beside its words. */
  readonly service?: string;
}

export type Told =
  | { readonly kind: 'prom'; readonly asked: Asked; readonly result: readonly Sampled[] }
  | { readonly kind: 'sql'; readonly asked: Asked; readonly answer: SqlAnswer }
  | { readonly kind: 'logs'; readonly asked: Asked; readonly logs: Logs }
  | { readonly kind: 'failed'; readonly asked: Asked; readonly error: ApiError };

/** The letters of queries that were answered with no series. */
export const silent = (told: readonly Told[]): string[] =>
  told.flatMap((each) =>
    each.kind === 'prom' && !each.result.length && each.asked.letter ? [each.asked.letter] : [],
  );

interface PromAnswer<T> {
  readonly status: string;
  readonly data: T;
}

const LINES = 200;

async function one(
  asked: Asked,
  moment: Moment,
  project: string,
  signal: AbortSignal,
): Promise<Told> {
  if (asked.kind === 'sql') {
    const answer = await api<SqlAnswer>('/api/sql', {
      method: 'POST',
      params: { project },
      body: { sql: asked.text },
      signal,
    });
    return { kind: 'sql', asked, answer };
  }
  if (asked.kind === 'logs') {
    const { from, to, environment } = moment;
    const params = { project, from, to, environment, q: asked.text, service: asked.service };
    const logs = await api<Logs>('/api/logs', { params: { ...params, limit: LINES }, signal });
    return { kind: 'logs', asked, logs };
  }
  const range = asked.kind === 'range';
  const answer = await api<PromAnswer<{ resultType: string; result: unknown }>>(
    `/prometheus/api/v1/${range ? 'query_range' : 'query'}`,
    {
      method: 'POST',
      params: { project },
      form: range
        ? {
            query: asked.text,
            start: String(moment.from / 1000),
            end: String(moment.to / 1000),
            step: String(moment.step / 1000),
          }
        : { query: asked.text, time: String(moment.to / 1000) },
      signal,
    },
  );
  const { resultType, result } = answer.data;
  const list =
    resultType === 'matrix' || resultType === 'vector'
      ? (result as Sampled[])
      : [{ metric: {}, value: result as Point }];
  return { kind: 'prom', asked, result: list };
}

/** Without the name of the parameter, which whoever typed a query has not seen. */
function readable(error: unknown): ApiError {
  const { status, code, message, hint, details, retryAfter } = asApiError(error);
  const text = message.replace(/^invalid parameter "query": /, '');
  return new ApiError(status, code, text, hint, details, retryAfter);
}

/** All answers in the order of the questions; one that failed does not take the others along. */
export function ask(
  list: readonly Asked[],
  moment: Moment,
  project: string,
  signal: AbortSignal,
): Promise<Told[]> {
  return Promise.all(
    list.map((asked) =>
      lane
        .run(() => one(asked, moment, project, signal), signal)
        .catch((error: unknown): Told => {
          signal.throwIfAborted();
          return { kind: 'failed', asked, error: readable(error) };
        }),
    ),
  );
}

const LABEL_VALUES = /^label_values\(\s*(?:([\s\S]+),)?\s*([A-Za-z_:][\w:.]*)\s*\)$/;
const LABEL_NAMES = /^label_names\(\s*\)$/;
const METRICS = /^metrics\(([\s\S]*)\)$/;

/** Values of labels, as Grafana's Prometheus variables ask for them; null when it is no such query. */
export async function labelValues(
  query: string,
  window: { readonly from: number; readonly to: number },
  project: string,
  signal: AbortSignal,
): Promise<string[] | null> {
  const text = query.trim();
  const values = LABEL_VALUES.exec(text);
  const metrics = METRICS.exec(text);
  const scope = { project, start: window.from / 1000, end: window.to / 1000 };
  const read = (path: string, match?: string): Promise<string[]> =>
    api<PromAnswer<string[]>>(`/prometheus/api/v1/${path}`, {
      params: { ...scope, 'match[]': match },
      signal,
    }).then((answer) => answer.data);
  if (values) return read(`label/${encodeURIComponent(values[2] as string)}/values`, values[1]);
  if (LABEL_NAMES.test(text)) return read('labels');
  if (metrics) {
    const match = `{__name__=~${JSON.stringify((metrics[1] as string).trim())}}`;
    return read('label/__name__/values', match);
  }
  return null;
}
