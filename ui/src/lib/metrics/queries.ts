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

const NAMED = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\$([a-h])\b/g;

/** The expression with the others in the place of their letters; an error names the letter at fault. */
export function expand(
  letter: Letter,
  queries: readonly Asked[],
  above: readonly Letter[] = [],
): { text: string } | { circle: Letter } | { missing: Letter } {
  if (above.includes(letter)) return { circle: letter };
  const own = queries.find((each) => each.letter === letter);
  if (!own?.expression.trim()) return { missing: letter };
  let fault: { circle: Letter } | { missing: Letter } | null = null;
  const text = own.expression.replace(NAMED, (whole, named: Letter | undefined) => {
    if (!named) return whole;
    const inner = expand(named, queries, [...above, letter]);
    if ('text' in inner) return `(${inner.text})`;
    fault ??= inner;
    return whole;
  });
  return fault ?? { text };
}

/** What the builder puts together: aggregation of a function over a range of a selector. */
export interface Built {
  readonly metric: string;
  readonly matchers: readonly Matcher[];
  readonly call: string;
  readonly range: string;
  readonly aggregation: string;
  readonly by: readonly string[];
}

export interface Matcher {
  readonly label: string;
  readonly op: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export const RANGED = ['rate', 'increase', 'delta', 'avg_over_time', 'max_over_time', 'min_over_time', 'sum_over_time', 'count_over_time', 'last_over_time', 'changes'] as const; // prettier-ignore

const PLAIN = /^[A-Za-z_:][\w:]*$/;

/** Where the builder begins. */
export const NOTHING_BUILT: Built = { metric: '', matchers: [], call: '', range: '$__rate_interval', aggregation: '', by: [] }; // prettier-ignore

export function build(parts: Built): string {
  if (!parts.metric) return '';
  const matchers = parts.matchers
    .filter((each) => each.label)
    .map((each) => `${labelText(each.label)}${each.op}${JSON.stringify(each.value)}`);
  const plain = PLAIN.test(parts.metric);
  const inner = plain ? matchers : [JSON.stringify(parts.metric), ...matchers];
  const selector = (plain ? parts.metric : '') + (inner.length ? `{${inner.join(', ')}}` : '');
  const called = parts.call ? `${parts.call}(${selector}[${parts.range}])` : selector;
  if (!parts.aggregation) return called;
  const by = parts.by.length ? ` by (${parts.by.map(labelText).join(', ')})` : '';
  return `${parts.aggregation}${by} (${called})`;
}

const labelText = (label: string): string =>
  /^[A-Za-z_]\w*$/.test(label) ? label : JSON.stringify(label);

const NAME = String.raw`[A-Za-z_:][\w:]*`;
const OUTER = new RegExp(
  String.raw`^(?:(sum|avg|min|max|count)\s*(?:by\s*\(([^()]*)\)\s*)?\(\s*)?(?:(${RANGED.join('|')})\s*\(\s*)?(${NAME})\s*(?:\{((?:[^{}"]|"(?:[^"\\]|\\.)*")*)\})?\s*(?:\[([^\]:]+)\])?\s*(\)?)\s*(\)?)$`,
);
const PAIR = /\s*([A-Za-z_]\w*)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")\s*(?:,|$)/y;

/** The parts of an expression that the builder could have made; nothing for any other. */
export function unbuild(expression: string): Built | null {
  const found = OUTER.exec(expression.trim());
  if (!found) return null;
  const [, aggregation = '', by = '', call = '', metric = '', braces = '', range = '', a = '', b = ''] = found; // prettier-ignore
  if (Number(!!aggregation) + Number(!!call) !== a.length + b.length || !!call !== !!range)
    return null;
  const matchers: Matcher[] = [];
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < braces.length) {
    const pair = PAIR.exec(braces);
    if (!pair) return null;
    const [, label = '', op = '=', text = '""'] = pair;
    try {
      matchers.push({ label, op: op as Matcher['op'], value: JSON.parse(text) as string });
    } catch {
      return null; // an escape that only PromQL has
    }
  }
  const grouped = by
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
  if (grouped.some((each) => !/^[A-Za-z_]\w*$/.test(each))) return null;
  return { metric, matchers, call, range: range || '$__rate_interval', aggregation, by: grouped };
}

/** What one most likely wants to see of a metric of a type. */
export function suggest(metric: string, type: string): string {
  const base: Built = { ...NOTHING_BUILT, metric };
  if (type === 'histogram' && metric.endsWith('_bucket'))
    return `histogram_quantile(0.95, ${build({ ...base, call: 'rate', aggregation: 'sum', by: ['le'] })})`;
  if (type === 'histogram' && !/_(?:sum|count)$/.test(metric))
    return `histogram_quantile(0.95, ${build({ ...base, call: 'rate', aggregation: 'sum' })})`;
  const counter = type === 'counter' || /_(?:total|bucket|count|sum)$/.test(metric);
  if (counter && type !== 'gauge') return build({ ...base, call: 'rate', aggregation: 'sum' });
  return build(base);
}
