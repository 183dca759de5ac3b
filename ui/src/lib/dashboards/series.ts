/** What Prometheus and SQL answer, as series of a chart, rows of a table and figures. */
import type { ChartUnit } from '#lib/charts/scale.ts';
import {
  highest,
  lastValue,
  telling,
  type ChartSeries,
  type Token,
  type Value,
} from '#lib/charts/series.ts';
import { chartUnit } from '#lib/charts/units.ts';
import { draw, numberOf } from '#lib/sql/chart.ts';
import type { Asked, Sampled, Told } from './ask';
import type { Moment } from './substitute';
import type { Panel } from './types';

export const COLORS: readonly Token[] = ['c1', 'c2', 'c3', 'c5', 'c4', 'c6', 'c7', 'c8'];
/** More lines than this say nothing on one chart. */
export const MOST_SERIES = 60;

export interface Line {
  readonly name: string;
  readonly values: readonly Value[];
  readonly metric: Readonly<Record<string, string>>;
  /** The letter of its query, in the explorer. */
  readonly letter?: string | undefined;
}

export interface Course {
  readonly start: number;
  readonly step: number;
  readonly from: number;
  readonly to: number;
  readonly lines: readonly Line[];
  /** How many there are beyond those drawn. */
  readonly more: number;
}

const number = (text: string): Value => {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
};

/** `{{label}}` of a legend; without one, the labels in which the series differ: `{}` has none of them. */
export function names(legend: string, result: readonly Sampled[], text: string): string[] {
  if (legend.trim())
    return result.map(({ metric }) =>
      legend.replace(/\{\{\s*([\w.:-]+)\s*\}\}/g, (_, label: string) => metric[label] ?? ''),
    );
  const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].sort();
  const differ = labels.filter(
    (label) => new Set(result.map(({ metric }) => metric[label] ?? '')).size > 1,
  );
  return result.map(({ metric }) => {
    if (result.length === 1) return metric['__name__'] ?? text;
    const parts = differ
      .filter((label) => metric[label])
      .map((label) => (label === '__name__' ? metric[label] : `${label}=${metric[label]}`));
    return (differ.length === 1 ? metric[differ[0] as string] : parts.join(' ')) || '{}';
  });
}

/** Names that differ: lists are keyed by them. */
export function unique<T extends { readonly name: string }>(list: readonly T[]): T[] {
  const known = new Map<string, number>();
  return list.map((each) => {
    const times = (known.get(each.name) ?? 0) + 1;
    known.set(each.name, times);
    return times === 1 ? each : { ...each, name: `${each.name} · ${times}` };
  });
}

/** The names of the series of a query; of several that have letters, with the query's. */
export function called(told: Told & { kind: 'prom' }, several: boolean): string[] {
  const { legend, letter, typed, text } = told.asked;
  const named = names(legend, told.result, (typed ?? text).replace(/\s+/g, ' '));
  return several && letter ? named.map((each) => `${letter} · ${each}`) : named;
}

function promLines(told: Told & { kind: 'prom' }, moment: Moment, several: boolean): Line[] {
  const length = Math.round((moment.to - moment.from) / moment.step) + 1;
  const named = called(told, several);
  return told.result.map(({ metric, values = [], value }, index) => {
    const list = new Array<Value>(length).fill(null);
    for (const [seconds, text] of value ? [value] : values) {
      const at = Math.round((seconds * 1000 - moment.from) / moment.step);
      if (at >= 0 && at < length) list[at] = number(text);
    }
    return { name: named[index] as string, values: list, metric, letter: told.asked.letter };
  });
}

