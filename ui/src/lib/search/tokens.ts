/**
 * The text of a search, cut into tokens by the rules of the server (telemetry/search/tokens.py);
 * the cases in tests/data/search_tokens.json hold both to them. Nothing is judged here.
 */
export type Kind =
  | 'open'
  | 'close'
  | 'keyword'
  | 'minus'
  | 'field'
  | 'operator'
  | 'word'
  | 'phrase'
  | 'regex'
  | 'from'
  | 'to'
  | 'until';

export interface Token {
  readonly kind: Kind;
  readonly start: number;
  readonly end: number;
  /** What it says: a phrase without its quotes, a word as it was written. */
  readonly text: string;
  /** Whether it stands for the value of a field. */
  readonly valued: boolean;
}

const BLANKS = /\s*/uy;
const MINUS = /-(?=[^\s)>-])/uy;
const FIELD =
  /(?:([A-Za-z_@](?:[\w.@/$-]*[\w@/])?)|"((?:[^"\\]|\\.)+)")(:>=|:<=|:>|:<|!=|>=|<=|:|>|<|=)(?!\/\/)/suy;
const SIGN = />=|<=|>|</uy;
const PHRASE = /"((?:[^"\\]|\\.)*)(?:"|\\?$)/suy;
const REGEX = /\/((?:[^/\\]|\\.)+)\/(?=[\s)]|$)/suy;
const KEYWORD = /(?:AND|OR|NOT)(?=[\s()]|$)/uy;
const BARE = /(?:\\.|\([^\s"()\\]*\)|[^\s"()\\]|\\$)+/suy;
const BOUND = /(?:\\.|[^\s"\]}\\]|\\$)+/suy;

export const unescaped = (text: string): string => text.replace(/\\([^A-Za-z0-9_])/gsu, '$1');

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

export function tokensOf(text: string): Token[] {
  const out: Token[] = [];
  const groups: boolean[] = []; // of the open groups, whether each holds the values of a field

  const add = (kind: Kind, start: number, end: number, valued = false, says?: string): number => {
    out.push({ kind, start, end, text: says ?? text.slice(start, end), valued });
    return end;
  };

  function range(start: number): number {
    let at = add('from', start, start + 1, true);
    for (;;) {
      at += match(BLANKS, text, at)?.[0].length ?? 0;
      if (at >= text.length) return at;
      if (text[at] === ']' || text[at] === '}') return add('until', at, at + 1, true);
      const phrase = match(PHRASE, text, at);
      if (phrase) at = add('phrase', at, at + phrase[0].length, true, unescaped(phrase[1] ?? ''));
      else {
        const end = at + (match(BOUND, text, at)?.[0].length ?? 1);
        at = add(text.slice(at, end) === 'TO' ? 'to' : 'word', at, end, true);
      }
    }
  }

  function operand(start: number, ofField: boolean): number {
    let at = start;
    let operator = false;
    const named = match(FIELD, text, at);
    if (named) {
      const sign = named[3] as string;
      const end = at + named[0].length;
      const name = named[1] ?? unescaped(named[2] ?? '');
      add('field', at, end - sign.length, false, name);
      at = add('operator', end - sign.length, end);
      operator = true;
    } else if (ofField) {
      const sign = match(SIGN, text, at);
      if (sign) at = add('operator', at, at + sign[0].length);
      operator = sign !== null;
    }
    const next = text[at];
    if (operator && next === '(') {
      groups.push(true);
      return add('open', at, at + 1);
    }
    const valued = operator || ofField;
    if (valued && (next === '[' || next === '{')) return range(at);
    const phrase = match(PHRASE, text, at);
    if (phrase) return add('phrase', at, at + phrase[0].length, valued, unescaped(phrase[1] ?? ''));
    const regex = match(REGEX, text, at);
    if (regex) {
      const says = (regex[1] as string).replaceAll('\\/', '/');
      return add('regex', at, at + regex[0].length, valued, says);
    }
    const keyword = operator ? null : match(KEYWORD, text, at);
    if (keyword) return add('keyword', at, at + keyword[0].length);
    const bare = match(BARE, text, at);
    return bare ? add('word', at, at + bare[0].length, valued) : at;
  }

  for (let at = 0; ;) {
    at += match(BLANKS, text, at)?.[0].length ?? 0;
    if (at >= text.length) return out;
    const ofField = groups.at(-1) ?? false;
    if (text[at] === '(') {
      groups.push(ofField);
      at = add('open', at, at + 1);
    } else if (text[at] === ')') {
      groups.pop();
      at = add('close', at, at + 1);
    } else if (match(MINUS, text, at)) at = add('minus', at, at + 1);
    else at = operand(at, ofField);
  }
}

export interface Piece {
  readonly text: string;
  /** Empty for plain text and blanks. */
  readonly look: '' | Kind | 'value';
  readonly fault: boolean;
}

/** The whole text in pieces of one look, for painting; a fault is a stretch of characters. */
export function piecesOf(text: string, fault?: { start: number; end: number }): Piece[] {
  const looks: { start: number; end: number; look: Piece['look'] }[] = [];
  let at = 0;
  for (const token of tokensOf(text)) {
    if (token.start > at) looks.push({ start: at, end: token.start, look: '' });
    const value = token.valued && (token.kind === 'word' || token.kind === 'phrase');
    looks.push({ ...token, look: value ? 'value' : token.kind });
    at = token.end;
  }
  if (at < text.length) looks.push({ start: at, end: text.length, look: '' });
  const pieces: Piece[] = [];
  for (const { start, end, look } of looks) {
    const cuts = fault ? [start, fault.start, fault.end, end] : [start, end];
    const edges = cuts.filter((each) => each >= start && each <= end).sort((a, b) => a - b);
    for (let i = 1; i < edges.length; i++) {
      const [from, to] = [edges[i - 1] as number, edges[i] as number];
      if (to > from)
        pieces.push({
          text: text.slice(from, to),
          look,
          fault: fault !== undefined && from >= fault.start && to <= fault.end,
        });
    }
  }
  return pieces;
}
