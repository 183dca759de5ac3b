/**
 * The language of the search fields, as the server reads it: blanks between terms,
 * `field:value`, `field>=value`, `-` in front for "not", quotes around what holds blanks, `*`
 * for anything. A term keeps its text, so that what one typed stays as one typed it.
 */
export interface Term {
  /** Empty for free text. */
  readonly field: string;
  /** `:`, `>`, `>=`, `<`, `<=`. */
  readonly operator: string;
  readonly value: string;
  readonly not: boolean;
  /** As it stands in the field. */
  readonly raw: string;
}

const TERM = /-?(?:[A-Za-z_@][\w.@/-]*?(?::?[<>]=?|[:=])(?!\/\/))?(?:"(?:[^"\\]|\\.)*"?|[^\s"]*)/gy;
const PARTS = /^(-?)(?:([A-Za-z_@][\w.@/-]*?)(:?[<>]=?|[:=])(?!\/\/))?(.*)$/s;

function unquoted(text: string): string {
  if (!text.startsWith('"')) return text;
  const inside = text.length > 1 && text.endsWith('"') ? text.slice(1, -1) : text.slice(1);
  return inside.replace(/\\(.)/g, '$1');
}

function quoted(text: string): string {
  const bare = text !== '' && !/[\s":*]|^[-<>=]/.test(text);
  return bare ? text : `"${text.replace(/["\\]/g, '\\$&')}"`;
}

export function parseTerms(text: string): Term[] {
  const terms: Term[] = [];
  for (let at = 0; at < text.length;) {
    if (/\s/.test(text[at] as string)) {
      at++;
      continue;
    }
    TERM.lastIndex = at;
    const raw = TERM.exec(text)?.[0] || (text[at] as string);
    at += raw.length;
    const [, minus, field = '', operator = ':', rest = ''] = PARTS.exec(raw) ?? [];
    const sign = operator === '=' ? ':' : operator.replace(/^:(?=.)/, '');
    terms.push({ field, operator: sign, value: unquoted(rest), not: minus === '-', raw });
  }
  return terms;
}

export function printTerm(field: string, value: string, not = false): string {
  return `${not ? '-' : ''}${field ? `${field}:` : ''}${quoted(value)}`;
}

/** The text with a term added, in place of its opposite. */
export function withTerm(text: string, field: string, value: string, not = false): string {
  const kept = parseTerms(text).filter((each) => each.field !== field || each.value !== value);
  return [...kept.map((each) => each.raw), printTerm(field, value, not)].join(' ');
}

export function withoutTerm(text: string, term: Term): string {
  return parseTerms(text)
    .filter((each) => each.raw !== term.raw)
    .map((each) => each.raw)
    .join(' ');
}
