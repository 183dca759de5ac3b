/**
 * JSON without losing digits. An integer beyond 2^53 (an order number, a snowflake id) would
 * be rounded by `JSON.parse`; here it stays what was sent, as a string of its digits. Only
 * the measures below stay numbers whatever their size, because we calculate with them and a
 * nanosecond in a hundred days does not show.
 */

const LONG = /[:[,]\s*-?\d{16,}/;
const INTEGER = /^-?\d+$/;
const MEASURES: ReadonlySet<string> = new Set([
  'critical_ns',
  'duration_ns',
  'offset_ns',
  'self_ns',
  'shift_ns',
  'slow_ns',
  'time_ns',
  'total_ms',
  'total_ns',
]);

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

const exact: Reviver = (key, value, context) => {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || MEASURES.has(key)) return value;
  const source = context?.source;
  return source !== undefined && INTEGER.test(source) ? source : value;
};

export function parseJson(text: string): unknown {
  // A reviver is several times slower, and hardly any answer needs it.
  return LONG.test(text) || INTEGER.test(text) ? JSON.parse(text, exact) : JSON.parse(text);
}
