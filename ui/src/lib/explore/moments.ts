/** Links from a stretch of time to what happened in it. */
import type { MenuItem } from '#lib/charts/series.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { href, type Changes } from '#lib/state/view.svelte.ts';
import { printUrl } from '#lib/time/grammar.ts';
import { between } from '#lib/time/range.ts';

export function moments(from: number, to: number, filters: Changes = {}): readonly MenuItem[] {
  const at = { ...filters, t: printUrl(between(Math.round(from), Math.round(to))), live: null };
  return [
    { label: t.explore.chart.tracesThen, href: href('/traces', at) },
    { label: t.explore.chart.errorsThen, href: href('/traces', { ...at, status: 'error' }) },
    { label: t.explore.chart.slowThen, href: href('/traces', { ...at, sort: 'slowest' }) },
    { label: t.explore.chart.logsThen, href: href('/logs', at) },
  ];
}
