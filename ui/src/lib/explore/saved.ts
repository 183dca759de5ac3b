/** Searches that the project keeps, as addresses of the pages they belong to. */
import { href, type Changes } from '#lib/state/view.svelte.ts';
import { parse, printUrl } from '#lib/time/grammar.ts';

export type Spec = Readonly<Record<string, unknown>>;

/** The list shows these always; the rest of `columns` are attributes. */
const USUAL = ['time', 'severity', 'service', 'body'];

const text = (spec: Spec, name: string): string => {
  const value = spec[name];
  return typeof value === 'string' ? value : '';
};

/** What a saved search puts into the address; a range that cannot be read is left out. */
export function changesOf(spec: Spec): Changes {
  const range = parse(text(spec, 'range'), Date.now());
  const columns = Array.isArray(spec['columns']) ? (spec['columns'] as string[]) : [];
  return {
    q: text(spec, 'query'),
    service: text(spec, 'service'),
    env: text(spec, 'environment'),
    t: range ? printUrl(range) : null,
    sort: spec['sort'] === 'slowest' ? 'slowest' : null,
    cols: columns.filter((each) => !USUAL.includes(each)).join(','),
  };
}

export const hrefOf = (spec: Spec): string => href(`/${text(spec, 'signal')}`, changesOf(spec));
