/**
 * The language of the time field, English and French at once:
 *
 *     -1h   15m   1h30m   last 2 days   -24h..now   -2h..-1h
 *     2026-11-21   2026-11   2026-11-21 09:00..10:30   09:00..10:30
 *     2026-11-21T08:00Z..2026-11-21T09:30Z
 *     today   yesterday   last monday   this week   last month   hier   lundi dernier
 *
 * `parse` is tolerant, `print` gives the one canonical text, and parsing what was printed
 * gives the same range (tests/grammar). In an address instants are UTC (`printUrl`), so
 * that a frozen link means the same to a colleague elsewhere.
 */
import { NOW, between, type Point, type Range, type Step, type Unit, type Word } from './range';

const UNIT_WORDS: Record<string, Unit> = {
  s: 's', sec: 's', secs: 's', second: 's', seconds: 's', seconde: 's', secondes: 's',
  m: 'm', min: 'm', mins: 'm', minute: 'm', minutes: 'm',
  h: 'h', hr: 'h', hrs: 'h', hour: 'h', hours: 'h', heure: 'h', heures: 'h',
  d: 'd', day: 'd', days: 'd', j: 'd', jour: 'd', jours: 'd',
  w: 'w', week: 'w', weeks: 'w', sem: 'w', semaine: 'w', semaines: 'w',
  mo: 'M', month: 'M', months: 'M', mois: 'M',
  y: 'y', year: 'y', years: 'y', an: 'y', ans: 'y', année: 'y', années: 'y',
}; // prettier-ignore

const WORDS: Record<string, Word> = {
  today: 'today',
  "aujourd'hui": 'today',
  yesterday: 'yesterday',
  hier: 'yesterday',
  'this week': 'this-week',
  'cette semaine': 'this-week',
  'last week': 'last-week',
  'semaine dernière': 'last-week',
  'semaine derniere': 'last-week',
  'this month': 'this-month',
  'ce mois': 'this-month',
  'last month': 'last-month',
  'mois dernier': 'last-month',
};

const DAYS_EN = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const DAYS_FR = ['dimanche', 'lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi'];
for (const [index, name] of DAYS_EN.entries()) {
  const word = `last-${name}` as Word;
  const french = DAYS_FR[index] as string;
  for (const text of [name, `last ${name}`, `last ${name.slice(0, 3)}`]) WORDS[text] = word;
  for (const text of [french, `${french} dernier`]) WORDS[text] = word;
}

const DURATION = /(\d+)\s*([a-zé]+)/gu;
const RELATIVE =
  /^(?:-|last |past |dernier(?:s|es|ère)? |ces )?\s*((?:\d+\s*[a-zé]+[\s,]*)+)( ago)?$/u;
const DATE = /^(\d{4})-(\d{1,2})(?:-(\d{1,2}))?(?:[t\s]+(.+))?$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(z)?$/;

function steps(text: string): Step[] | null {
  const match = RELATIVE.exec(text);
  if (!match) return null;
  const found: Step[] = [];
  for (const [, count, word] of (match[1] as string).matchAll(DURATION)) {
    const unit = UNIT_WORDS[word as string];
    if (!unit || Number(count) > 100_000) return null;
    found.push({ count: Number(count), unit });
  }
  return found.length && found.some((step) => step.count > 0) ? found : null;
}

interface Clock {
  readonly parts: readonly [number, number, number, number];
  readonly utc: boolean;
}

function clock(text: string): Clock | null {
  const match = CLOCK.exec(text);
  if (!match) return null;
  const [h, m, s] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  if (h > 24 || m > 59 || s > 59) return null;
  return { parts: [h, m, s, Number((match[4] ?? '').padEnd(3, '0'))], utc: Boolean(match[5]) };
}

interface Moment {
  readonly ms: number;
  /** The end of what was named: the next day for a date, the next month for a month. */
  readonly until: number;
}

function moment(text: string, base: number): Moment | null {
  const only = clock(text);
  if (only) {
    const date = new Date(base);
    const ms = date.setHours(...only.parts);
    return { ms, until: ms };
  }
  const match = DATE.exec(text);
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3] ?? 1)];
  const made = new Date(year, month, day);
  if (made.getMonth() !== month || made.getDate() !== day) return null;
  if (match[4]) {
    const time = clock(match[4]);
    if (!time || !match[3]) return null;
    const ms = time.utc
      ? Date.UTC(year, month, day, ...time.parts)
      : new Date(year, month, day, ...time.parts).getTime();
    return { ms, until: ms };
  }
  const until = match[3] ? new Date(year, month, day + 1) : new Date(year, month + 1, 1);
  return { ms: made.getTime(), until: until.getTime() };
}

