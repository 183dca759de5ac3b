/** Durations as people type them: `250ms`, `1.5s`, `2 min`; a bare number is milliseconds. */
const UNITS: Record<string, number> = {
  '': 1,
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};

/** Milliseconds, or null when the text is no duration. */
export function parseDuration(text: string): number | null {
  const match = /^(\d+(?:[.,]\d+)?)\s*([a-zµμ]*)$/i.exec(text.trim());
  const unit = match && UNITS[(match[2] as string).toLowerCase()];
  return unit ? Number((match[1] as string).replace(',', '.')) * unit : null;
}
