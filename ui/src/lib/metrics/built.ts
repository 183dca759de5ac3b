/**
 * Expressions that are put together by choosing: a quantile of an aggregation of a function over a
 * range of a selector. What `build` writes, `unbuild` reads.
 */

export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export interface Built {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  readonly call: string;
  readonly range: string;
  readonly aggregation: string;
  readonly by: readonly string[];
  /** Of a histogram, `0.95`; empty for none. */
  readonly quantile: string;
}

export const RANGED = ['rate', 'increase', 'delta', 'avg_over_time', 'max_over_time', 'min_over_time', 'sum_over_time', 'count_over_time', 'last_over_time', 'changes'] as const; // prettier-ignore
export const SUMMING = ['sum', 'avg', 'min', 'max', 'count'] as const;

/** Where the builder begins. */
export const NOTHING_BUILT: Built = { metric: '', matchers: [], call: '', range: '$__rate_interval', aggregation: '', by: [], quantile: '' }; // prettier-ignore

const METRIC = /^[A-Za-z_:][\w:]*$/;
const LABEL = /^[A-Za-z_]\w*$/;
const labelText = (label: string): string => (LABEL.test(label) ? label : JSON.stringify(label));

export function build(parts: Built): string {
  if (!parts.metric) return '';
  const matchers = parts.matchers
    .filter((each) => each.label)
    .map((each) => `${labelText(each.label)}${each.op}${JSON.stringify(each.value)}`);
  const plain = METRIC.test(parts.metric);
  const inner = plain ? matchers : [JSON.stringify(parts.metric), ...matchers];
  const selector = (plain ? parts.metric : '') + (inner.length ? `{${inner.join(', ')}}` : '');
  const called = parts.call ? `${parts.call}(${selector}[${parts.range}])` : selector;
  const by = parts.by.length ? ` by (${parts.by.map(labelText).join(', ')})` : '';
  const summed = parts.aggregation ? `${parts.aggregation}${by} (${called})` : called;
  return parts.quantile ? `histogram_quantile(${parts.quantile}, ${summed})` : summed;
}

/** Pieces of an expression, each with the space after it. */
const PIECE = {
  quantile: /histogram_quantile\s*\(\s*([\d.]+)\s*,\s*/y,
  aggregation: new RegExp(String.raw`(${SUMMING.join('|')})\s*(?=by\b|\()`, 'y'),
  by: /by\s*\(\s*/y,
  call: new RegExp(String.raw`(${RANGED.join('|')})\s*(?=\()`, 'y'),
  metric: /([A-Za-z_:][\w:]*)\s*/y,
  label: /([A-Za-z_]\w*)\s*/y,
  quoted: /("(?:[^"\\]|\\.)*")\s*/y,
  operator: /(=~|!~|!=|=)\s*/y,
  range: /\[\s*([^\]:\s]+)\s*\]\s*/y,
  comma: /,\s*/y,
  open: /\(\s*/y,
  close: /\)\s*/y,
  brace: /\{\s*/y,
  end: /\}\s*/y,
} as const;

/** It is none that was built. */
class Strange extends Error {}

/** The parts of an expression that the builder could have made; nothing for any other. */
export function unbuild(expression: string): Built | null {
  try {
    return parts(expression.trim());
  } catch (error) {
    // An escape that only PromQL has is none of JSON's.
    if (error instanceof Strange || error instanceof SyntaxError) return null;
    throw error;
  }
}

function parts(text: string): Built {
  let at = 0;
  const take = (piece: keyof typeof PIECE): string | undefined => {
    const pattern = PIECE[piece];
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) return undefined;
    at = pattern.lastIndex;
    return found[1] ?? found[0];
  };
  const need = (piece: keyof typeof PIECE): string => {
    const found = take(piece);
    if (found === undefined) throw new Strange();
    return found;
  };
  const quoted = (): string | undefined => {
    const found = take('quoted');
    return found === undefined ? undefined : (JSON.parse(found) as string);
  };
  const label = (): string => {
    const found = take('label') ?? quoted();
    if (found === undefined) throw new Strange();
    return found;
  };
  /** What stands between commas up to an end. */
  const list = (end: 'close' | 'end', one: () => void): void => {
    while (take(end) === undefined) {
      one();
      if (take('comma') === undefined) return void need(end);
    }
  };

  const quantile = take('quantile') ?? '';
  const aggregation = take('aggregation') ?? '';
  const by: string[] = [];
  if (aggregation && take('by')) list('close', () => by.push(label()));
  if (aggregation) need('open');
  const call = take('call') ?? '';
  if (call) need('open');
  let metric = take('metric') ?? '';
  const matchers: Matcher[] = [];
  if (take('brace'))
    list('end', () => {
      const name = label();
      const op = take('operator');
      if (op !== undefined) {
        const value = quoted();
        if (value === undefined) throw new Strange();
        matchers.push({ label: name, op: op as Matcher['op'], value });
      } else if (metric) throw new Strange();
      else metric = name;
    });
  const range = call ? need('range') : NOTHING_BUILT.range;
  for (const each of [call, aggregation, quantile]) if (each) need('close');
  if (at < text.length || !metric) throw new Strange();
  return { metric, matchers, call, range, aggregation, by, quantile };
}

const isBuckets = (metric: string): boolean => metric.endsWith('_bucket');

/** The same with a quantile, and with what that asks for: the buckets, or native histograms. */
export function withQuantile(parts: Built, quantile: string): Built {
  if (!quantile) return { ...parts, quantile };
  const le = isBuckets(parts.metric) && !parts.by.includes('le') ? ['le'] : [];
  return {
    ...parts,
    quantile,
    call: parts.call || 'rate',
    aggregation: 'sum',
    by: [...le, ...parts.by],
  };
}

/** What one most likely wants to see of a metric of a type. */
export function suggest(metric: string, type: string): string {
  const base: Built = { ...NOTHING_BUILT, metric };
  if (type === 'histogram' && !/_(?:sum|count)$/.test(metric))
    return build(withQuantile(base, '0.95'));
  const counter = type === 'counter' || /_(?:total|bucket|count|sum)$/.test(metric);
  if (counter && type !== 'gauge') return build({ ...base, call: 'rate', aggregation: 'sum' });
  return build(base);
}

/** What a heat map asks in the place of a figure of a histogram: all of its buckets. */
export function buckets(expression: string): string {
  const found = unbuild(expression);
  if (!found || !(isBuckets(found.metric) || found.quantile)) return expression;
  return build({ ...withQuantile({ ...found, by: [] }, '1'), quantile: '' });
}
