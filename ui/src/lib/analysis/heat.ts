/** The picture of durations over time: its geometry, and how it is painted. */
import type { Durations, Point } from './asked';

/** The room around the picture, in CSS pixels. */
export const ROOM = { left: 60, right: 118, top: 8, bottom: 22 } as const;

export interface Frame {
  readonly from: number;
  readonly to: number;
  /** Milliseconds at the bottom and at the top. */
  readonly low: number;
  readonly high: number;
}

export function frameOf(data: Durations, from: number, to: number): Frame {
  return { from, to, low: data.edges_ms[0] as number, high: data.edges_ms.at(-1) as number };
}

/** Shares of the width and height, from the left and from the top. */
export const across = (frame: Frame, time: number): number =>
  (time - frame.from) / Math.max(1, frame.to - frame.from);
export const down = (frame: Frame, ms: number): number =>
  1 - Math.log(Math.max(ms, frame.low) / frame.low) / Math.log(frame.high / frame.low);
export const timeAt = (frame: Frame, share: number): number =>
  frame.from + share * (frame.to - frame.from);
export const durationAt = (frame: Frame, share: number): number =>
  frame.low * (frame.high / frame.low) ** (1 - share);

const DECADES = [1, 10, 100] as const;
const UNITS = [1e-6, 1e-3, 1, 1e3] as const;

/** Round durations for the axis: 1 ms, 10 ms, 100 ms … */
export function decades({ low, high }: Frame): number[] {
  return UNITS.flatMap((unit) => DECADES.map((each) => each * unit)).filter(
    (each) => each >= low && each <= high,
  );
}

export interface Cell {
  readonly ok: number;
  readonly error: number;
}

/** Pixels that words take from top to bottom. */
const LINE = 13;

export interface Mark {
  readonly name: string;
  readonly at: number;
}

/** Where half, nearly all and almost all spans end. */
export function marksOf(data: Durations): Mark[] {
  const found = [
    { name: 'P50', at: data.p50_ms },
    { name: 'P95', at: data.p95_ms },
    { name: 'P99', at: data.p99_ms },
  ];
  return found.filter((each): each is Mark => each.at !== null);
}

/** Of marks, lowest first, those whose words do not lie over those of one below. */
export function named(marks: readonly Mark[], frame: Frame, height: number): Mark[] {
  const found: Mark[] = [];
  for (const mark of marks) {
    const below = found.at(-1);
    if (!below || (down(frame, below.at) - down(frame, mark.at)) * height >= LINE) found.push(mark);
  }
  return found;
}

/** The spans of each row, all times together. */
export function byRow(data: Durations): Cell[] {
  const rows = Array.from({ length: data.edges_ms.length - 1 }, () => ({ ok: 0, error: 0 }));
  data.row.forEach((row, index) => {
    const into = rows[row];
    if (!into) return;
    into.ok += data.ok[index] ?? 0;
    into.error += data.error[index] ?? 0;
  });
  return rows;
}

export function cellAt(data: Durations, time: number, ms: number): (Cell & Box) | null {
  const column = Math.floor((time - data.start_ms) / data.step_ms);
  const row = data.edges_ms.findIndex((edge, index) => {
    const next = data.edges_ms[index + 1];
    return next !== undefined && ms >= edge && ms < next;
  });
  if (row < 0 || column < 0 || column >= data.columns) return null;
  const index = data.column.findIndex((each, at) => each === column && data.row[at] === row);
  return {
    ok: data.ok[index] ?? 0,
    error: data.error[index] ?? 0,
    from: data.start_ms + column * data.step_ms,
    to: data.start_ms + (column + 1) * data.step_ms,
    min: data.edges_ms[row] as number,
    max: data.edges_ms[row + 1] as number,
  };
}

export interface Box {
  readonly from: number;
  readonly to: number;
  readonly min: number;
  readonly max: number;
}