/** SQL on the grid of the others: what falls into a step is its last. */
function sqlLines(told: Told & { kind: 'sql' }, moment: Moment): Line[] {
  const drawn = draw(told.answer);
  if (drawn.kind !== 'course') return [];
  const length = Math.round((moment.to - moment.from) / moment.step) + 1;
  return drawn.series.map(({ name, values }) => {
    const list = new Array<Value>(length).fill(null);
    values.forEach((value, index) => {
      // The point of a grid of Prometheus stands for the step before it.
      const at = Math.floor((drawn.start + index * drawn.step - moment.from) / moment.step) + 1;
      if (value !== null && at >= 0 && at < length) list[at] = value;
    });
    return { name, values: list, metric: {} };
  });
}

/** Everything that was told as lines over one grid. */
export function course(told: readonly Told[], moment: Moment): Course {
  const known = told.filter((each) => each.kind === 'prom' || each.kind === 'sql');
  const [only] = known;
  if (known.length === 1 && only?.kind === 'sql') {
    const drawn = draw(only.answer);
    if (drawn.kind === 'course') {
      const { start, step, series, leftOut: more } = drawn;
      const lines = series.map(({ name, values }) => ({ name, values, metric: {} }));
      return { start, step, from: moment.from, to: moment.to, lines: unique(lines), more };
    }
  }
  const all = known.flatMap((each) =>
    each.kind === 'prom' ? promLines(each, moment, told.length > 1) : sqlLines(each, moment),
  );
  return {
    start: moment.from - moment.step,
    step: moment.step,
    from: moment.from,
    to: moment.to,
    lines: unique(all.slice(0, MOST_SERIES)),
    more: Math.max(0, all.length - MOST_SERIES),
  };
}

/** The unit of a query's own figures, where the panel has none for all. */
export function ownUnit(
  letter: string | undefined,
  panel: Pick<Panel, 'unit' | 'queries'>,
): string | undefined {
  return panel.unit
    ? undefined
    : panel.queries.find((each) => letter && each.letter === letter)?.unit;
}

/** In the unit of their query where it has its own. */
function figureUnit({ letter, values }: Line, panel: Drawn): ChartUnit | undefined {
  const unit = ownUnit(letter, panel);
  return unit ? chartUnit(unit, panel.decimals, highest([values])) : undefined;
}

type Drawn = Pick<Panel, 'fill' | 'unit' | 'decimals' | 'queries'>;

/** Whether lines are to be named: one that has but the words of its query for a name is not. */
export function named(lines: readonly Line[], told: readonly Told[], label: string): boolean {
  const unnamed = told.some(
    (each) => each.kind === 'prom' && each.result.length > 0 && !each.asked.legend.trim(),
  );
  return telling(lines, label) && (lines.length > 1 || !unnamed);
}

export function chartSeries(lines: readonly Line[], panel: Drawn): ChartSeries[] {
  return lines.map((line, index) => ({
    name: line.name,
    values: line.values,
    unit: figureUnit(line, panel),
    color: COLORS[index % COLORS.length] as Token,
    fill: panel.fill,
    // Colours come round; a dash tells the second round from the first.
    dash: index >= COLORS.length ? [6, 2 + Math.floor(index / COLORS.length) * 2] : undefined,
  }));
}

export function reduced(values: readonly Value[], by: Panel['reduce']): Value {
  if (by === 'last') return lastValue(values);
  const known = values.filter((each): each is number => each !== null);
  if (by === 'count') return known.length;
  if (!known.length) return null;
  if (by === 'first') return known[0] as number;
  if (by === 'min') return Math.min(...known);
  if (by === 'max') return Math.max(...known);
  const sum = known.reduce((a, b) => a + b, 0);
  return by === 'sum' ? sum : sum / known.length;
}

/** By query, for units may differ; in each the largest last value first, and those without one at its end. */
export const ranked = <T extends { readonly values: readonly Value[] }>(
  series: readonly T[],
  lines: readonly Pick<Line, 'letter'>[],
): T[] =>
  series
    .map((each, at) => ({
      each,
      letter: lines[at]?.letter ?? '',
      last: lastValue(each.values) ?? -Infinity,
    }))
    .sort((a, b) => a.letter.localeCompare(b.letter) || (a.last === b.last ? 0 : b.last - a.last))
    .map(({ each }) => each);

