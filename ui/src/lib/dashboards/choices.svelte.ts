/**
 * What is chosen of a dashboard's variables: in the address (`var-NAME`), or else by default. A list
 * that a query gives is asked for when what it depends on is known; panels wait for what they use.
 */
import { untrack } from 'svelte';
import { SvelteMap } from 'svelte/reactivity';
import { api, asApiError, type ApiError } from '#lib/api/client.ts';
import type { Answer } from '#lib/sql/chart.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';
import { printUrl } from '#lib/time/grammar.ts';
import { labelValues } from './ask';
import { millis, momentOf } from './interval';
import { lane } from './lane';
import { filtered, readBack, written } from './several';
import { Unfit, promql, sql, usedIn, type Values } from './substitute';
import type { Option, Spec, Variable } from './types';

const ALL = '*';
const MOST = 1000;

export class Choices {
  /** What queries gave, by variable. */
  readonly lists = new SvelteMap<string, readonly Option[]>();
  readonly errors = new SvelteMap<string, ApiError>();
  #asked = new Map<string, string>();
  #aborts = new Map<string, AbortController>();

  constructor(private readonly spec: () => Spec) {}

  options(variable: Variable): readonly Option[] | undefined {
    if (variable.kind === 'custom' || variable.kind === 'interval') return variable.options;
    return variable.kind === 'text' ? [] : this.lists.get(variable.name);
  }

  /** Does the variable stand for all of its values? */
  all(variable: Variable): boolean {
    if (!variable.include_all) return false;
    const asked = view.param(`var-${variable.name}`);
    return asked ? asked === ALL : !variable.default.length;
  }

  /** Undefined as long as it must be asked for. */
  chosen(variable: Variable): readonly string[] | undefined {
    const asked = view.param(`var-${variable.name}`);
    if (variable.kind === 'text') return [asked || (variable.default[0] ?? '')];
    const options = this.options(variable);
    if (this.all(variable)) return options?.map((each) => each.value);
    if (asked) return variable.multi ? readBack(asked) : readBack(asked).slice(0, 1);
    if (variable.default.length)
      return variable.multi ? variable.default : variable.default.slice(0, 1);
    return options?.slice(0, 1).map((each) => each.value);
  }

  /** Of every variable that is known. */
  readonly values: Values = $derived.by(() => {
    const found: Record<string, readonly string[]> = {};
    for (const variable of this.spec().variables) {
      const chosen = this.chosen(variable);
      if (chosen) found[variable.name] = chosen;
    }
    return found;
  });

  /** Whether all that a text asks for is known. */
  ready(...texts: readonly string[]): boolean {
    const waiting = this.spec()
      .variables.map((each) => each.name)
      .filter((name) => !Object.hasOwn(this.values, name));
    return !waiting.length || !texts.some((text) => usedIn(text).some((n) => waiting.includes(n)));
  }

  choose(variable: Variable, values: readonly string[] | 'all'): void {
    const text = values === 'all' ? ALL : written(values);
    view.set({ [`var-${variable.name}`]: text || null }, { replace: true });
  }

  /** What every variable says, for a link. */
  get params(): Record<string, string> {
    const found: Record<string, string> = {};
    for (const variable of this.spec().variables) {
      const name = `var-${variable.name}`;
      const asked = view.param(name);
      if (asked) found[name] = asked;
    }
    return found;
  }

  /** Ask for the lists that are not known yet; in an effect. */
  follow(): void {
    const range = printUrl(view.range);
    const project = view.project?.slug;
    if (!project) return;
    for (const variable of this.spec().variables) {
      if (variable.kind !== 'labels' && variable.kind !== 'sql') continue;
      if (!this.ready(variable.query)) continue;
      let text: string;
      const moment = untrack(() =>
        momentOf(view.window, view.environment, 100, millis(this.spec().interval)),
      );
      try {
        const put = variable.kind === 'sql' ? sql : promql;
        text = put(variable.query, this.values, moment);
      } catch (error) {
        const name = error instanceof Unfit ? error.variable : variable.name;
        untrack(() =>
          this.errors.set(variable.name, asApiError(new Error(t.dashboards.unfit(name)))),
        );
        continue;
      }
      // The moment itself stands in SQL: a list is not asked for again because time passes.
      const key = JSON.stringify([
        project, variable.kind, variable.query, variable.regex, range, view.environment,
        usedIn(variable.query).map((name) => this.values[name]),
      ]); // prettier-ignore
      if (this.#asked.get(variable.name) === key) continue;
      this.#asked.set(variable.name, key);
      untrack(() => void this.#load(variable, text, moment, project));
    }
  }

  stop(): void {
    for (const abort of this.#aborts.values()) abort.abort();
  }

  async #load(
    variable: Variable,
    text: string,
    window: { from: number; to: number },
    project: string,
  ): Promise<void> {
    this.#aborts.get(variable.name)?.abort();
    const abort = new AbortController();
    this.#aborts.set(variable.name, abort);
    try {
      const found = await lane.run(
        () => options(variable, text, window, project, abort.signal),
        abort.signal,
      );
      this.lists.set(variable.name, filtered(found, variable.regex).slice(0, MOST));
      this.errors.delete(variable.name);
    } catch (error) {
      if (!abort.signal.aborted) this.errors.set(variable.name, asApiError(error));
    }
  }
}

async function options(
  variable: Variable,
  text: string,
  window: { from: number; to: number },
  project: string,
  signal: AbortSignal,
): Promise<Option[]> {
  if (variable.kind === 'sql') {
    const answer = await api<Answer>('/api/sql', {
      method: 'POST',
      params: { project },
      body: { sql: text },
      signal,
    });
    const word = (cell: unknown): string =>
      typeof cell === 'string' ? cell : cell === null ? '' : JSON.stringify(cell);
    return answer.rows.map(([value, label]) => ({ value: word(value), label: word(label ?? '') }));
  }
  const values = await labelValues(text, window, project, signal);
  if (values === null) throw new Error(t.dashboards.variables.unclear);
  return values.map((value) => ({ value, label: '' }));
}

/** The choices of a page's dashboard. */
export function choices(spec: () => Spec): Choices {
  const made = new Choices(spec);
  $effect(() => made.follow());
  $effect(() => () => made.stop());
  return made;
}
