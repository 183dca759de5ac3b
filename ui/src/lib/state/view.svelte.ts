/**
 * The URL is the view. Project (`project`), environment (`env`), time range (`t`) and
 * whether it follows live (`live=off`) stand in every address of the application, so a
 * link shows a colleague the same thing. Pages read `view`, change it with `view.set`
 * and build links with `href`; a page's own parameters go the same way (`view.param`).
 */
import { goto } from '$app/navigation';
import { page } from '$app/state';
import { parse, printUrl } from '#lib/time/grammar.ts';
import {
  DEFAULT_RANGE,
  between,
  freeze,
  isOpen,
  isRelative,
  resolve,
  shift,
  zoomOut,
  type Range,
  type Window,
} from '#lib/time/range.ts';
import { defaults } from './defaults.svelte.ts';
import { session } from './session.svelte.ts';

export type Changes = Record<string, string | number | boolean | null | undefined>;

const ALL = '*';

/** What every address carries along when one goes to another page. */
const GLOBAL = ['project', 'env', 't', 'live'];

function apply(search: URLSearchParams, changes: Changes): URLSearchParams {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === '' || value === false)
      search.delete(name);
    else search.set(name, value === true ? '1' : String(value));
  }
  return search;
}

function text(search: URLSearchParams): string {
  // ":" and "," are allowed in a query and far better to read.
  const out = search.toString().replace(/%3A/g, ':').replace(/%2C/g, ',');
  return out ? `?${out}` : '';
}

class View {
  /** The moment that `now` in a range means; moves when data may have arrived. */
  now = $state(Date.now());

  readonly project = $derived.by(() => {
    const asked = page.url.searchParams.get('project');
    const known = session.current?.projects ?? [];
    return known.find((each) => each.slug === asked) ?? known[0] ?? null;
  });
  /** Empty means all of them; `env=*` says so where the project opens with one. */
  readonly environment = $derived.by(() => {
    const asked = page.url.searchParams.get('env') ?? defaults.of(this.project?.slug).environment;
    return asked === ALL ? '' : asked;
  });
  readonly #time = $derived(page.url.searchParams.get('t') ?? '');
  readonly range: Range = $derived(
    (this.#time && parse(this.#time, Date.now())) || defaults.of(this.project?.slug).range,
  );
  readonly window: Window = $derived(resolve(this.range, this.now));
  readonly relative = $derived(isRelative(this.range));
  /** Does the view follow what arrives? */
  readonly live = $derived(isOpen(this.range) && page.url.searchParams.get('live') !== 'off');

  /** The parameters every telemetry read takes. */
  get scope(): { project: string; environment: string; from: number; to: number } {
    const { from, to } = this.window;
    return { project: this.project?.slug ?? '', environment: this.environment, from, to };
  }

  /** One parameter of the page's own. */
  param(name: string, otherwise = ''): string {
    return page.url.searchParams.get(name) ?? otherwise;
  }

  /** Change parameters of this address; nothing, '' and false remove one. */
  set(changes: Changes, { replace = false } = {}): void {
    const search = apply(new URLSearchParams(page.url.search), changes);
    const next = page.url.pathname + text(search);
    if (next === page.url.pathname + page.url.search) return;
    void goto(next, { replace, reset: false });
  }

  setEnvironment(name: string): void {
    const own = defaults.of(this.project?.slug).environment;
    this.set({ env: name === own ? null : name || ALL });
  }

  setRange(range: Range): void {
    this.refresh();
    this.set({ t: printUrl(range), live: null });
  }

  setWindow(from: number, to: number): void {
    this.setRange(between(Math.round(from), Math.round(to)));
  }

  freeze = (): void => this.setRange(freeze(this.range, this.now));
  earlier = (): void => this.setRange(shift(this.range, this.now, -1));
  later = (): void => this.setRange(shift(this.range, this.now, 1));
  zoomOut = (): void => this.setRange(zoomOut(this.range, this.now));

  /** Stop following, or follow again (a range that ended in the past becomes one that ends now). */
  toggleLive = (): void => {
    if (this.live) this.set({ live: 'off' });
    else if (isOpen(this.range)) {
      this.refresh();
      this.set({ live: null });
    } else this.setRange(DEFAULT_RANGE);
  };

  /** Move `now` to now: relative ranges slide and every query that reads them runs again. */
  refresh = (): void => {
    this.now = Date.now();
  };
}

export const view = new View();

/** An address of this application with the view carried along. */
export function href(path: string, params: Changes = {}): string {
  const search = new URLSearchParams();
  for (const name of GLOBAL) {
    const value = page.url.searchParams.get(name);
    if (value) search.set(name, value);
  }
  return path + text(apply(search, params));
}

/** This address with some parameters changed: for tabs, sort heads and side panels. */
export function hrefWith(changes: Changes): string {
  return page.url.pathname + text(apply(new URLSearchParams(page.url.search), changes));
}
