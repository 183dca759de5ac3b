/** The Prometheus HTTP API as pages ask it, and its answers as the charts take them. */
import { api } from '#lib/api/client.ts';
import type { Value } from '#lib/charts/series.ts';

export type Labels = Readonly<Record<string, string>>;

/** A native histogram at a moment: bounds and what lies between them. */
export interface Buckets {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

interface RawSeries {
  readonly metric: Labels;
  readonly values?: readonly (readonly [number, string])[];
  readonly histograms?: readonly (readonly [number, Buckets])[];
  readonly value?: readonly [number, string];
  readonly histogram?: readonly [number, Buckets];
}

interface Envelope<T> {
  readonly status: 'success';
  readonly data: T;
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

interface Many {
  readonly resultType: 'matrix' | 'vector';
  readonly result: readonly RawSeries[];
}

interface One {
  readonly resultType: 'scalar' | 'string';
  readonly result: readonly [number, string];
}

type RawData = Many | One;

const isOne = (data: RawData): data is One =>
  data.resultType === 'scalar' || data.resultType === 'string';

export interface Line {
  readonly labels: Labels;
  readonly values: readonly Value[];
  readonly histograms: readonly (Buckets | null)[] | null;
}

export interface Course {
  readonly start: number;
  readonly step: number;
  readonly lines: readonly Line[];
  /** Series that were not drawn because there are so many. */
  readonly leftOut: number;
  readonly notes: readonly string[];
}

export const BASE = '/prometheus/api/v1';
/** Series of one query that a page draws; the table counts them all. */
export const MOST_LINES = 100;

/** Prometheus' numbers as text: `+Inf`, `-Inf` and `NaN` are no points of a chart. */
export function numberOf(text: string): Value {
  const found = Number(text);
  return Number.isFinite(found) ? found : null;
}

const NICE_S = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400]; // prettier-ignore

/** Seconds between the moments of a chart: a round figure, no more than about `points` of them. */
export function stepOf(from: number, to: number, points: number): number {
  const least = (to - from) / 1000 / Math.max(1, points);
  return NICE_S.find((each) => each >= least) ?? Math.ceil(least / 86_400) * 86_400;
}

/** `$__interval`, `$__rate_interval` and `$__range`, as Grafana's users write them. */
export function timed(expression: string, from: number, to: number, step: number): string {
  const range = Math.max(1, Math.round((to - from) / 1000));
  return expression
    .replace(/\$__rate_interval\b|\$\{__rate_interval\}/g, `${Math.max(step * 4, 60)}s`)
    .replace(/\$__interval\b|\$\{__interval\}/g, `${step}s`)
    .replace(/\$__range\b|\$\{__range\}/g, `${range}s`);
}

interface Asked {
  readonly project: string;
  readonly expression: string;
  readonly from: number;
  readonly to: number;
  readonly points: number;
}

export async function course(asked: Asked, signal: AbortSignal): Promise<Course> {
  const step = stepOf(asked.from, asked.to, asked.points);
  // On whole steps, so that a line does not tremble while the range slides.
  const start = Math.ceil(asked.from / 1000 / step) * step;
  const end = Math.max(start, Math.floor(asked.to / 1000 / step) * step);
  const answer = await api<Envelope<RawData>>(`${BASE}/query_range`, {
    params: {
      project: asked.project,
      query: timed(asked.expression, asked.from, asked.to, step),
      start,
      end,
      step,
    },
    signal,
  });
  return courseOf(answer, start * 1000, end * 1000, step * 1000);
}

/** A range answer on the grid it was asked for; each bucket of a chart begins half a step earlier. */
export function courseOf(
  answer: Envelope<RawData>,
  start: number,
  end: number,
  step: number,
): Course {
  const length = Math.floor((end - start) / step) + 1;
  const { data } = answer;
  const raw = isOne(data) ? [] : data.result;
  const place = (at: number): number => Math.round((at * 1000 - start) / step);
  const lines = raw.slice(0, MOST_LINES).map((series) => {
    const values = new Array<Value>(length).fill(null);
    for (const [at, text] of series.values ?? []) values[place(at)] = numberOf(text);
    let histograms: (Buckets | null)[] | null = null;
    if (series.histograms?.length) {
      histograms = new Array<Buckets | null>(length).fill(null);
      for (const [at, buckets] of series.histograms) histograms[place(at)] = buckets;
    }
    return { labels: series.metric, values, histograms };
  });
  return {
    start: start - step / 2,
    step,
    lines,
    leftOut: raw.length - lines.length,
    notes: [...(answer.warnings ?? []), ...(answer.infos ?? [])],
  };
}

export interface Row {
  readonly labels: Labels;
  readonly value: string;
}

export async function instant(
  asked: Omit<Asked, 'points' | 'from'> & { readonly from: number },
  signal: AbortSignal,
): Promise<{ rows: readonly Row[]; notes: readonly string[] }> {
  const step = stepOf(asked.from, asked.to, 200);
  const answer = await api<Envelope<RawData>>(`${BASE}/query`, {
    params: {
      project: asked.project,
      query: timed(asked.expression, asked.from, asked.to, step),
      time: asked.to / 1000,
    },
    signal,
  });
  const { data } = answer;
  const notes = [...(answer.warnings ?? []), ...(answer.infos ?? [])];
  if (isOne(data)) return { rows: [{ labels: {}, value: data.result[1] }], notes };
  return {
    rows: data.result.map((series) => ({
      labels: series.metric,
      value: series.value?.[1] ?? series.histogram?.[1].count ?? series.values?.at(-1)?.[1] ?? '',
    })),
    notes,
  };
}

/** `{{label}}` in a legend; without a legend the labels that tell the series apart. */
export function nameOf(labels: Labels, legend: string, apart: readonly string[]): string {
  if (legend)
    return legend.replace(/\{\{\s*([^{}]*?)\s*\}\}/g, (_, name: string) => labels[name] ?? '');
  const { __name__: metric = '' } = labels;
  if (!apart.length) return metric || Object.values(labels).join(' ') || '{}';
  return apart.map((name) => labels[name] ?? '–').join(' ');
}

/** The labels in which several series differ. */
export function apart(lines: readonly { readonly labels: Labels }[]): string[] {
  const names = [...new Set(lines.flatMap((each) => Object.keys(each.labels)))];
  return names.filter(
    (name) => lines.length > 1 && new Set(lines.map((each) => each.labels[name])).size > 1,
  );
}

export interface Metadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

export async function names(
  params: { project: string; match?: string; label: string; start: number; end: number },
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { label, match, ...rest } = params;
  const answer = await api<Envelope<readonly string[]>>(
    `${BASE}/label/${encodeURIComponent(label)}/values`,
    { params: { ...rest, 'match[]': match }, ...(signal ? { signal } : {}) },
  );
  return answer.data;
}

export async function labels(
  params: { project: string; match: string; start: number; end: number },
  signal?: AbortSignal,
): Promise<readonly string[]> {
  const { match, ...rest } = params;
  const answer = await api<Envelope<readonly string[]>>(`${BASE}/labels`, {
    params: { ...rest, 'match[]': match },
    ...(signal ? { signal } : {}),
  });
  return answer.data.filter((each) => each !== '__name__');
}

export async function metadata(
  project: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, readonly Metadata[]>>> {
  const answer = await api<Envelope<Record<string, Metadata[]>>>(`${BASE}/metadata`, {
    params: { project },
    signal,
  });
  return answer.data;
}
