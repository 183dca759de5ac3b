/**
 * What an event says, read from the document that a Sentry SDK sent. SDKs differ in the shape of
 * almost everything, and anybody with a browser key can send anything, so nothing is taken for
 * granted: what has another type than it should is left out, what is long is cut, nothing throws.
 */

export type Pair = readonly [name: string, value: string];
export type Line = readonly [number: number, text: string, here: boolean];

export interface Frame {
  readonly name: string;
  readonly module: string;
  readonly file: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly own: boolean;
  readonly source: readonly Line[];
  readonly variables: readonly Pair[];
}

export interface Thrown {
  readonly type: string;
  readonly value: string;
  readonly module: string;
  readonly mechanism: string;
  /** Null where the SDK does not say. */
  readonly handled: boolean | null;
  /** The call that was running stands first. */
  readonly frames: readonly Frame[];
}

export interface Crumb {
  /** Milliseconds; 0 is not known. */
  readonly at: number;
  readonly category: string;
  readonly level: string;
  readonly message: string;
  readonly data: readonly Pair[];
}

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly query: string;
  readonly body: string;
  readonly headers: readonly Pair[];
  readonly cookies: readonly Pair[];
  readonly environment: readonly Pair[];
}

export interface Told {
  /** What was caught stands first, its causes after it. */
  readonly thrown: readonly Thrown[];
  readonly message: string;
  readonly crumbs: readonly Crumb[];
  readonly request: Asked | null;
  readonly user: readonly Pair[];
  readonly tags: readonly Pair[];
  readonly contexts: readonly (readonly [name: string, pairs: readonly Pair[]])[];
  readonly extra: readonly Pair[];
}

/** Frames of one kind that stand together. */
export interface Run {
  readonly own: boolean;
  readonly frames: readonly Frame[];
}

const MOST = 250;
const LONGEST = 10_000;
const LIBRARY =
  /(^|[/\\])(node_modules|site-packages|dist-packages|lib[/\\]python[\d.]+|vendor|gems)[/\\]|^node:/;

type Fields = Record<string, unknown>;

function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : {};
}

