/** What the editor of a query knows: metrics and their labels, or views and functions of SQL. */
import { api } from '#lib/api/client.ts';
import { query } from '#lib/api/query.svelte.ts';
import type { Language } from '#lib/editor/language.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { Knowledge } from '#lib/metrics/known.svelte.ts';
import { promql } from '#lib/metrics/promql.ts';
import { language as sql, type Reference } from '#lib/sql/complete.ts';
import { view } from '#lib/state/view.svelte.ts';

/** For as long as the calling component is shown; asked for only in the language that is spoken. */
export function languages(spoken: () => 'promql' | 'sql' | 'none'): () => Language {
  const reference = query(
    () => (spoken() === 'sql' ? 'reference' : null),
    (_, signal) => api<Reference>('/api/sql/reference', { signal }),
  );
  const metrics = query(
    () => (spoken() === 'promql' && view.project ? { project: view.project.slug } : null),
    (params, signal) =>
      api<{ data: string[] }>('/prometheus/api/v1/label/__name__/values', { params, signal }),
  );
  const catalog = $derived(
    (metrics.data?.data ?? []).map((name) => ({ name, type: '', unit: '', help: '', series: 0 })),
  );
  const known = $derived(new Knowledge(view.project?.slug ?? '', () => catalog));
  return () => (spoken() === 'sql' ? sql(reference.data, t.sql.kinds) : promql(known));
}
