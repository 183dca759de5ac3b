/** Searches that the project keeps, as addresses of the pages they belong to, and back. */
import { defaults } from '#lib/state/defaults.svelte.ts';
import { href, view, type Changes } from '#lib/state/view.svelte.ts';
import { parse, printUrl } from '#lib/time/grammar.ts';
import { parseDuration } from './durations.ts';
import { parseTerms, printTerm } from './terms.ts';

export type Spec = Readonly<Record<string, unknown>>;
export type Searched = 'traces' | 'logs';

/** The list shows these always; the rest of `columns` are attributes. */
const USUAL = ['time', 'severity', 'service', 'body'];

const text = (spec: Spec, name: string): string => {
  const value = spec[name];
  return typeof value === 'string' ? value : '';
};

/** What a saved search puts into the address; a range that cannot be read is left out. */
export function changesOf(spec: Spec): Changes {
  const range = parse(text(spec, 'range'), Date.now());
  const all = Array.isArray(spec['columns']) ? (spec['columns'] as string[]) : [];
  const columns = all.filter((each) => !USUAL.includes(each)).join(',');
  const traces = spec['signal'] === 'traces';
  const environment = text(spec, 'environment');
  const own = defaults.of(view.project?.slug).environment;
  return {
    q: text(spec, 'query'),
    service: text(spec, 'service'),
    env: environment === own ? null : environment || '*',
    t: range ? printUrl(range) : null,
    sort: traces && spec['sort'] === 'slowest' ? 'slowest' : null,
    ...(traces ? { rows: columns ? 'spans' : null, columns } : { cols: columns }),
  };
}

export const hrefOf = (spec: Spec): string => href(`/${text(spec, 'signal')}`, changesOf(spec));

/** Whether the page shows what a saved search says, whatever else it shows. */
export const isOpen = (spec: Spec): boolean =>
  Object.entries(changesOf(spec)).every(([name, value]) => view.param(name) === (value ?? ''));

/** The search of the page with all that stands beside it as filters. */
function queryOf(signal: Searched): string {
  const q = view.param('q');
  const more: string[] = [];
  if (signal === 'logs') {
    const levels = view.param('severity').split(',').filter(Boolean);
    if (levels.length === 1) more.push(printTerm('level', levels[0] as string));
    if (levels.length > 1) more.push(`level:(${levels.join(' OR ')})`);
  } else {
    const operation = view.param('operation');
    const status = view.param('status');
    if (operation) more.push(printTerm('name', operation));
    if (status) more.push(status === 'error' ? 'status:error' : '-status:error');
    for (const [name, sign] of [
      ['min', '>='],
      ['max', '<='],
    ] as const) {
      const ms = parseDuration(view.param(name));
      if (ms !== null) more.push(`duration${sign}${ms}ms`);
    }
  }
  return more.length ? [...parseTerms(q).map((each) => each.raw), ...more].join(' ') : q;
}

/** What the page shows, as a saved search keeps it. */
export function specOf(signal: Searched): Spec {
  const columns = view.param(signal === 'logs' ? 'cols' : 'columns');
  return {
    signal,
    query: queryOf(signal),
    service: view.param('service'),
    environment: view.environment,
    range: printUrl(view.range),
    columns: columns
      .split(',')
      .map((each) => each.replace(/~\d+$/, ''))
      .filter(Boolean)
      .slice(0, 20),
    sort: signal === 'traces' && view.param('sort') === 'slowest' ? 'slowest' : 'recent',
  };
}