const TAIL = 22;

/** A name in two parts, of which the first may be cut: labels often differ at their end only. */
export const halves = (name: string): readonly [string, string] =>
  name.length > 2 * TAIL ? [name.slice(0, -TAIL), name.slice(-TAIL)] : [name, ''];

export interface Figure {
  readonly name: string;
  readonly value: Value;
  readonly line: Line | null;
}

/** One figure for each series; of SQL without a time, one for each row. */
export function figures(told: readonly Told[], moment: Moment, by: Panel['reduce']): Figure[] {
  const bars: Figure[] = [];
  const lines: Told[] = [];
  for (const each of told) {
    const drawn = each.kind === 'sql' ? draw(each.answer) : null;
    if (each.kind === 'sql' && drawn?.kind === 'bars') {
      // A single number has no name but its column's.
      const [row] = each.answer.rows;
      if (each.answer.rows.length === 1 && row?.length === 1)
        bars.push({
          name: each.asked.legend || (each.answer.columns[0]?.name ?? ''),
          value: numberOf(row[0]),
          line: null,
        });
      else bars.push(...drawn.bars.map(({ name, value }) => ({ name, value, line: null })));
    } else lines.push(each);
  }
  const found = course(lines, moment).lines.map((line) => ({
    name: line.name,
    value: reduced(line.values, by),
    line,
  }));
  return unique([...found, ...bars]);
}

export interface Grid {
  readonly columns: readonly {
    readonly name: string;
    readonly figure: boolean;
    /** Of the query whose figures they are, in the explorer. */
    readonly letter?: string | undefined;
  }[];
  readonly rows: readonly (readonly unknown[])[];
}

const isFigure = (type: string): boolean => ['int', 'float', 'decimal'].includes(type);

/** Rows: of SQL as they are; of Prometheus by labels, a column for each query. */
export function table(told: readonly Told[]): Grid {
  const sql = told.find((each) => each.kind === 'sql');
  if (sql?.kind === 'sql')
    return {
      columns: sql.answer.columns.map(({ name, type }) => ({ name, figure: isFigure(type) })),
      rows: sql.answer.rows,
    };
  const asked = told.filter((each) => each.kind === 'prom');
  const labels = [
    ...new Set(asked.flatMap(({ result }) => result.flatMap(({ metric }) => Object.keys(metric)))),
  ].filter((label) => label !== '__name__' || asked.length === 1);
  const rows = new Map<string, unknown[]>();
  asked.forEach(({ result }, index) => {
    for (const { metric, value, values } of result) {
      const key = JSON.stringify(labels.map((label) => metric[label] ?? ''));
      let row = rows.get(key);
      if (!row) {
        row = [...labels.map((label) => metric[label] ?? ''), ...asked.map(() => null)];
        rows.set(key, row);
      }
      const point = value ?? values?.at(-1);
      row[labels.length + index] = point ? number(point[1]) : null;
    }
  });
  return {
    columns: [
      ...labels.map((name) => ({ name, figure: false })),
      ...asked.map(({ asked: each }, index) => ({
        name: columnName(each, asked.length > 1 ? `#${index + 1}` : 'value', told.length > 1),
        figure: true,
        letter: each.letter,
      })),
    ],
    rows: [...rows.values()],
  };
}

/** By its legend or its letter; a formula, which is short and has no metric of its own, by both. */
function columnName(
  { legend, letter, typed = '' }: Asked,
  otherwise: string,
  several: boolean,
): string {
  const said = legend.replace(/\{\{.*?\}\}/g, '').trim() || (/\$[a-h]\b/i.test(typed) ? typed : '');
  if (!letter || !several) return said || otherwise;
  return said ? `${letter} · ${said}` : letter;
}
