/**
 * Numbers, units and times for people, in their language; every figure carries its unit.
 * A no-break space stands between figure and unit.
 */
import { language, t } from '#lib/i18n/index.svelte.ts';

const NB = '\u00a0';
const formats = new Map<string, Intl.NumberFormat>();

function number(value: number, options: Intl.NumberFormatOptions): string {
  const id = language.locale + JSON.stringify(options);
  let format = formats.get(id);
  if (!format) formats.set(id, (format = new Intl.NumberFormat(language.locale, options)));
  return format.format(value);
}

/** Three figures that matter: 0.123, 1.23, 12.3, 123, 1,234. */
function figures(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && size < 0.01) return number(value, { maximumSignificantDigits: 2 });
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return number(value, { maximumFractionDigits: digits });
}

export interface Parts {
  readonly value: string;
  readonly unit: string;
}

export const joined = ({ value, unit }: Parts): string => (unit ? value + NB + unit : value);

/** As many decimals in every row of a column, so that the points stand below each other. */
export function fixed(value: number, digits: number): string {
  return number(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** A count in full: 1,234,567. */
export function count(value: number): string {
  return number(value, { maximumFractionDigits: 0 });
}

/** A count in short: 12.3k, 1.2M. */
export function short(value: number): string {
  if (Math.abs(value) < 10_000) return figures(value);
  return number(value, { notation: 'compact', maximumSignificantDigits: 3 });
}

export function durationParts(ns: number): Parts {
  const size = Math.abs(ns);
  if (size < 1e3) return { value: figures(ns), unit: 'ns' };
  if (size < 1e6) return { value: figures(ns / 1e3), unit: 'µs' };
  if (size < 1e9) return { value: figures(ns / 1e6), unit: 'ms' };
  if (size < 60e9) return { value: figures(ns / 1e9), unit: 's' };
  const seconds = Math.round(ns / 1e9);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  const days = Math.floor(h / 24);
  if (days) {
    const day = language.current === 'fr' ? 'j' : 'd';
    return h % 24
      ? { value: `${days}${NB}${day} ${h % 24}`, unit: 'h' }
      : { value: String(days), unit: day };
  }
  if (h) return m ? { value: `${h}${NB}h ${m}`, unit: 'min' } : { value: String(h), unit: 'h' };
  return s ? { value: `${m}${NB}min ${s}`, unit: 's' } : { value: String(m), unit: 'min' };
}

/** Nanoseconds for people: 302 ms, 1.28 s, 3 min 20 s. */
export const duration = (ns: number): string => joined(durationParts(ns));
export const milliseconds = (ms: number): string => duration(ms * 1e6);

export function rateParts(perSecond: number): Parts {
  if (perSecond !== 0 && Math.abs(perSecond) < 0.1)
    return { value: figures(perSecond * 60), unit: '/min' };
  return { value: short(perSecond), unit: '/s' };
}

export const rate = (perSecond: number): string => joined(rateParts(perSecond));

/** A share (0..1) as percent. */
export function percentParts(share: number): Parts {
  const value = share * 100;
  const digits = value !== 0 && Math.abs(value) < 0.01 ? 4 : Math.abs(value) < 10 ? 2 : 1;
  return { value: number(value, { maximumFractionDigits: digits }), unit: '%' };
}

export const percent = (share: number): string => joined(percentParts(share));

/** A change against before: +71 %, −3 %, ×9.6 when it is many times. */
export function change(now: number, before: number): string {
  if (!before || !Number.isFinite(now / before)) return '';
  const ratio = now / before;
  if (ratio >= 3) return `×${figures(ratio)}`;
  const value = Math.round((ratio - 1) * 100);
  return number(value, { signDisplay: 'exceptZero' }).replace('-', '−') + NB + '%';
}

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

export function bytesParts(size: number): Parts {
  let [value, step] = [size, 0];
  while (Math.abs(value) >= 999.5 && step < SIZES.length - 1) {
    value /= 1000;
    step++;
  }
  const unit = SIZES[step] as string;
  return { value: figures(value), unit: language.current === 'fr' ? unit.replace('B', 'o') : unit };
}

export const bytes = (size: number): string => joined(bytesParts(size));

function date(ms: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(language.locale, options).format(ms);
}

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

/** 14:06:31 in the viewer's zone; with milliseconds on request. */
export function clock(ms: number, millis = false): string {
  const d = new Date(ms);
  const text = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  return millis ? `${text}.${pad(Math.floor(ms % 1000), 3)}` : text;
}

/** 2026-11-21 14:06:31 in the viewer's zone. */
export function stamp(ms: number, millis = false): string {
  const d = new Date(ms);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${clock(ms, millis)}`;
}

/** The exact moment in both zones, for a hover. */
export function exact(ms: number): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const utc = new Date(ms).toISOString().replace('T', ' ').replace('Z', ' UTC');
  return zone === 'UTC' ? utc : `${stamp(ms, true)} ${zone}\n${utc}`;
}

export function day(ms: number): string {
  return date(ms, { day: 'numeric', month: 'short', year: 'numeric' });
}

const AGO: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** 6 min ago, in 3 days. */
export function ago(ms: number, now = Date.now()): string {
  const seconds = (ms - now) / 1000;
  const found = AGO.find(([, size]) => Math.abs(seconds) >= size);
  if (!found) return t.time.justNow;
  const format = new Intl.RelativeTimeFormat(language.locale, { numeric: 'auto', style: 'short' });
  return format.format(Math.round(seconds / found[1]), found[0]);
}