const isNow = (text: string): boolean => text === 'now' || text === 'maintenant' || text === '';

function point(text: string, base: number, end: boolean): Point | null {
  if (isNow(text)) return NOW;
  const relative = steps(text);
  if (relative) return { kind: 'ago', steps: relative };
  const at = moment(text, base);
  return at ? { kind: 'at', ms: end ? at.until : at.ms } : null;
}

/** The range a text means, or null when it means none. */
export function parse(input: string, now: number): Range | null {
  const text = input
    .trim()
    .toLowerCase()
    .replace(/[−–—]/g, '-')
    .replace(/[’]/g, "'")
    .replace(/…|\.{3}/g, '..')
    .replace(/\s+/g, ' ');
  if (!text) return null;
  const plain = text.replace(/^(?:la |le |l')/, '');
  const word = WORDS[plain] ?? WORDS[plain.replace(/-/g, ' ')];
  if (word) return { kind: 'word', word };

  const ends = text.split(/ ?\.\. ?| to | à | - (?=\S)/);
  if (ends.length === 1) {
    const relative = steps(text);
    if (relative) return { kind: 'span', from: { kind: 'ago', steps: relative }, to: NOW };
    const at = moment(text, now);
    if (!at) return null;
    if (at.until > at.ms) return between(at.ms, at.until);
    return at.ms < now ? { kind: 'span', from: { kind: 'at', ms: at.ms }, to: NOW } : null;
  }
  if (ends.length !== 2) return null;
  const [left, right] = ends as [string, string];
  if (!left) return null;
  const from = point(left, now, false);
  if (!from || from === NOW) return null;
  const to = point(right, from.kind === 'at' ? from.ms : now, true);
  if (!to) return null;
  if (from.kind === 'at' && to.kind === 'at' && to.ms <= from.ms) return null;
  return { kind: 'span', from, to };
}

const pad = (value: number, width = 2): string => String(value).padStart(width, '0');

function clockText(h: number, m: number, s: number, ms: number): string {
  const tail = ms ? `:${pad(s)}.${pad(ms, 3)}` : s ? `:${pad(s)}` : '';
  return `${pad(h)}:${pad(m)}${tail}`;
}

function localDay(date: Date): string {
  return `${pad(date.getFullYear(), 4)}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
}

function localClock(date: Date): string {
  return clockText(date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds());
}

function relativeText(steps: readonly Step[]): string {
  if (!steps.length) return 'now';
  return '-' + steps.map(({ count, unit }) => `${count}${unit === 'M' ? 'mo' : unit}`).join('');
}

function atMidnight(date: Date): boolean {
  return date.getTime() === new Date(date).setHours(0, 0, 0, 0);
}

function absoluteText(fromMs: number, toMs: number): string {
  const [from, to] = [new Date(fromMs), new Date(toMs)];
  if (atMidnight(from) && atMidnight(to)) {
    const last = new Date(to.getFullYear(), to.getMonth(), to.getDate() - 1);
    const [first, end] = [localDay(from), localDay(last)];
    return first === end ? first : `${first}..${end}`;
  }
  const sameDay = localDay(from) === localDay(to);
  const right = sameDay ? localClock(to) : `${localDay(to)} ${localClock(to)}`;
  return `${localDay(from)} ${localClock(from)}..${right}`;
}

function pointText(point: Point): string {
  if (point.kind === 'ago') return relativeText(point.steps);
  const date = new Date(point.ms);
  return `${localDay(date)} ${localClock(date)}`;
}

/** The canonical text, in the viewer's zone; `words` gives the names in their language. */
export function print(range: Range, words?: Record<Word, string>): string {
  if (range.kind === 'word') return words?.[range.word] ?? range.word.replace('-', ' ');
  const { from, to } = range;
  if (from.kind === 'at' && to.kind === 'at') return absoluteText(from.ms, to.ms);
  if (from.kind === 'ago' && to.kind === 'ago' && !to.steps.length) return relativeText(from.steps);
  return `${pointText(from)}..${pointText(to)}`;
}

function urlPoint(point: Point): string {
  if (point.kind === 'ago') return relativeText(point.steps);
  const date = new Date(point.ms);
  const day = date.toISOString().slice(0, 10);
  const [h, m, s, ms] = [
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
    date.getUTCMilliseconds(),
  ];
  return `${day}T${clockText(h, m, s, ms)}Z`;
}

/** The text for an address: no blanks, instants in UTC. */
export function printUrl(range: Range): string {
  if (range.kind === 'word') return range.word;
  const { from, to } = range;
  if (from.kind === 'ago' && to.kind === 'ago' && !to.steps.length) return relativeText(from.steps);
  return `${urlPoint(from)}..${urlPoint(to)}`;
}
