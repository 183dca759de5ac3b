/** Histograms over time as rows of cells: of classic buckets (`le`), or of native histograms. */
import { highest, lowest, type Value } from '#lib/charts/series.ts';
import type { Sampled, Told } from './ask';
import { called, unique } from './series';
import type { Moment } from './substitute';

export interface HeatRow {
  /** The upper end of the bucket, or the name of the series. */
  readonly name: string;
  readonly edge: number | null;
  readonly values: readonly Value[];
}

export interface Heat {
  /** From the lowest up. */
  readonly rows: readonly HeatRow[];
  readonly columns: number;
  /** At most 0, at least 0. */
  readonly lowest: number;
  readonly highest: number;
}

/** More rows than pixels to show them in say nothing. */
const MOST_ROWS = 200;

export function heat(told: readonly Told[], moment: Moment): Heat {
  const columns = Math.round((moment.to - moment.from) / moment.step) + 1;
  const place = (seconds: number): number =>
    Math.round((seconds * 1000 - moment.from) / moment.step);
  const result = told.flatMap((each) => (each.kind === 'prom' ? each.result : []));
  const rows = result.some((each) => each.histograms)
    ? native(result, columns, place)
    : result.some((each) => each.metric['le'] !== undefined)
      ? classic(result, columns, place)
      : plain(told, columns, place);
  const lists = rows.map((each) => each.values);
  return { rows, columns, lowest: Math.min(0, lowest(lists)), highest: highest(lists) };
}

const FAINTEST = 0.12;

/**
 * How dark a cell is, from 0 to 1. A bucket that counts nothing is empty; of a series a 0 is a
 * value like others, and only what was not told is empty.
 */
export function shade(
  { lowest: low, highest: high }: Heat,
  { edge }: HeatRow,
  value: Value,
): number {
  if (value === null || (edge !== null && value <= 0)) return 0;
  // The square root keeps few visible beside many.
  const share = high > low ? Math.sqrt((value - low) / (high - low)) : 0;
  return FAINTEST + (1 - FAINTEST) * share;
}

type Place = (seconds: number) => number;

/** Buckets count everything up to their edge: a row is what the one below does not count. */
function classic(result: readonly Sampled[], columns: number, place: Place): HeatRow[] {
  const sums = new Map<number, number[]>();
  const known = new Set<number>();
  for (const { metric, values = [] } of result) {
    const edge = metric['le'] === '+Inf' ? Infinity : Number(metric['le']);
    if (Number.isNaN(edge)) continue;
    let row = sums.get(edge);
    if (!row) sums.set(edge, (row = new Array<number>(columns).fill(0)));
    for (const [seconds, text] of values) {
      const at = place(seconds);
      const value = Number(text);
      if (at < 0 || at >= columns || !Number.isFinite(value)) continue;
      row[at] = (row[at] as number) + value;
      known.add(at);
    }
  }
  const edges = [...sums.keys()].sort((a, b) => a - b);
  return edges.map((edge, index) => {
    const below = sums.get(edges[index - 1] ?? NaN);
    const values = (sums.get(edge) as number[]).map((value, at) =>
      known.has(at) ? Math.max(0, value - (below?.[at] ?? 0)) : null,
    );
    return { name: edge === Infinity ? '+Inf' : String(edge), edge, values };
  });
}

function native(result: readonly Sampled[], columns: number, place: Place): HeatRow[] {
  const rows = new Map<number, Value[]>();
  for (const { histograms = [] } of result)
    for (const [seconds, { buckets = [] }] of histograms) {
      const at = place(seconds);
      if (at < 0 || at >= columns) continue;
      for (const [, , upper, count] of buckets) {
        const edge = Number(upper);
        let row = rows.get(edge);
        if (!row) rows.set(edge, (row = new Array<Value>(columns).fill(null)));
        row[at] = (row[at] ?? 0) + Number(count);
      }
    }
  const edges = [...rows.keys()].sort((a, b) => a - b);
  // Several neighbours share a row when there are too many.
  const size = Math.max(1, Math.ceil(edges.length / MOST_ROWS));
  const out: HeatRow[] = [];
  for (let at = 0; at < edges.length; at += size) {
    const group = edges.slice(at, at + size);
    const edge = group.at(-1) as number;
    const values = Array.from({ length: columns }, (_, column) =>
      group.reduce<Value>((sum, each) => {
        const value = rows.get(each)?.[column] ?? null;
        return value === null ? sum : (sum ?? 0) + value;
      }, null),
    );
    out.push({ name: String(edge), edge, values });
  }
  return out;
}

/** Series without buckets: each is a row under its name. */
function plain(told: readonly Told[], columns: number, place: Place): HeatRow[] {
  const all = told.flatMap((each) => {
    if (each.kind !== 'prom') return [];
    const named = called(each, told.length > 1);
    return each.result.map(({ values = [] }, index) => ({ name: named[index] as string, values }));
  });
  return unique(all.slice(0, MOST_ROWS)).map(({ name, values }) => {
    const row = new Array<Value>(columns).fill(null);
    for (const [seconds, text] of values) {
      const at = place(seconds);
      const value = Number(text);
      if (at >= 0 && at < columns && Number.isFinite(value)) row[at] = value;
    }
    return { name, edge: null, values: row };
  });
}
