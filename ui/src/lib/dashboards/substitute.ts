/**
 * Values of variables put into texts, each quoted for the language that it goes into. What a value
 * says can never become syntax: where it cannot be quoted it must be a plain word, or the panel
 * says so instead of asking. A name that is not a variable stays as it is written.
 */

export class Unfit extends Error {
  constructor(
    readonly why: 'several' | 'syntax',
    readonly variable: string,
  ) {
    super(`${variable}: ${why}`);
  }
}

/** What is chosen, by the variable's name. */
export type Values = Readonly<Record<string, readonly string[]>>;

/** The moment that a text is written for. */
export interface Moment {
  readonly from: number;
  readonly to: number;
  /** Milliseconds between two points. */
  readonly step: number;
  /** Milliseconds over which a rate is taken. */
  readonly rate: number;
  readonly environment: string;
}

const NAME = /\$\{([A-Za-z_]\w*)(?::\w+)?\}|\$([A-Za-z_]\w*)/g;
/** A word, a number or a duration: nothing that a language would read as more than one. */
const WORD = /^[A-Za-z0-9_:.]+$/;

type Written = (name: string, values: readonly string[]) => string;

/** Whether a text asks for a variable. */
export const uses = (text: string, name: string): boolean =>
  [...text.matchAll(NAME)].some((found) => (found[1] ?? found[2]) === name);

export function usedIn(text: string): string[] {
  return [...text.matchAll(NAME)].map((found) => (found[1] ?? found[2]) as string);
}

function put(text: string, values: Values, written: Written): string {
  return text.replace(NAME, (all, braced?: string, bare?: string) => {
    const name = (braced ?? bare) as string;
    return Object.hasOwn(values, name) ? written(name, values[name] as readonly string[]) : all;
  });
}

function one(name: string, values: readonly string[]): string {
  if (values.length > 1) throw new Unfit('several', name);
  return values[0] ?? '';
}

function words(name: string, values: readonly string[]): string {
  if (!values.length || values.some((each) => !WORD.test(each))) throw new Unfit('syntax', name);
  return values.join(', ');
}

const s = (ms: number): string => (ms % 1000 ? `${Math.round(ms)}ms` : `${ms / 1000}s`);

function moments(moment: Moment): Values {
  const range = moment.to - moment.from;
  return {
    __interval: [s(moment.step)],
    __interval_ms: [String(moment.step)],
    __rate_interval: [s(moment.rate)],
    __range: [`${Math.round(range / 1000)}s`],
    __range_s: [String(Math.round(range / 1000))],
    __range_ms: [String(range)],
    __from: [String(moment.from)],
    __to: [String(moment.to)],
  };
}

// PromQL