function cut(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** A text or a number; anything else says nothing. */
function text(value: unknown): string {
  if (typeof value === 'string') return cut(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

/** Anything in words. */
function said(value: unknown): string {
  if (typeof value === 'string') return cut(value);
  try {
    return cut(JSON.stringify(value) ?? '');
  } catch {
    return '';
  }
}

function whole(value: unknown): number {
  const number = typeof value === 'string' ? Number(value) : value;
  return typeof number === 'number' && Number.isInteger(number) && number > 0 ? number : 0;
}

/** A list as it is, under `values`, or a single thing that stands where a list should. */
function list(value: unknown, last = false): unknown[] {
  const found = Array.isArray(value) ? value : fields(value)['values'];
  if (Array.isArray(found)) return last ? found.slice(-MOST) : found.slice(0, MOST);
  return Object.keys(fields(value)).length && found === undefined ? [value] : [];
}

/** Names and values: an object, pairs, or objects with a key and a value. A name stands once. */
function pairs(value: unknown): Pair[] {
  const found = new Map<string, string>();
  const entries: [unknown, unknown][] = Array.isArray(value)
    ? value.slice(0, MOST).map((each: unknown) => {
        if (Array.isArray(each)) return [each[0], each[1]];
        return [fields(each)['key'] ?? fields(each)['name'], fields(each)['value']];
      })
    : Object.entries(fields(value)).slice(0, MOST);
  for (const [name, of] of entries) {
    const told = of === null || of === undefined ? '' : said(of);
    if (text(name) && told !== '') found.set(text(name), told);
  }
  return [...found];
}

function lines(value: unknown): string[] {
  return Array.isArray(value) ? value.slice(0, 50).map(text) : [];
}

function source(frame: Fields, line: number): Line[] {
  if (typeof frame['context_line'] !== 'string') return [];
  const above = lines(frame['pre_context']);
  const before = line ? above.slice(Math.max(0, above.length - line + 1)) : above;
  const shown = [...before, text(frame['context_line']), ...lines(frame['post_context'])];
  const first = line ? line - before.length : 1;
  return shown.map((each, at) => [first + at, each, at === before.length] as const);
}

/** `told`: the SDK marks what is ours, so that what it does not mark is not. */
function frame(value: unknown, told: boolean): Frame {
  const of = fields(value);
  const path = text(of['abs_path']) || text(of['filename']);
  const file = text(of['filename']) || path || text(of['package']);
  const line = whole(of['lineno']);
  return {
    name: text(of['function']) || text(of['raw_function']) || text(of['instruction_addr']),
    module: text(of['module']),
    file,
    path,
    line,
    column: whole(of['colno']),
    own: typeof of['in_app'] === 'boolean' ? of['in_app'] : !told && !LIBRARY.test(path),
    source: source(of, line),
    variables: pairs(of['vars']),
  };
}

/** SDKs send the call that was running last. */
function frames(stack: unknown): Frame[] {
  const found = fields(stack)['frames'];
  if (!Array.isArray(found)) return [];
  const told = found.some((each) => fields(each)['in_app'] === true);
  return found
    .slice(-MOST)
    .map((each) => frame(each, told))
    .reverse();
}

function thrown(value: unknown): Thrown {
  const of = fields(value);
  const mechanism = fields(of['mechanism']);
  return {
    type: text(of['type']),
    value: typeof of['value'] === 'object' ? pairsText(of['value']) : text(of['value']),
    module: text(of['module']),
    mechanism: text(mechanism['type']),
    handled: typeof mechanism['handled'] === 'boolean' ? mechanism['handled'] : null,
    frames: frames(of['stacktrace'] ?? of['raw_stacktrace']),
  };
}

const pairsText = (value: unknown): string => (value === null ? '' : said(value));

/** The stack of an event without an exception: of the thread that crashed, or its own. */
function bare(event: Fields): Thrown[] {
  const threads = list(event['threads']).map(fields);
  const crashed = threads.find((each) => each['crashed'] === true);
  const thread = crashed ?? threads.find((each) => each['current'] === true) ?? threads[0];
  const found = frames(event['stacktrace'] ?? thread?.['stacktrace']);
  const name = text(thread?.['name']);
  if (!found.length) return [];
  return [{ type: '', value: name, module: '', mechanism: '', handled: null, frames: found }];
}

/** Seconds, or a date as text. */
function moment(value: unknown): number {
  if (typeof value === 'number' && Number.isFinite(value)) return plausible(value * 1000);
  if (typeof value !== 'string') return 0;
  if (/^\d+(\.\d+)?$/.test(value)) return plausible(Number(value) * 1000);
  // Without a zone it is UTC.
  return plausible(Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(value) ? value : `${value}Z`));
}

const plausible = (ms: number): number => (ms > 0 && ms < 4e12 ? ms : 0);

function crumb(value: unknown): Crumb {
  const of = fields(value);
  const { message, data } = of;
  return {
    at: moment(of['timestamp']),
    category: text(of['category']) || text(of['type']),
    level: text(of['level']),
    message: typeof message === 'object' ? pairsText(message) : text(message),
    data: pairs(typeof data === 'string' ? { data } : data),
  };
}

function request(value: unknown): Asked | null {
  const of = fields(value);
  const query = of['query_string'];
  const found: Asked = {
    method: text(of['method']),
    url: text(of['url']),
    query:
      typeof query === 'string'
        ? cut(query)
        : pairs(query)
            .map(([name, one]) => `${name}=${one}`)
            .join('&'),
    body: of['data'] === null || of['data'] === undefined ? '' : said(of['data']),
    headers: pairs(of['headers']),
    cookies: pairs(typeof of['cookies'] === 'string' ? { cookies: of['cookies'] } : of['cookies']),
    environment: pairs(of['env']),
  };
  return Object.values(found).some((each: string | readonly Pair[]) => each.length) ? found : null;
}

function message(event: Fields): string {
  const entry = fields(event['logentry'] ?? event['message']);
  return text(entry['formatted']) || text(entry['message']) || text(event['message']);
}

/** The parts of an event that a page shows. */
export function told(payload: unknown): Told {
  const event = fields(payload);
  const chain = list(event['exception'], true)
    .map(thrown)
    .filter((each) => each.type || each.value || each.frames.length)
    .reverse();
  const seen = chain.some((each) => each.frames.length);
  return {
    thrown: seen ? chain : [...chain, ...bare(event)],
    message: message(event),
    crumbs: list(event['breadcrumbs'], true).map(crumb),
    request: request(event['request']),
    user: pairs(event['user']),
    tags: pairs(event['tags']),
    contexts: Object.entries(fields(event['contexts']))
      .slice(0, 50)
      .map(([name, value]) => [name, pairs(value).filter(([each]) => each !== 'type')] as const)
      .filter(([, found]) => found.length),
    extra: pairs(event['extra']),
  };
}

/** Frames by turns: ours, and those of libraries, which fold. A stack of libraries alone is shown. */
export function runs(all: readonly Frame[]): readonly Run[] {
  if (!all.some((each) => each.own)) return all.length ? [{ own: true, frames: all }] : [];
  const found: { own: boolean; frames: Frame[] }[] = [];
  for (const each of all) {
    const last = found.at(-1);
    if (last?.own === each.own) last.frames.push(each);
    else found.push({ own: each.own, frames: [each] });
  }
  return found;
}

/** Where a frame stands, as people write it. */
export function place({ file, line, column }: Frame): string {
  return [file, line || '', line && column ? column : ''].filter(Boolean).join(':');
}
