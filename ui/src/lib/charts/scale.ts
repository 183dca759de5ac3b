/** Axes that read well: round ticks, a top just above the data, units on every figure. */
import { bytes, count, milliseconds, percent, short } from '#lib/format.ts';
import { byMinute, decimal, temporal, type Step } from './steps';
import { isPanelUnit, panelText, stepsOf, type PanelUnit } from './units';

/** `minute`: a rate so low that it reads better by the minute. */
type KnownUnit = 'rate' | 'minute' | 'share' | 'ms' | 'count' | 'number' | 'bytes' | 'throughput';
export type ChartUnit = KnownUnit | PanelUnit;

/** The smallest top of an axis, so that silence is a flat line and not noise. */
const LEAST: Record<KnownUnit, number> = {
  rate: 0.1,
  minute: 0.1 / 60,
  share: 0.01,
  ms: 1,
  count: 4,
  bytes: 1000,
  number: 0.001,
  throughput: 1000,
};

const STEPS: Partial<Record<KnownUnit, Step>> = {
  minute: byMinute,
  ms: temporal(1000),
  count: (rough) => Math.max(1, Math.ceil(decimal(rough))),
};

/** The ticks from 0 to a round top at or above `highest`, about `wanted` steps apart. */
export function ticks(highest: number, unit: ChartUnit, wanted = 3): number[] {
  const least = isPanelUnit(unit) ? (highest > 0 ? 0 : 1) : LEAST[unit];
  const reach = Math.max(Number.isFinite(highest) ? highest : 0, least);
  const step = (isPanelUnit(unit) ? stepsOf(unit) : (STEPS[unit] ?? decimal))(reach / wanted);
  const steps = Math.max(1, Math.ceil(reach / step - 1e-9));
  const top = unit === 'share' ? Math.min(1, steps * step) : steps * step;
  const found = Array.from({ length: steps + 1 }, (_, index) => +(index * step).toPrecision(12));
  return found.filter((each) => each <= top + 1e-12);
}

/** A value as the legend and the table write it. */
export function written(value: number | null | undefined, unit: ChartUnit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (isPanelUnit(unit)) return panelText(value, unit);
  if (unit === 'rate') return `${short(value)}\u00a0/s`;
  if (unit === 'minute') return `${short(value * 60)}\u00a0/min`;
  if (unit === 'share') return percent(value);
  if (unit === 'ms') return milliseconds(value);
  if (unit === 'bytes') return bytes(value);
  if (unit === 'throughput') return `${bytes(value)}/s`;
  return unit === 'number' ? short(value) : count(value);
}

/** A value as an axis writes it: short, with its unit. */
export function tickText(value: number, unit: ChartUnit): string {
  if (value === 0) return '0';
  return unit === 'count' ? short(value) : written(value, unit);
}

const pad = (value: number): string => String(value).padStart(2, '0');

/** A moment on a time axis: the clock, and the date where a day begins. */
export function timeText(ms: number, stepMs: number, language: string): string {
  const date = new Date(ms);
  const midnight = date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0;
  if (stepMs >= 86_400_000 || (midnight && stepMs >= 60_000))
    return new Intl.DateTimeFormat(language, { day: 'numeric', month: 'short' }).format(date);
  const text = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (stepMs >= 60_000) return text;
  const seconds = `${text}:${pad(date.getSeconds())}`;
  return stepMs >= 1000 ? seconds : `${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

const TIME_STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5,
  36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5,
] as const;

/** Round moments between two, in the viewer's zone, at most `most` of them. */
export function timeTicks(from: number, to: number, most: number): { at: number[]; step: number } {
  const rough = (to - from) / Math.max(1, most);
  const step = TIME_STEPS.find((each) => each >= rough) ?? 2_592_000_000;
  const offset = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - offset) / step) * step + offset;
  const at: number[] = [];
  // A figure at the very edge would be cut.
  for (let each = first; each <= to - (to - from) / (most * 5); each += step) at.push(each);
  return { at, step };
}
