/**
 * The attributes shown as columns of the log, with their order and width, as the address holds
 * them: `cols=http.route:200,tenant`.
 */
export interface LogColumn {
  readonly name: string;
  readonly width: number;
}

export const WIDTH = 120;
const LEAST = 48;
const MOST = 800;
const MOST_COLUMNS = 20;

export function readColumns(text: string): LogColumn[] {
  const columns: LogColumn[] = [];
  for (const part of text.split(',')) {
    const [, name = '', size] = /^(.*?)(?::(\d+))?$/.exec(part) ?? [];
    const twice = columns.some((each) => each.name === name);
    if (name && !twice) columns.push({ name, width: within(size ? Number(size) : WIDTH) });
  }
  return columns.slice(0, MOST_COLUMNS);
}

export function printColumns(columns: readonly LogColumn[]): string {
  return columns
    .map(({ name, width }) => (width === WIDTH && !/:\d+$/.test(name) ? name : `${name}:${width}`))
    .join(',');
}

export function toggled(columns: readonly LogColumn[], name: string): LogColumn[] {
  const rest = columns.filter((each) => each.name !== name);
  return rest.length < columns.length ? rest : [...columns, { name, width: WIDTH }];
}

export function resized(columns: readonly LogColumn[], name: string, width: number): LogColumn[] {
  return columns.map((each) => (each.name === name ? { name, width: within(width) } : each));
}

/** One place to the left (-1) or to the right (1). */
export function moved(columns: readonly LogColumn[], name: string, by: number): LogColumn[] {
  const from = columns.findIndex((each) => each.name === name);
  const to = from + by;
  const next = [...columns];
  const [column] = next.splice(from, 1);
  if (from < 0 || !column || to < 0 || to >= columns.length) return [...columns];
  next.splice(to, 0, column);
  return next;
}

const within = (width: number): number => Math.min(MOST, Math.max(LEAST, Math.round(width)));
