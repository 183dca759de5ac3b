/** The filters of the logs page, as its address holds them. */
import { view } from '#lib/state/view.svelte.ts';
import { SEVERITIES, severityOf, type Severity } from './severity';
import { isFor, parseTerms, withTerm, withoutTerm } from './terms';

export interface LogFilter {
  readonly q: string;
  readonly service: string;
  readonly severities: readonly Severity[];
}

const SERVICE = ['service', 'service.name'];
const SEVERITY = ['severity', 'severity_text', 'level'];

export function readFilter(): LogFilter {
  const words = view.param('severity').split(',');
  return {
    q: view.param('q'),
    service: view.param('service'),
    severities: SEVERITIES.filter((each) => words.includes(each)),
  };
}

/** Filter for a value, leave it out, or stop doing either when that is already so. */
export function choose(filter: LogFilter, field: string, value: string, not: boolean): void {
  if (SERVICE.includes(field) && !not) {
    view.set({ service: filter.service === value ? null : value });
    return;
  }
  if (SEVERITY.includes(field) && !not) {
    const severity = severityOf(value);
    const rest = filter.severities.filter((each) => each !== severity);
    const next = rest.length < filter.severities.length ? rest : [...rest, severity];
    view.set({ severity: next.join(',') });
    return;
  }
  const there = parseTerms(filter.q).find((term) => isFor(term, field, value) && term.not === not);
  view.set({
    q: there ? withoutTerm(filter.q, there) : withTerm(filter.q, field, value, not),
  });
}

/** Is a value filtered for, left out, or neither? */
export function stateOf(filter: LogFilter, field: string, value: string): boolean | undefined {
  if (SERVICE.includes(field) && filter.service === value) return true;
  if (SEVERITY.includes(field) && filter.severities.includes(severityOf(value))) return true;
  const term = parseTerms(filter.q).find((each) => isFor(each, field, value));
  return term && !term.not;
}
