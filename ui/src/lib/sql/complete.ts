/** What can stand at the cursor of a statement: columns first, then what one calls, then words. */
import type { components } from '#lib/api/schema.d.ts';
import {
  fitting,
  NOTHING,
  type Completion,
  type Language,
  type Offer,
} from '#lib/editor/language.ts';
import { KEYWORDS, tokens } from './tokens.ts';

export type Reference = components['schemas']['SqlReference'];

type Kinds = Readonly<Record<'view' | 'column' | 'accessor' | 'function', string>>;

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
  { asked = false, kinds = {} }: { asked?: boolean; kinds?: Partial<Kinds> } = {},
): Completion {
  const before = sql.slice(0, cursor);
  if (quoted(before)) return NOTHING;
  const word = /[A-Za-z_]\w*$/.exec(before)?.[0] ?? '';
  if (!word && !asked) return NOTHING;
  const from = cursor - word.length;
  return { from, offers: fitting(candidates(sql, before.slice(0, from), reference, kinds), word) };
}

/** SQL as the editor wants it. `kinds` says what something is that has no help of its own. */
export function language(reference: Reference | undefined, kinds: Kinds): Language {
  return {
    tokens,
    complete: (sql, cursor, asked) =>
      reference ? complete(sql, cursor, reference, { asked, kinds }) : NOTHING,
  };
}

function candidates(
  sql: string,
  before: string,
  reference: Reference,
  kinds: Partial<Kinds>,
): Offer[] {
  const views: Offer[] = reference.views.map((each) => ({
    text: each.name,
    help: each.help || (kinds.view ?? ''),
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
        columns.set(column.name, { text: column.name, help: column.help || (kinds.column ?? '') });
  return [
    ...columns.values(),
    ...reference.accessors.map<Offer>((each) => ({
      text: `${each.name}(`,
      help: each.help || (kinds.accessor ?? ''),
    })),
    ...KEYWORDS.map<Offer>((each) => ({ text: each, help: '' })),
    ...views,
    ...[...reference.aggregates, ...reference.functions].map<Offer>((each) => ({
      text: `${each}(`,
      help: kinds.function ?? '',
    })),
  ];
}
