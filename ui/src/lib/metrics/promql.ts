/** PromQL for the editor: coloured pieces, and what can stand at the cursor. */
import {
  fitting,
  NOTHING,
  type Completion,
  type Language,
  type Offer,
  type Token,
  type TokenKind,
} from '#lib/editor/language.ts';

/** Functions and what they answer; a text of ours, since Prometheus has none this short. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  rate: 'counter → a second, over the range',
  increase: 'counter → how much it grew over the range',
  irate: 'counter → a second, of the last two samples',
  delta: 'gauge → difference over the range',
  idelta: 'gauge → difference of the last two samples',
  deriv: 'gauge → slope a second',
  predict_linear: 'gauge → where it will be in so many seconds',
  double_exponential_smoothing: 'gauge → smoothed',
  changes: 'how often the value changed',
  resets: 'how often the counter began anew',
  histogram_quantile: 'quantile of a histogram: (0.95, sum by (le) (rate(x_bucket[5m])))',
  histogram_quantiles: 'several quantiles of a histogram',
  histogram_fraction: 'share of observations between two bounds',
  histogram_avg: 'mean of a native histogram',
  histogram_count: 'observations of a native histogram',
  histogram_sum: 'sum of a native histogram',
  histogram_stddev: 'deviation of a native histogram',
  histogram_stdvar: 'variance of a native histogram',
  avg_over_time: 'mean over the range',
  min_over_time: 'least over the range',
  max_over_time: 'greatest over the range',
  sum_over_time: 'sum over the range',
  count_over_time: 'samples in the range',
  quantile_over_time: 'quantile over the range',
  stddev_over_time: 'deviation over the range',
  stdvar_over_time: 'variance over the range',
  mad_over_time: 'median absolute deviation over the range',
  last_over_time: 'newest in the range',
  first_over_time: 'oldest in the range',
  present_over_time: '1 where there is a sample in the range',
  absent_over_time: '1 where there is none in the range',
  ts_of_max_over_time: 'when it was greatest',
  ts_of_min_over_time: 'when it was least',
  ts_of_last_over_time: 'when it was last seen',
  absent: '1 where nothing matches',
  abs: 'without its sign',
  ceil: 'rounded up',
  floor: 'rounded down',
  round: 'rounded, to a multiple',
  sgn: 'sign: −1, 0 or 1',
  clamp: 'within two bounds',
  clamp_min: 'no less than',
  clamp_max: 'no more than',
  sqrt: 'square root',
  exp: 'e to the power',
  ln: 'natural logarithm',
  log2: 'binary logarithm',
  log10: 'decimal logarithm',
  label_replace: 'a label made of another by a pattern',
  label_join: 'labels joined into one',
  info: 'labels of info metrics added',
  scalar: 'one series as a number',
  vector: 'a number as a series',
  sort: 'smallest first',
  sort_desc: 'largest first',
  sort_by_label: 'by the values of labels',
  sort_by_label_desc: 'by the values of labels, last first',
  time: 'the moment, in seconds since 1970',
  timestamp: 'when the sample was taken',
  year: 'year, UTC',
  month: 'month, UTC',
  day_of_month: 'day of the month, UTC',
  day_of_week: 'day of the week, 0 is Sunday',
  day_of_year: 'day of the year',
  days_in_month: 'days in the month',
  hour: 'hour, UTC',
  minute: 'minute, UTC',
  pi: 'π',
  acos: 'trigonometry',
  acosh: 'trigonometry',
  asin: 'trigonometry',
  asinh: 'trigonometry',
  atan: 'trigonometry',
  atanh: 'trigonometry',
  cos: 'trigonometry',
  cosh: 'trigonometry',
  sin: 'trigonometry',
  sinh: 'trigonometry',
  tan: 'trigonometry',
  tanh: 'trigonometry',
  deg: 'radians → degrees',
  rad: 'degrees → radians',
};

export const AGGREGATIONS: Readonly<Record<string, string>> = {
  sum: 'sum over series',
  avg: 'mean over series',
  min: 'least of the series',
  max: 'greatest of the series',
  count: 'how many series',
  topk: 'the k largest',
  bottomk: 'the k smallest',
  quantile: 'quantile over series',
  stddev: 'deviation over series',
  stdvar: 'variance over series',
  group: '1 for each group',
  count_values: 'how many series have each value',
  limitk: 'any k series',
  limit_ratio: 'a share of the series',
};

const WORDS = ['by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'offset', 'and', 'or', 'unless', 'atan2', 'inf', 'nan']; // prettier-ignore
const KNOWN = new Set(WORDS);
const GROUPING = new Set(['by', 'without', 'on', 'ignoring', 'group_left', 'group_right']);

const PIECE =
  /(?<comment>#[^\n]*)|(?<text>"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|`[^`]*(?:`|$))|(?<number>\b(?:0x[\da-fA-F]+|\d[\d.]*(?:e[+-]?\d+)?(?:ms|[smhdwy])?(?:\d+(?:ms|[smhdwy]))*)\b)|(?<letter>\$\w*)|(?<word>[A-Za-z_:][\w:]*)(?<rest>\s*[({])?|(?<brace>[{}])|(?<other>[\s\S])/gy;

export function tokens(text: string): Token[] {
  const found: Token[] = [];
  let braces = 0;
  let grouping = false;
  const add = (kind: TokenKind, piece: string): void => {
    const last = found.at(-1);
    if (last?.kind === 'plain' && kind === 'plain')
      found[found.length - 1] = { kind, text: last.text + piece };
    else found.push({ kind, text: piece });
  };
  for (const match of text.matchAll(PIECE)) {
    const of = match.groups as Record<string, string | undefined>;
    if (of['comment'] !== undefined) add('comment', of['comment']);
    else if (of['text'] !== undefined) add('text', of['text']);
    else if (of['number'] !== undefined) add('number', of['number']);
    else if (of['letter'] !== undefined) add('keyword', of['letter']);
    else if (of['word'] !== undefined) {
      const word = of['word'];
      const rest = of['rest'] ?? '';
      const lower = word.toLowerCase();
      const called = rest.endsWith('(');
      if (!braces && KNOWN.has(lower)) add('keyword', word);
      else if (braces || grouping) add('label', word);
      else if (lower in AGGREGATIONS && !rest.endsWith('{')) add('keyword', word);
      else add(called ? 'call' : 'name', word);
      if (rest) add('plain', rest);
      if (rest.endsWith('{')) braces++;
      if (called) grouping = GROUPING.has(lower);
    } else if (of['brace'] !== undefined) {
      braces = Math.max(0, braces + (of['brace'] === '{' ? 1 : -1));
      add('plain', of['brace']);
    } else {
      if (of['other'] === ')') grouping = false;
      add('plain', of['other'] ?? '');
    }
  }
  return found;
}

/** What completion knows of this project. Labels and values may come a moment after they are asked for. */
export interface Known {
  readonly metrics: readonly Offer[];
  readonly labels: (metric: string) => readonly string[];
  readonly values: (metric: string, label: string) => readonly string[];
}

