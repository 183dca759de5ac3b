/** Rate, errors and p95 of calls in words. */
import { milliseconds, percent, rate } from '#lib/format.ts';
import type { Figures } from './graph';

export const p95Of = (figures: Figures): string =>
  figures.p95_ms === null ? '–' : milliseconds(figures.p95_ms);

/** 12.3 /s · 0.4 % · 120 ms; a share of zero says nothing and is left out. */
export function brief(figures: Figures | null): string {
  if (!figures) return '';
  const parts = [rate(figures.rate)];
  if (figures.error_rate > 0) parts.push(percent(figures.error_rate));
  if (figures.p95_ms !== null) parts.push(milliseconds(figures.p95_ms));
  return parts.join(' · ');
}

/** Without errors, which stand beside the name on the map: 12.3 /s · 120 ms. */
export const pace = (figures: Figures | null): string =>
  brief(figures && { ...figures, error_rate: 0 });
