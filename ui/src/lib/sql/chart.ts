/** An answer as a chart: a course over time, or bars by name. Says why where it cannot be one. */
import type { components } from '#lib/api/schema.d.ts';
import type { ChartSeries, Token, Value } from '#lib/charts/series.ts';

export type Answer = components['schemas']['SqlAnswer'];

export interface Course {
  readonly kind: 'course';
  readonly start: number;
  readonly step: number;
  readonly to: number;
  readonly series: readonly ChartSeries[];
  readonly leftOut: number;
}

export interface Bars {
  readonly kind: 'bars';
  readonly value: string;
  readonly bars: readonly { readonly name: string; readonly value: number }[];
  readonly leftOut: number;
}

export type Drawn =
  Course | Bars | { readonly kind: 'none'; readonly why: 'rows' | 'numbers' | 'times' };

const COLORS: readonly Token[] = ['c1', 'c2', 'c3', 'c5', 'c4', 'c6', 'c7', 'c8'];
const MOST_BARS = 40;
const MOST_STEPS = 5000;

export const numberOf = (value: unknown): Value => {
  const found = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof found === 'number' && Number.isFinite(found) ? found : null;
};

/** Moments are written in UTC, with or without a zone. */
export function momentOf(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const text = value.replace(' ', 'T').replace(/(\.\d{3})\d+/, '$1');
  const found = Date.parse(
    /Z$|[+-]\d\d:?\d\d$/.test(text) || text.length <= 10 ? text : `${text}Z`,
  );
  return Number.isFinite(found) ? found : null;
}

export function draw(answer: Answer): Drawn {
  if (!answer.rows.length) return { kind: 'none', why: 'rows' };
  const of = (...types: string[]): number[] =>
    answer.columns.flatMap((column, index) => (types.includes(column.type) ? [index] : []));
  const numbers = of('int', 'float', 'decimal');
  if (!numbers.length) return { kind: 'none', why: 'numbers' };
  const [time] = of('time', 'date');
  const names = answer.columns.flatMap((_, index) =>
    index !== time && !numbers.includes(index) ? [index] : [],
  );
  return time === undefined ? bars(answer, names, numbers) : course(answer, time, names, numbers);
}

const nameOf = (row: readonly unknown[], names: readonly number[]): string =>
  names
    .map((index) => {
      const value = row[index];
      return typeof value === 'string' ? value : JSON.stringify(value ?? null);
    })
    .join(' ');

function bars(answer: Answer, names: number[], numbers: number[]): Drawn {
  const [first] = numbers as [number];
  // Without a name the first number is one: statuses, hours of a day.
  const [by, value] = names.length ? [names, first] : [[first], numbers[1] ?? first];
  const found = answer.rows.map((row, index) => ({
    name: nameOf(row, by) || String(index + 1),
    value: numberOf(row[value]) ?? 0,
  }));
  return {
    kind: 'bars',
    value: answer.columns[value]?.name ?? '',
    bars: found.slice(0, MOST_BARS),
    leftOut: Math.max(0, found.length - MOST_BARS),
  };
}

function course(answer: Answer, time: number, names: number[], numbers: number[]): Drawn {
  const times = [...new Set(answer.rows.flatMap((row) => momentOf(row[time]) ?? []))].sort(
    (a, b) => a - b,
  );
  const [start] = times;
  if (start === undefined) return { kind: 'none', why: 'times' };
  const gaps = times.slice(1).map((each, index) => each - (times[index] as number));
  const end = times.at(-1) as number;
  const least = gaps.length ? Math.min(...gaps) : 60_000;
  const step = Math.max(1, least, (end - start) / MOST_STEPS);
  const length = Math.round((end - start) / step) + 1;
  const series = new Map<string, Value[]>();
  for (const row of answer.rows) {
    const at = momentOf(row[time]);
    if (at === null) continue;
    for (const number of numbers) {
      const label = answer.columns[number]?.name ?? '';
      const name = names.length
        ? nameOf(row, names) + (numbers.length > 1 ? ` ${label}` : '')
        : label;
      let values = series.get(name);
      if (!values) series.set(name, (values = new Array<Value>(length).fill(null)));
      values[Math.round((at - start) / step)] = numberOf(row[number]);
    }
  }
  const total = (values: Value[]): number =>
    values.reduce<number>((sum, each) => sum + Math.abs(each ?? 0), 0);
  const ranked = [...series].sort((a, b) => total(b[1]) - total(a[1]));
  return {
    kind: 'course',
    start,
    step,
    to: start + length * step,
    series: ranked.slice(0, COLORS.length).map(([name, values], index) => ({
      name,
      values,
      color: COLORS[index] as Token,
      fill: ranked.length === 1,
    })),
    leftOut: Math.max(0, ranked.length - COLORS.length),
  };
}

/** The answer as CSV (RFC 4180); a leading quote keeps spreadsheets from running what a cell says. */
export function csvOf(answer: Answer): string {
  const cell = (value: unknown): string => {
    const text =
      value === null || value === undefined
        ? ''
        : typeof value === 'string'
          ? value
          : JSON.stringify(value);
    const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const lines = [answer.columns.map((each) => each.name), ...answer.rows];
  return lines.map((line) => line.map(cell).join(',')).join('\r\n') + '\r\n';
}
