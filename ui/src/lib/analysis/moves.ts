/** Ways between the selection, the filters of the page and its views, as changes of the address. */
import { spansOf } from './asked';
import { both, durationText, withDurations } from './search';
import { selection } from './selection.svelte';
import { parseDuration } from '#lib/explore/durations.ts';
import { parseTerms } from '#lib/explore/terms.ts';
import { hrefWith, view, type Changes } from '#lib/state/view.svelte.ts';
import { printUrl } from '#lib/time/grammar.ts';
import { between } from '#lib/time/range.ts';

/** The selection as filters: what is selected is all that is left. */
export function narrowed(): Changes {
  const terms = parseTerms(selection.q);
  const status = terms.find((each) => each.field === 'status' && !each.not);
  const rest = terms.filter((each) => each !== status && each.field !== 'duration');
  const failed = status?.value === 'error';
  const kept = failed || !status ? rest : [...rest, status];
  return {
    q: both(view.param('q'), kept.map((each) => each.raw).join(' ')),
    ...(failed ? { status: 'error' } : {}),
    ...(selection.min === null ? {} : { min: durationText(selection.min) }),
    ...(selection.max === null ? {} : { max: durationText(selection.max) }),
    ...(selection.time
      ? { t: printUrl(between(selection.time.from, selection.time.to)), live: null }
      : {}),
    sel: null,
    sel_t: null,
  };
}

export const showTraces = (): string => hrefWith({ ...narrowed(), tab: null, rows: null });
export const zoomed = (): string => hrefWith(narrowed());
export const comparing = (changes: Changes = {}): string =>
  hrefWith({ ...changes, tab: 'compare' });

export const isNarrowed = (): boolean =>
  ['q', 'status', 'min', 'max'].some((name) => view.param(name));

/** The filters as a selection: what they keep, against what they leave out. */
export function selected(): Changes {
  const status = view.param('status');
  const terms = both(
    view.param('q'),
    status && (status === 'error' ? 'status:error' : '-status:error'),
  );
  return {
    sel: withDurations(terms, parseDuration(view.param('min')), parseDuration(view.param('max'))),
    of: spansOf(),
    q: null,
    status: null,
    min: null,
    max: null,
  };
}
