/** What one panel shows: asked while it is in sight, old answers stay until new ones are there. */
import { ApiError } from '#lib/api/client.ts';
import { query, type Query as Asking } from '#lib/api/query.svelte.ts';
import { saved } from '#lib/search/saved.svelte.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';
import { ask, type Asked, type Told } from './ask';
import type { Choices } from './choices.svelte.ts';
import { millis, momentOf, pointsOf } from './interval';
import { Unfit, promql, search, sql, title, uses, type Moment } from './substitute';
import type { Panel, Query } from './types';

type Failed = Extract<Told, { kind: 'failed' }>;

interface Input {
  readonly asked: readonly Asked[];
  readonly moment: Moment;
  readonly project: string;
  readonly flaw: string;
}

export interface PanelData {
  readonly told: readonly Told[] | undefined;
  readonly moment: Moment;
  readonly loading: boolean;
  readonly dim: boolean;
  /** Of a question that failed, or could not be put. */
  readonly errors: readonly ApiError[];
  readonly failed: readonly Failed[];
  readonly asked: readonly Asked[];
  readonly reload: () => Promise<void>;
}

const text = (query: Query): string => query.promql || query.sql || query.logs || '';

function asks(panel: Panel, query: Query, choices: Choices, moment: Moment): Asked {
  const { values } = choices;
  const legend = title(query.legend, values);
  if (query.sql) return { kind: 'sql', text: sql(query.sql, values, moment), legend };
  if (query.promql) {
    // What sums up the whole range is one figure: its course would ask for the range at each step.
    const whole = panel.kind === 'stat' && uses(query.promql, '__range');
    const instant =
      whole || panel.kind === 'table' || (panel.kind === 'bar' && panel.reduce === 'last');
    const kind = instant ? 'instant' : 'range';
    const { letter, typed } = query;
    return { kind, text: promql(query.promql, values, moment), legend, letter, typed };
  }
  const kept = query.saved_search
    ? saved.all.find((each) => each.name === query.saved_search)
    : undefined;
  const word = (name: string): string => {
    const value = kept?.spec[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    kind: 'logs',
    text: kept ? word('query') : search(query.logs ?? '', values),
    legend,
    service: word('service'),
  };
}

const same = (a: Input, b: Input): boolean =>
  JSON.stringify([a.asked.map((each) => [each.kind, each.legend]), a.project, a.flaw]) ===
    JSON.stringify([b.asked.map((each) => [each.kind, each.legend]), b.project, b.flaw]) &&
  a.moment.step === b.moment.step &&
  a.moment.environment === b.moment.environment &&
  a.moment.to - a.moment.from === b.moment.to - b.moment.from &&
  a.asked.every((each, index) => each.kind === 'sql' || each.text === b.asked[index]?.text);

export function panelData(
  panel: () => Panel,
  chosen: () => Choices,
  interval: () => string,
  told: () => string,
  inSight: () => boolean,
): PanelData {
  const input = (): Input | null => {
    const shown = panel();
    const project = view.project?.slug;
    if (!inSight() || !project || !shown.queries.length || !told()) return null;
    const asking = shown.queries.filter(
      (each) => text(each).trim() || each.logs !== null || each.saved_search,
    );
    const choices = chosen();
    if (!choices.ready(...asking.map(text), ...asking.map((each) => each.legend))) return null;
    const moment = momentOf(
      view.window,
      view.environment,
      pointsOf(shown.w),
      millis(interval()),
      millis(told()),
    );
    try {
      return {
        asked: asking.map((each) => asks(shown, each, choices, moment)),
        moment,
        project,
        flaw: '',
      };
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      const flaw = t.dashboards.unfitWhy[error.why](error.variable);
      return { asked: [], moment, project, flaw };
    }
  };
  const made: Asking<Input, readonly Told[]> = query(
    input,
    async ({ asked, moment, project, flaw }, signal) => {
      if (flaw) throw new ApiError(0, 'variable_unfit', flaw);
      return ask(asked, moment, project, signal);
    },
    same,
  );
  const now = $derived(
    momentOf(
      view.window,
      view.environment,
      pointsOf(panel().w),
      millis(interval()),
      millis(told()),
    ),
  );
  const moment = $derived(made.input?.moment ?? now);
  const dim = $derived.by(() => {
    if (!made.stale || !made.input) return false;
    const asked = input();
    return asked !== null && !same(made.input, asked);
  });
  const failed = $derived(
    (made.data ?? []).filter((each): each is Failed => each.kind === 'failed'),
  );
  return {
    get told() {
      return made.data;
    },
    get moment() {
      return moment;
    },
    get loading() {
      return made.loading;
    },
    get dim() {
      return dim;
    },
    get errors() {
      return made.error ? [made.error] : failed.map((each) => each.error);
    },
    get failed() {
      return failed;
    },
    get asked() {
      return made.input?.asked ?? [];
    },
    reload: made.reload,
  };
}
