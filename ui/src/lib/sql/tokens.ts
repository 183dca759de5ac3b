/** SQL cut into coloured pieces. Nothing is judged: the server does that. */

import type { Token, TokenKind } from '#lib/editor/language.ts';

export const KEYWORDS = [
  'SELECT',
  'DISTINCT',
  'FROM',
  'PREWHERE',
  'WHERE',
  'GROUP BY',
  'HAVING',
  'ORDER BY',
  'LIMIT',
  'OFFSET',
  'WITH',
  'AS',
  'AND',
  'OR',
  'NOT',
  'IN',
  'LIKE',
  'ILIKE',
  'BETWEEN',
  'IS NULL',
  'IS NOT NULL',
  'CASE',
  'WHEN',
  'THEN',
  'ELSE',
  'END',
  'ASC',
  'DESC',
  'JOIN',
  'LEFT JOIN',
  'INNER JOIN',
  'ON',
  'USING',
  'UNION ALL',
  'ARRAY JOIN',
  'OVER',
  'PARTITION BY',
  'INTERVAL',
  'WITH FILL',
  'WITH TOTALS',
] as const;

const WORDS = new Set(
  [
    ...KEYWORDS.flatMap((each) => each.split(' ')),
    'BY',
    'ALL',
    'NULL',
    'TRUE',
    'FALSE',
    'FILL',
    'STEP',
  ].map((each) => each.toLowerCase()),
);
const PIECE =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<text>'(?:[^'\\]|\\.|'')*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)|`[^`]*(?:`|$))|(?<number>\b\d[\w.]*)|(?<word>[A-Za-z_]\w*)(?<call>\s*\()?|(?<other>[\s\S])/gy;

export function tokens(sql: string): Token[] {
  const found: Token[] = [];
  const add = (kind: TokenKind, text: string): void => {
    const last = found.at(-1);
    if (last?.kind === kind && kind === 'plain')
      found[found.length - 1] = { kind, text: last.text + text };
    else found.push({ kind, text });
  };
  for (const match of sql.matchAll(PIECE)) {
    const { comment, text, number, word, call, other } = match.groups as Record<
      string,
      string | undefined
    >;
    if (comment !== undefined) add('comment', comment);
    else if (text !== undefined) add('text', text);
    else if (number !== undefined) add('number', number);
    else if (word !== undefined) {
      const known = WORDS.has(word.toLowerCase());
      add(known ? 'keyword' : call ? 'call' : 'name', word);
      if (call) add('plain', call);
    } else add('plain', other ?? '');
  }
  return found;
}