const PROMQL = /(#[^\n]*)|"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|`([^`]*)`/g;
const REGEX_SIGNS = /[\\^$.*+?()[\]{}|]/g;
const escapedRegex = (value: string): string => value.replace(REGEX_SIGNS, '\\$&');

function escapedText(value: string, quote: string): string {
  if (quote === '`') {
    if (value.includes('`')) throw new Unfit('syntax', value);
    return value;
  }
  return value
    .replaceAll('\\', '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r');
}

/**
 * Several values become `(a|b)` where an expression matches by =~ or !~; elsewhere there must be
 * one. Outside strings a value must be a word (`by ($label)`, `[$range]`).
 */
export function promql(text: string, chosen: Values, moment: Moment): string {
  const values = { ...moments(moment), ...chosen, __environment: [moment.environment] };
  let out = '';
  let at = 0;
  for (const found of text.matchAll(PROMQL)) {
    out += put(text.slice(at, found.index), values, words);
    at = found.index + found[0].length;
    if (found[1] !== undefined) {
      out += found[1];
      continue;
    }
    const quote = found[0].charAt(0);
    const inside = (found[2] ?? found[3] ?? found[4]) as string;
    const before = /(=~|!~)\s*$/.exec(out);
    const written: Written = (name, given) => {
      if (!before) return escapedText(one(name, given), quote);
      if (name === '__environment' && !moment.environment) return '.*';
      const parts = given.map((each) => escapedText(escapedRegex(each), quote));
      return parts.length > 1 ? `(${parts.join('|')})` : (parts[0] ?? '');
    };
    out += quote + put(inside, values, written) + quote;
  }
  return out + put(text.slice(at), values, words);
}

// SQL

const SQL =
  /(--[^\n]*|#[! ][^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$(\w*)\$[\s\S]*?\$\2\$)|'((?:[^'\\]|\\[\s\S]|'')*)'|"((?:[^"\\]|\\[\s\S])*)"|`((?:[^`\\]|\\[\s\S])*)`|‘([^’]*)’|“([^”]*)”/g;
const MACRO = /\$__(timeFilter|timeInterval)\(\s*([A-Za-z_][\w.]*)\s*\)/g;

const escapedSql = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\0', '');

const instant = (ms: number): string => `fromUnixTimestamp64Milli(toInt64(${Math.round(ms)}))`;
const seconds = (ms: number): string => `INTERVAL ${Math.max(1, Math.round(ms / 1000))} SECOND`;

/**
 * Values become literals (`'a', 'b'` when there are several, as `IN ($name)` wants it); inside
 * quotes they are escaped. Comments stay as they are.
 */
export function sql(text: string, chosen: Values, moment: Moment): string {
  const range = moment.to - moment.from;
  const syntax: Readonly<Record<string, string>> = {
    __interval: seconds(moment.step),
    __rate_interval: seconds(moment.rate),
    __interval_s: String(Math.max(1, Math.round(moment.step / 1000))),
    __range_s: String(Math.round(range / 1000)),
    __from: String(moment.from),
    __to: String(moment.to),
    __environmentFilter: moment.environment
      ? `environment = '${escapedSql(moment.environment)}'`
      : 'true',
  };
  const values: Values = {
    ...Object.fromEntries(Object.entries(syntax).map(([name, each]) => [name, [each]])),
    ...chosen,
    __environment: [moment.environment],
  };
  const plain: Written = (name, given) =>
    (Object.hasOwn(syntax, name) && syntax[name]) ||
    given.map((each) => `'${escapedSql(each)}'`).join(', ') ||
    "''";
  const outside = (part: string): string =>
    put(
      part.replace(MACRO, (_, macro: string, column: string) =>
        macro === 'timeFilter'
          ? `(${column} >= ${instant(moment.from)} AND ${column} < ${instant(moment.to)})`
          : `toStartOfInterval(${column}, ${seconds(moment.step)})`,
      ),
      values,
      plain,
    );
  let out = '';
  let at = 0;
  for (const found of text.matchAll(SQL)) {
    out += outside(text.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[1] !== undefined) out += found[1];
    else if (found[3] !== undefined)
      out += `'${put(found[3], values, (name, given) => escapedSql(one(name, given)))}'`;
    else {
      const inside = (found[4] ?? found[5] ?? found[6] ?? found[7]) as string;
      out += found[0].charAt(0) + put(inside, values, words) + found[0].slice(-1);
    }
  }
  return out + outside(text.slice(at));
}

// Searches, words, addresses

const quoted = (value: string): string => value.replaceAll('\\', '\\\\').replaceAll('"', '\\"');

/** A search over logs: several values are any of them. */
export function search(text: string, chosen: Values): string {
  let out = '';
  let at = 0;
  const outside = (part: string): string =>
    put(part, chosen, (_, given) => {
      const parts = given.map((each) => `"${quoted(each)}"`);
      return parts.length > 1 ? `(${parts.join(' OR ')})` : (parts[0] ?? '""');
    });
  for (const found of text.matchAll(/"((?:[^"\\]|\\[\s\S])*)"/g)) {
    out += outside(text.slice(at, found.index));
    at = found.index + found[0].length;
    out += `"${put(found[1] as string, chosen, (name, given) => quoted(one(name, given)))}"`;
  }
  return out + outside(text.slice(at));
}

/** Titles. */
export const title = (text: string, chosen: Values): string =>
  put(text, chosen, (_, given) => given.join(', '));

const SIGNS = /[\\`*_{}[\]<>()#+\-.!|~]/g;

/** Markdown: a value is text, whatever signs it holds. */
export const markdown = (text: string, chosen: Values): string =>
  put(text, chosen, (_, given) => given.join(', ').replace(/\s+/g, ' ').replace(SIGNS, '\\$&'));

/** An address: values fill a part of it and cannot lead elsewhere. */
export const address = (text: string, chosen: Values, moment: Moment): string =>
  put(text, { ...moments(moment), ...chosen }, (_, given) => encodeURIComponent(given.join(',')));