/** The point nearest to a place, if one is near. */
export function nearest(
  points: readonly Point[],
  frame: Frame,
  at: { x: number; y: number },
  size: { width: number; height: number },
  reach = 9,
): Point | null {
  let [best, least]: [Point | null, number] = [null, reach];
  for (const each of points) {
    const dx = across(frame, each.time_ms) * size.width - at.x;
    const dy = down(frame, each.duration_ms) * size.height - at.y;
    const far = Math.hypot(dx, dy);
    if (far < least) [best, least] = [each, far];
  }
  return best;
}

export interface Colors {
  readonly ground: string;
  readonly ok: string;
  readonly error: string;
  readonly ink: string;
}

const channels = (hex: string): number[] =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));

export function mixed(a: string, b: string, share: number): string {
  const [one, two] = [channels(a), channels(b)];
  const sum = one.map((value, at) => Math.round(value + ((two[at] ?? 0) - value) * share));
  return `#${sum.map((each) => each.toString(16).padStart(2, '0')).join('')}`;
}

/** Counts reach over magnitudes: the logarithm tells them apart, and one is never nothing. */
function strength(count: number, most: number): number {
  return 0.2 + 0.8 * (Math.log1p(count) / Math.log1p(most));
}

export function paint(
  canvas: HTMLCanvasElement,
  size: { width: number; height: number },
  frame: Frame,
  data: Durations,
  points: readonly Point[],
  colors: Colors,
  cells: boolean,
): void {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(size.width * scale);
  canvas.height = Math.round(size.height * scale);
  const pen = canvas.getContext('2d');
  if (!pen) return;
  pen.scale(scale, scale);
  if (cells) paintCells(pen, size, frame, data, colors);
  for (const each of points) paintPoint(pen, size, frame, each, colors, !cells);
}

const LEAST_PART = 0.3;

function paintCells(
  pen: CanvasRenderingContext2D,
  size: { width: number; height: number },
  frame: Frame,
  data: Durations,
  colors: Colors,
): void {
  const most = Math.max(1, ...data.ok.map((ok, index) => ok + (data.error[index] ?? 0)));
  data.column.forEach((column, index) => {
    const [ok, error] = [data.ok[index] ?? 0, data.error[index] ?? 0];
    const row = data.row[index] as number;
    const start = data.start_ms + column * data.step_ms;
    const left = Math.max(0, across(frame, start) * size.width);
    const right = Math.min(size.width, across(frame, start + data.step_ms) * size.width);
    const top = down(frame, data.edges_ms[row + 1] as number) * size.height;
    const bottom = down(frame, data.edges_ms[row] as number) * size.height;
    const [width, height] = [Math.max(1, right - left - 0.5), Math.max(1, bottom - top - 0.5)];
    pen.fillStyle = mixed(colors.ground, colors.ok, strength(ok + error, most));
    pen.fillRect(left, top, width, height);
    if (!error) return;
    // One failure among many is what one looks for: its part of the cell is never too thin to see.
    const part = Math.max(LEAST_PART, error / (ok + error));
    pen.fillStyle = mixed(colors.ground, colors.error, Math.max(0.6, strength(error, most)));
    pen.fillRect(left, top, width * part, height);
  });
}

/** A failed span is a diamond, any other a dot. */
function paintPoint(
  pen: CanvasRenderingContext2D,
  size: { width: number; height: number },
  frame: Frame,
  point: Point,
  colors: Colors,
  alone: boolean,
): void {
  const x = across(frame, point.time_ms) * size.width;
  const y = down(frame, point.duration_ms) * size.height;
  if (x < 0 || x > size.width) return;
  const radius = alone ? 2.5 : 1.25;
  pen.beginPath();
  if (point.error) {
    const reach = radius + 1.5;
    pen.moveTo(x, y - reach);
    pen.lineTo(x + reach, y);
    pen.lineTo(x, y + reach);
    pen.lineTo(x - reach, y);
    pen.closePath();
  } else pen.arc(x, y, radius, 0, Math.PI * 2);
  pen.globalAlpha = alone || point.error ? 0.8 : 0.38;
  pen.fillStyle = point.error ? colors.error : alone ? colors.ok : colors.ink;
  pen.fill();
  pen.globalAlpha = 1;
}
