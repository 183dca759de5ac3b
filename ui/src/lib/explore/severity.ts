/** Severities of log records: a word, a colour and a shape each, by the OpenTelemetry numbers. */
import type { Token } from '#lib/charts/series.ts';

export const SEVERITIES = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const SEVERITY_COLOR: Record<Severity, Token> = {
  fatal: 'p0',
  error: 'p0',
  warn: 'p1',
  info: 'p2',
  debug: 'p3',
  trace: 'ink-3',
};

/** What is drawn beside the word. */
export const SEVERITY_SHAPE: Record<Severity, string> = {
  fatal: 'M6 .5 11.5 6 6 11.5.5 6zM6 3.6v2.8M6 8v.6',
  error: 'M6 .8 11.2 6 6 11.2.8 6z',
  warn: 'M6 1.2 11.4 10.6H.6z',
  info: 'M2 2h8v8H2z',
  debug: 'M1.5 4.8h9v2.4h-9z',
  trace: 'M6 4a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
};

const BY_NUMBER: readonly Severity[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const WORDS: Record<string, Severity> = {
  critical: 'fatal',
  crit: 'fatal',
  emergency: 'fatal',
  panic: 'fatal',
  err: 'error',
  warning: 'warn',
  information: 'info',
  notice: 'info',
  unspecified: 'trace',
};

/** The severity of a record by its number, else by its word; nothing said is `info`. */
export function severityOf(text: string, number = 0): Severity {
  if (number >= 1 && number <= 24) return BY_NUMBER[Math.floor((number - 1) / 4)] as Severity;
  const word = text.trim().toLowerCase().replace(/\d+$/, '');
  return SEVERITIES.find((each) => each === word) ?? WORDS[word] ?? 'info';
}
