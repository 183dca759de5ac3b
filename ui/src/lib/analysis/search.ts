/** Searches put together: with durations, with values kept or left out, with ranges of numbers. */
import { parseDuration } from '#lib/explore/durations.ts';
import { parseTerms, printTerm, withTerm } from '#lib/explore/terms.ts';

/** Alternatives reach further than their neighbours, so they need parentheses beside others. */
const whole = (q: string): string => (/(^|\s)OR(\s|$)/.test(q) ? `(${q})` : q);

export const both = (a: string, b: string): string => (a && b ? `${whole(a)} ${whole(b)}` : a || b);

/** Milliseconds as the search reads them, without losing what was brushed. */
export function durationText(ms: number): string {
  const round = (value: number): string => String(Number(value.toPrecision(4)));
  if (ms < 1) return `${round(ms * 1000)}us`;
  return ms < 1000 ? `${round(ms)}ms` : `${round(ms / 1000)}s`;
}

export function withDurations(q: string, min: number | null, max: number | null): string {
  const others = parseTerms(q).filter((each) => each.field !== 'duration');
  return [
    ...others.map((each) => each.raw),
    ...(min === null ? [] : [`duration>=${durationText(min)}`]),
    ...(max === null ? [] : [`duration<${durationText(max)}`]),
  ].join(' ');
}

/** A bound of the duration that a search has, in milliseconds. */
export function bound(q: string, sign: '>' | '<'): number | null {
  const found = parseTerms(q).find(
    (each) => each.field === 'duration' && !each.not && each.operator.startsWith(sign),
  );
  return found ? parseDuration(found.value) : null;
}

/** The search with a value kept or left out; an empty value stands for spans without the field. */
export function filtered(q: string, field: string, value: string | null, not = false): string {
  if (value === null || value === '') {
    const any = `${field}:*`;
    return both(q, not ? any : `-${any}`);
  }
  return withTerm(q, field, value, not);
}

/** The same for a stretch of numbers. */
export function within(q: string, field: string, low: number | null, high: number | null): string {
  const others = parseTerms(q).filter(
    (each) => each.field !== field || !['>=', '<'].includes(each.operator),
  );
  const bounds = [
    low === null ? '' : `${field}>=${low}`,
    high === null ? '' : `${field}<${high}`,
  ].filter(Boolean);
  return [...others.map((each) => each.raw), ...bounds].join(' ');
}

export const ofService = (q: string, service: string): string =>
  !service || parseTerms(q).some((each) => each.raw === printTerm('service', service))
    ? q
    : withTerm(q, 'service', service);
