/** The unit of what an expression answers, as far as the metric in it and the calls around it tell. */
import type { Token, TokenKind } from '#lib/editor/language.ts';
import { unbuild } from './built.ts';
import { tokens } from './promql.ts';

interface Described {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
}

/** Units of metrics, as senders name them, and what charts call them. */
const UNITS: Readonly<Record<string, string>> = { seconds: 'seconds', s: 'seconds', milliseconds: 'milliseconds', ms: 'milliseconds', bytes: 'bytes', By: 'bytes', ratio: 'share', percent: 'percent', '%': 'percent' }; // prettier-ignore
/** A second of them; seconds in each second are a number of things at once. */
const A_SECOND: Readonly<Record<string, string>> = { count: 'per_second', bytes: 'bytes_per_second' }; // prettier-ignore

const RATES = new Set(['rate', 'irate', 'deriv']);
/** Calls whose answer is in the unit of what they are given. */
const SAME = new Set(['increase', 'delta', 'idelta', 'avg_over_time', 'min_over_time', 'max_over_time', 'sum_over_time', 'quantile_over_time', 'last_over_time', 'first_over_time', 'stddev_over_time', 'histogram_quantile', 'histogram_avg', 'histogram_sum', 'abs', 'ceil', 'floor', 'round', 'clamp', 'clamp_min', 'clamp_max', 'sort', 'sort_desc', 'label_replace', 'label_join', 'predict_linear']); // prettier-ignore
const COUNTS = new Set(['count', 'count_values', 'count_over_time', 'changes', 'resets', 'histogram_count']); // prettier-ignore
const KEEPING = new Set(['sum', 'avg', 'min', 'max', 'topk', 'bottomk', 'quantile', 'stddev', 'limitk', 'by', 'without', 'offset', 'inf', 'nan']); // prettier-ignore

/** As names of metrics end by Prometheus' convention, where nobody told the unit. */
const NAMED: readonly (readonly [RegExp, string])[] = [
  [/_(?:milliseconds|ms)(?:_|$)/, 'milliseconds'],
  [/_seconds(?:_|$)/, 'seconds'],
  [/_bytes(?:_|$)/, 'bytes'],
  [/_ratio$/, 'share'],
];

/** Of the samples of the metric; those that count are numbers of something. */
function ownUnit({ name, type, unit }: Described, quantile: boolean): string {
  if (/_count$/.test(name) && (type === 'histogram' || type === 'summary')) return 'count';
  if (/_bucket$/.test(name) && !quantile) return 'count';
  const told = UNITS[unit] ?? NAMED.find(([pattern]) => pattern.test(name))?.[1];
  return told ?? (type === 'counter' || /_total$/.test(name) ? 'count' : '');
}

/** Without what is in quotes, braces and brackets: signs of arithmetic are left. */
const bare = (expression: string): string =>
  expression
    .replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|#.*/g, '')
    .replace(/\{[^{}]*\}|\[[^[\]]*\]/g, '');

const of = (pieces: readonly Token[], kind: TokenKind): string[] => [
  ...new Set(pieces.filter((each) => each.kind === kind).map(({ text }) => text)),
];

/** The metrics that an expression asks for. */
export function metricsIn(expression: string): string[] {
  const built = unbuild(expression)?.metric;
  return [...new Set([...of(tokens(expression), 'name'), ...(built ? [built] : [])])];
}

/**
 * Empty where it cannot be told: where there is arithmetic, more than one metric, or a call that
 * answers something else.
 */
export function unitOf(expression: string, metrics: ReadonlyMap<string, Described>): string {
  if (/[-+*/%^<>=!]/.test(bare(expression))) return '';
  const pieces = tokens(expression);
  const [metric, ...others] = metricsIn(expression);
  if (!metric || others.length) return '';
  const calls = of(pieces, 'call');
  const words = of(pieces, 'keyword').map((each) => each.toLowerCase());
  if ([...calls, ...words].some((each) => COUNTS.has(each))) return 'count';
  if (words.some((each) => !KEEPING.has(each) && !each.startsWith('$'))) return '';
  if (calls.some((each) => !SAME.has(each) && !RATES.has(each))) return '';
  const quantile = calls.some((each) => /^histogram_(?:quantile|avg)$/.test(each));
  const own = ownUnit(metrics.get(metric) ?? { name: metric, type: '', unit: '' }, quantile);
  return quantile || !calls.some((each) => RATES.has(each)) ? own : (A_SECOND[own] ?? '');
}

/** That of all of them; nothing where they differ, for an axis has but one. */
export const sharedUnit = (units: readonly string[]): string =>
  units.every((each) => each === units[0]) ? (units[0] ?? '') : '';
