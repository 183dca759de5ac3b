/**
 * Units that a person chooses for a panel. A figure of an unknown unit carries it behind, as it was
 * written. `panelUnit` makes a chart's unit of a name and a number of decimals.
 */
import { bytes, count, duration, fixed, percent, rate, short } from '#lib/format.ts';
import { language } from '#lib/i18n/index.svelte.ts';
import { binary, byMinute, decimal, temporal, type Step } from './steps';

export type PanelUnit = `unit:${string}`;

const NB = '\u00a0';
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const BITS = ['bit', 'kbit', 'Mbit', 'Gbit', 'Tbit'] as const;

interface Known {
  readonly text: (value: number, decimals: number | null) => string;
  /** The steps of an axis, where tens are not what reads well. */
  readonly step?: Step;
}

const figure = (value: number, decimals: number | null): string =>
  decimals === null ? short(value) : fixed(value, decimals);

function scaled(value: number, by: number, names: readonly string[], d: number | null): string {
  let [size, step] = [value, 0];
  while (Math.abs(size) >= by * 0.9995 && step < names.length - 1) {
    size /= by;
    step++;
  }
  return figure(size, d) + NB + (names[step] as string);
}

const octets = (name: string): string =>
  language.current === 'fr' ? name.replace('B', 'o') : name;

/** Nanoseconds of one; with chosen decimals, and of nothing at all, the unit stays what it is. */
const time = (ns: number, unit: string): Known => ({
  text: (value, decimals) => {
    if (decimals !== null) return fixed(value, decimals) + NB + unit;
    return value === 0 ? `0${NB}${unit}` : duration(value * ns);
  },
  step: temporal(1e9 / ns),
});

const behind =
  (unit: string): Known['text'] =>
  (value, decimals) =>
    figure(value, decimals) + NB + unit;

const SLOW = 'per_second, slow';
const LOW_RATE = 0.2;

const KNOWN: Readonly<Record<string, Known>> = {
  '': { text: figure },
  count: { text: (value, decimals) => (decimals === null ? count(value) : fixed(value, decimals)) },
  percent: {
    text: (value, decimals) =>
      decimals === null ? percent(value / 100) : fixed(value, decimals) + NB + '%',
  },
  share: {
    text: (value, decimals) =>
      decimals === null ? percent(value) : fixed(value * 100, decimals) + NB + '%',
  },
  seconds: time(1e9, 's'),
  milliseconds: time(1e6, 'ms'),
  microseconds: time(1e3, 'µs'),
  nanoseconds: time(1, 'ns'),
  minutes: time(60e9, 'min'),
  hours: time(3600e9, 'h'),
  days: time(86_400e9, 'd'),
  bytes: {
    text: (value, decimals) =>
      decimals === null
        ? bytes(value)
        : scaled(value, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB'].map(octets), decimals),
  },
  bytes_iec: { text: (value, d) => scaled(value, 1024, IEC.map(octets), d), step: binary },
  bits: { text: (value, d) => scaled(value, 1000, BITS, d) },
  bytes_per_second: { text: (value) => `${bytes(value)}/s` },
  bytes_iec_per_second: {
    text: (value, d) => `${scaled(value, 1024, IEC.map(octets), d)}/s`,
    step: binary,
  },
  bits_per_second: { text: (value, d) => `${scaled(value, 1000, BITS, d)}/s` },
  per_second: { text: (value, d) => (d === null ? rate(value) : fixed(value, d) + NB + '/s') },
  // A rate so low that it reads better by the minute, wherever the axis stands.
  [SLOW]: { text: (value, d) => figure(value * 60, d) + NB + '/min', step: byMinute },
  per_minute: { text: behind('/min') },
  hertz: { text: (value, d) => scaled(value, 1000, ['Hz', 'kHz', 'MHz', 'GHz'], d) },
};

/** What a form offers; anything else may be typed. */
export const UNITS: readonly string[] = Object.keys(KNOWN).filter((name) => name && name !== SLOW);

export const panelUnit = (name: string, decimals: number | null = null): PanelUnit =>
  `unit:${decimals ?? ''}:${name}`;

/** The unit of a chart whose highest value is this. */
export const chartUnit = (name: string, decimals: number | null, highest: number): PanelUnit =>
  panelUnit(name === 'per_second' && highest > 0 && highest < LOW_RATE ? SLOW : name, decimals);

function parts(unit: PanelUnit): [Known, number | null] {
  const [, decimals = '', ...rest] = unit.split(':');
  const name = rest.join(':');
  const known = Object.hasOwn(KNOWN, name) ? (KNOWN[name] as Known) : { text: behind(name) };
  return [known, decimals === '' ? null : Number(decimals)];
}

export const isPanelUnit = (unit: string): unit is PanelUnit => unit.startsWith('unit:');

export function panelText(value: number, unit: PanelUnit): string {
  const [known, decimals] = parts(unit);
  return known.text(value, decimals);
}

/** The round steps of an axis; with chosen decimals the unit does not change on the way up. */
export function stepsOf(unit: PanelUnit): Step {
  const [{ step = decimal }, decimals] = parts(unit);
  return decimals === null || step === byMinute ? step : decimal;
}