const IN_TEXT = /([A-Za-z_][\w.]*|"[^"]+")\s*(?:=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)$/;
const OPEN_BRACE = /(?:([A-Za-z_:][\w:]*)\s*)?\{[^{}]*$/;
const OPEN_GROUP = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*$/i;
const GROUPED = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/gi;
const METRIC = /[A-Za-z_:][\w:]*(?=\s*(?:\{|\[|\)|$|[-+*/%^,=!<>]))/g;

/** The metric whose labels are meant: that of the open brace, else the first one named. */
function metricOf(text: string, before: string): string {
  const braced = OPEN_BRACE.exec(before)?.[1];
  if (braced) return braced;
  const bare = text.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(GROUPED, '');
  const names = (bare.match(METRIC) ?? []).filter(
    (each) => !(each in FUNCTIONS) && !(each in AGGREGATIONS) && !KNOWN.has(each),
  );
  return names[0] ?? '';
}

function complete(text: string, cursor: number, asked: boolean, known: Known): Completion {
  const before = text.slice(0, cursor);
  const inText = IN_TEXT.exec(before);
  if (inText) {
    const [, label = '', begun = ''] = inText;
    const values = known.values(metricOf(text, before), label.replaceAll('"', ''));
    const offers = values.map((each) => ({ text: JSON.stringify(each).slice(1, -1), help: '' }));
    return { from: cursor - begun.length, offers: fitting(offers, begun) };
  }
  if (/"(?:[^"\\]|\\.)*$/.test(before.replace(/"(?:[^"\\]|\\.)*"/g, ''))) return NOTHING;
  const word = /[A-Za-z_:][\w:]*$/.exec(before)?.[0] ?? '';
  if (!word && !asked) return NOTHING;
  const from = cursor - word.length;
  const lead = before.slice(0, from);
  if (OPEN_BRACE.test(lead) || OPEN_GROUP.test(lead)) {
    const labels = known.labels(metricOf(text, lead)).map((each) => ({ text: each, help: '' }));
    return { from, offers: fitting(labels, word) };
  }
  const calls = Object.entries({ ...AGGREGATIONS, ...FUNCTIONS });
  const offers = [
    ...known.metrics,
    ...calls.map(([name, help]) => ({ text: `${name}(`, help })),
    ...WORDS.map((each) => ({ text: each, help: '' })),
  ];
  return { from, offers: fitting(offers, word) };
}

export function promql(known: Known): Language {
  return { tokens, complete: (text, cursor, asked) => complete(text, cursor, asked, known) };
}
