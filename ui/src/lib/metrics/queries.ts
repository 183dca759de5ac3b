/**
 * The queries of the explorer and how an address carries them: `a`, `b`, … are expressions, `la`
 * their legends, `hide` those not drawn. An expression may name another as `$a`.
 */

export const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] as const;
export type Letter = (typeof LETTERS)[number];

export interface Asked {
  readonly letter: Letter;
  readonly expression: string;
  readonly legend: string;
  readonly hidden: boolean;
}

export function readQueries(param: (name: string) => string): Asked[] {
  const hidden = new Set(param('hide').split(','));
  const found = LETTERS.flatMap((letter) => {
    const expression = param(letter);
    return expression
      ? [{ letter, expression, legend: param(`l${letter}`), hidden: hidden.has(letter) }]
      : [];
  });
  return found.length ? found : [{ letter: 'a', expression: '', legend: '', hidden: false }];
}

/** The parameters that say the same; null removes one. */
export function writeQueries(queries: readonly Asked[]): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const letter of LETTERS) {
    const each = queries.find((one) => one.letter === letter);
    changes[letter] = each?.expression.trim() ? each.expression : null;
    changes[`l${letter}`] = (each?.expression.trim() && each.legend) || null;
  }
  const hidden = queries.filter((each) => each.hidden && each.expression.trim());
  changes['hide'] = hidden.map((each) => each.letter).join(',') || null;
  return changes;
}

export const freeLetter = (queries: readonly Asked[]): Letter | null =>
  LETTERS.find((letter) => queries.every((each) => each.letter !== letter)) ?? null;

const NAMED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\$([A-Za-z])\b/g;

/** The letter of a query that needs itself, or of one that there is not. */
type Fault = { readonly circle: Letter } | { readonly missing: string };

/** The expression with the others in the place of their letters; an error names the letter at fault. */
export function expand(
  letter: Letter,
  queries: readonly Asked[],
  above: readonly Letter[] = [],
): { text: string } | Fault {
  if (above.includes(letter)) return { circle: letter };
  const own = queries.find((each) => each.letter === letter);
  if (!own?.expression.trim()) return { missing: letter };
  let fault: Fault | null = null;
  const text = own.expression.replace(NAMED, (whole, typed: string | undefined) => {
    if (!typed) return whole;
    const name = typed.toLowerCase();
    const named = LETTERS.find((each) => each === name);
    const inner = named ? expand(named, queries, [...above, letter]) : { missing: name };
    if ('text' in inner) return `(${inner.text})`;
    fault ??= inner;
    return whole;
  });
  return fault ?? { text };
}
