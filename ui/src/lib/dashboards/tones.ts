/** Thresholds: where a value stands, in a colour with its shape and its word. */
import type { Limit } from '#lib/charts/series.ts';
import type { Token, Value } from '#lib/charts/series.ts';
import { written, type ChartUnit } from '#lib/charts/scale.ts';
import type { Threshold } from './types';

export type Tone = Threshold['tone'];

export const TOKENS: Readonly<Record<Tone, Token>> = {
  good: 'good',
  info: 'p2',
  warning: 'p1',
  critical: 'p0',
  neutral: 'ink-3',
};

/** Shapes that differ without their colour. */
export const SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M1.5 6.5 4.6 9.5 10.5 2.5',
  info: 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 1 0 0-9z',
  warning: 'M6 1.2 11.2 10.5H.8z',
  critical: 'M6 .8 11.2 6 6 11.2.8 6z',
  neutral: '',
};

export function toneOf(value: Value, thresholds: readonly Threshold[]): Tone {
  if (value === null) return 'neutral';
  let tone: Tone = 'neutral';
  for (const each of thresholds) if (each.value === null || value >= each.value) tone = each.tone;
  return tone;
}

/** The lines that a chart draws. */
export const limitsOf = (thresholds: readonly Threshold[], unit: ChartUnit): Limit[] =>
  thresholds.flatMap(({ value, tone }) =>
    value === null ? [] : [{ value, label: written(value, unit), color: TOKENS[tone] }],
  );
