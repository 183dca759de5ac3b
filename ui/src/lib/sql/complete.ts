/** What can stand at the cursor of a statement: columns first, then what one calls, then words. */
import type { components } from '#lib/api/schema.d.ts';
import { KEYWORDS, tokens } from './tokens.ts';

export type Reference = components['schemas']['SqlReference'];

export interface Offer {
  readonly text: string;
  readonly kind: 'view' | 'column' | 'accessor' | 'function' | 'keyword';
  readonly help: string;
}

export interface Completion {
  /** Where the word begins that an offer replaces. */
  readonly from: number;
  readonly offers: readonly Offer[];
}

const MOST = 40;
const NOTHING: Completion = { from: 0, offers: [] };
const BEFORE_VIEW = /\b(?:from|join)\s+$/i;

/** Whether a place lies within a text or a comment. */
function quoted(before: string): boolean {
  const last = tokens(before).at(-1);
  if (last?.kind === 'comment') return !before.endsWith('\n') && !last.text.endsWith('*/');
  if (last?.kind !== 'text') return false;
  const [quote] = last.text;
  return last.text.length === 1 || !last.text.endsWith(quote as string);
}

export function complete(
  sql: string,
  cursor: number,
  reference: Reference,
  { asked = false } = {},
): Completion {
  const before = sql.slice(0, cursor);
  if (quoted(before)) return NOTHING;
  const word = /[A-Za-z_]\w*$/.exec(before)?.[0] ?? '';
  if (!word && !asked) return NOTHING;
  const from = cursor - word.length;
  const offers = candidates(sql, before.slice(0, from), reference);
  const wanted = word.toLowerCase();
  const rank = (offer: Offer): number => {
    const text = offer.text.toLowerCase();
    return text.startsWith(wanted) ? 0 : text.includes(wanted) ? 1 : 2;
  };
  const fitting = offers
    .map((offer, index) => ({ offer, index, rank: rank(offer) }))
    .filter((each) => each.rank < 2 && each.offer.text.toLowerCase() !== wanted)
    .sort((a, b) => a.rank - b.rank || a.index - b.index);
  return { from, offers: fitting.slice(0, MOST).map((each) => each.offer) };
}

function candidates(sql: string, before: string, reference: Reference): Offer[] {
  const views: Offer[] = reference.views.map((each) => ({
    text: each.name,
    kind: 'view',
    help: each.help,
  }));
  if (BEFORE_VIEW.test(before)) return views;
  const named = new Set(
    tokens(sql)
      .filter((each) => each.kind === 'name')
      .map((each) => each.text),
  );
  const used = reference.views.filter((each) => named.has(each.name));
  const columns = new Map<string, Offer>();
  for (const view of used.length ? used : reference.views)
    for (const column of view.columns)
      if (!columns.has(column.name))
        columns.set(column.name, { text: column.name, kind: 'column', help: column.help });
  return [
    ...columns.values(),
    ...reference.accessors.map<Offer>((each) => ({
      text: `${each.name}(`,
      kind: 'accessor',
      help: each.help,
    })),
    ...KEYWORDS.map<Offer>((each) => ({ text: each, kind: 'keyword', help: '' })),
    ...views,
    ...[...reference.aggregates, ...reference.functions].map<Offer>((each) => ({
      text: `${each}(`,
      kind: 'function',
      help: '',
    })),
  ];
}
