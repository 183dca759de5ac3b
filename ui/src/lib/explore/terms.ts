/**
 * What stands at the top of a search: the conditions that must all hold, each with its own
 * text, so that what one typed stays as one typed it when another is added or removed. The
 * language is that of docs/search.md.
 */
import { tokensOf, unescaped, type Token } from '#lib/search/tokens.ts';

export interface Term {
  /** Empty for free text and groups. */
  readonly field: string;
  /** `:`, `>`, `>=`, `<`, `<=`. */
  readonly operator: string;
  /** As it stands in the field, but a plain value without quotes and escapes. */
  readonly value: string;
  /** A plain value: no pattern, no range, no group. */
  readonly literal: boolean;
  readonly not: boolean;
  /** As it stands in the field. */
  readonly raw: string;
}

const PLAIN = /^(?!\/)[\p{L}\p{N}_.@/$%&#;,|'^~`+-]+$/u;
const NAME = /^[A-Za-z_@](?:[\w.@/$-]*[\w@/])?$/;
const RESERVED = ['AND', 'OR', 'NOT', 'TO'];
const CLOSED_PHRASE = /^"(?:[^"\\]|\\.)*"$/su;
const WILD = /(?<!\\)(?:\\\\)*[*?]|.\.\../su;

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

export function printTerm(field: string, value: string, not = false): string {
  const plain =
    PLAIN.test(value) &&
    !value.includes('..') &&
    !RESERVED.includes(value) &&
    (field !== '' || !value.startsWith('-'));
  const name = field && `${NAME.test(field) ? field : quoted(field)}:`;
  return `${not ? '-' : ''}${name}${plain ? value : quoted(value)}`;
}

/** The text with everything closed that is still being typed. */
function closed(text: string): string {
  let tokens = tokensOf(text);
  while (tokens.at(-1)?.kind === 'keyword') tokens = tokens.slice(0, -1);
  const last = tokens.at(-1);
  if (!last) return '';
  let out = text.slice(0, last.end);
  if (last.kind === 'phrase' && !CLOSED_PHRASE.test(text.slice(last.start, last.end)))
    out = `${text.slice(0, last.start)}${quoted(last.text)}`;
  const count = (kind: Token['kind']): number => tokens.filter((each) => each.kind === kind).length;
  return out + ')'.repeat(Math.max(0, count('open') - count('close')));
}

/** The index behind the operand that begins at a token: a group, a range or a single value. */
function behind(tokens: readonly Token[], at: number): number {
  const kind = tokens[at]?.kind;
  let depth = 0;
  for (let i = at; i < tokens.length; i++) {
    const each = tokens[i]?.kind;
    if (each === 'open') depth++;
    if (each === 'close') depth--;
    if (kind === 'open' ? depth === 0 : kind === 'from' ? each === 'until' : true) return i + 1;
  }
  return tokens.length;
}

/**
 * The conditions that must all hold. Alternatives are one condition, in parentheses, so that
 * others can stand beside it.
 */
export function parseTerms(text: string): Term[] {
  const whole = closed(text);
  const tokens = tokensOf(whole);
  const terms: Term[] = [];
  let alternatives = false;
  for (let i = 0; i < tokens.length;) {
    const first = tokens[i] as Token;
    if (first.kind === 'keyword' && first.text !== 'NOT') {
      alternatives ||= first.text === 'OR';
      i++;
      continue;
    }
    let not = false;
    while (
      tokens[i]?.kind === 'minus' ||
      (tokens[i]?.kind === 'keyword' && tokens[i]?.text === 'NOT')
    ) {
      not = !not;
      i++;
    }
    let field = '';
    let operator = ':';
    if (tokens[i]?.kind === 'field') {
      field = tokens[i]?.text ?? '';
      const sign = tokens[i + 1]?.text ?? ':';
      if (sign === '!=') not = !not;
      operator = ['=', '!=', ':'].includes(sign) ? ':' : sign.replace(/^:/, '');
      i += 2;
    }
    const value = tokens[i];
    const adjacent = !field || (value !== undefined && value.start === tokens[i - 1]?.end);
    const end = adjacent ? behind(tokens, i) : i;
    const last = tokens[Math.max(end - 1, 0)] as Token;
    const simple = value && end === i + 1 ? value : undefined;
    const literal =
      simple?.kind === 'phrase' || (simple?.kind === 'word' && !WILD.test(simple.text));
    const raw = adjacent && value ? whole.slice(value.start, last.end) : '';
    terms.push({
      field,
      operator,
      value:
        literal && simple ? (simple.kind === 'word' ? unescaped(simple.text) : simple.text) : raw,
      literal,
      not,
      raw: whole.slice(first.start, last.end),
    });
    i = Math.max(end, i);
  }
  if (!alternatives) return terms;
  return [
    { field: '', operator: ':', value: whole, literal: false, not: false, raw: `(${whole})` },
  ];
}

/** The text with a term added, in place of its opposite. */
export function withTerm(text: string, field: string, value: string, not = false): string {
  const kept = parseTerms(text).filter((each) => !isFor(each, field, value));
  return [...kept.map((each) => each.raw), printTerm(field, value, not)].join(' ');
}

export function withoutTerm(text: string, term: Term): string {
  return parseTerms(text)
    .filter((each) => each.raw !== term.raw)
    .map((each) => each.raw)
    .join(' ');
}

/** Whether a term asks for just this value, or denies it. */
export const isFor = (term: Term, field: string, value: string): boolean =>
  term.literal && term.operator === ':' && term.field === field && term.value === value;
