/** Prometheus' lists as the explorer asks for them; questions go the way of panels (`dashboards/ask`). */
import { api } from '#lib/api/client.ts';

interface Envelope<T> {
  readonly data: T;
}

const BASE = '/prometheus/api/v1';

interface Scope {
  readonly project: string;
  /** Seconds since 1970. */
  readonly start: number;
  readonly end: number;
}

export async function names({
  label,
  match,
  ...scope
}: Scope & { readonly label: string; readonly match?: string }): Promise<readonly string[]> {
  const path = `${BASE}/label/${encodeURIComponent(label)}/values`;
  const params = { ...scope, 'match[]': match, limit: 2000 };
  return (await api<Envelope<readonly string[]>>(path, { params })).data;
}

export async function labels({
  match,
  ...scope
}: Scope & { readonly match: string }): Promise<readonly string[]> {
  const params = { ...scope, 'match[]': match };
  const found = await api<Envelope<readonly string[]>>(`${BASE}/labels`, { params });
  return found.data.filter((each) => each !== '__name__');
}

export interface Exemplar {
  readonly series: string;
  readonly at: number;
  readonly value: number;
  readonly trace: string;
}

interface Told {
  readonly seriesLabels: Readonly<Record<string, string>>;
  readonly exemplars: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: string;
    readonly timestamp: number;
  }[];
}

const TRACE = ['trace_id', 'traceID', 'traceId', 'TraceID'];

/** Requests behind the figures of a query: those that name their trace, the largest first. */
export async function exemplars(
  { expression, ...scope }: Scope & { readonly expression: string },
  signal: AbortSignal,
): Promise<readonly Exemplar[]> {
  // Its selectors alone matter: any length of range will do.
  const params = { ...scope, query: expression.replace(/\$\{?__\w+\}?/g, '5m') };
  const { data } = await api<Envelope<readonly Told[]>>(`${BASE}/query_exemplars`, {
    params,
    signal,
  });
  return exemplarsOf(data);
}

export function exemplarsOf(data: readonly Told[]): Exemplar[] {
  return data
    .flatMap(({ seriesLabels, exemplars: all }) =>
      all.flatMap(({ labels: own, value, timestamp }) => {
        const trace = TRACE.map((name) => own[name]).find(Boolean);
        const { __name__: metric = '', ...rest } = seriesLabels;
        const told = Object.entries(rest).map(([name, text]) => `${name}=${text}`);
        return trace
          ? [
              {
                series: [metric, ...told].join(' '),
                at: timestamp * 1000,
                value: Number(value),
                trace,
              },
            ]
          : [];
      }),
    )
    .sort((a, b) => b.value - a.value);
}
