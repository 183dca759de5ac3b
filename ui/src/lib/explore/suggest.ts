/** What could stand where the caret is: fields that exist, then their values. */
import { short } from '#lib/format.ts';
import { printTerm } from './terms';
import type { Facet } from './types';
import { isPlain, lineOf } from './values';

export interface Suggestion {
  readonly label: string;
  /** The whole text of the field with the suggestion in it, and where the caret then stands. */
  readonly text: string;
  readonly caret: number;
  readonly count?: string;
  /** A finished term: search at once. */
  readonly whole: boolean;
}

const MOST = 8;

export function suggest(text: string, caret: number, facets: readonly Facet[]): Suggestion[] {
  const start = Math.max(text.lastIndexOf(' ', caret - 1) + 1, 0);
  const rest = text.slice(caret);
  const end = caret + (rest.includes(' ') ? rest.indexOf(' ') : rest.length);
  const word = text.slice(start, end);
  const not = word.startsWith('-');
  const [field = '', partial] = word.replace(/^-/, '').split(/:(.*)/s);

  const put = (term: string, whole: boolean, label: string, count?: string): Suggestion => {
    const before = text.slice(0, start) + term + (whole ? ' ' : '');
    const after = text.slice(end).replace(/^ /, '');
    return { label, text: before + after, caret: before.length, count, whole };
  };

  if (partial === undefined) {
    const sought = field.toLowerCase();
    if (!sought) return [];
    return facets
      .filter((each) => each.field.toLowerCase().includes(sought))
      .sort((a, b) => a.field.length - b.field.length)
      .slice(0, MOST)
      .map((each) => put(`${not ? '-' : ''}${each.field}:`, false, `${each.field}:`));
  }
  const facet = facets.find((each) => each.field === field);
  const sought = partial.replace(/^"/, '').toLowerCase();
  return (facet?.values ?? [])
    .filter(({ value }) => isPlain(value) && lineOf(value).toLowerCase().includes(sought))
    .filter(({ value }) => lineOf(value) !== partial)
    .slice(0, MOST)
    .map(({ value, count }) =>
      put(printTerm(field, lineOf(value), not), true, lineOf(value), short(count)),
    );
}
