/** What the explorer knows of a project's metrics; labels and their values come when they are asked for. */
import { SvelteMap } from 'svelte/reactivity';
import { api } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.d.ts';
import { view } from '#lib/state/view.svelte.ts';
import { labels, names } from './prom.ts';
import type { Known } from './promql.ts';

export interface Metric {
  readonly name: string;
  readonly type: string;
  readonly unit: string;
  readonly help: string;
  readonly series: number;
}

type Spacing = components['schemas']['Spacing'];

const DAY = 86_400_000;
const QUARTER = 15 * 60_000;
/** Seconds: the pace at which OpenTelemetry tells its metrics unless it is told otherwise. */
const USUAL_SPACING = 60;

export class Knowledge implements Known {
  readonly #labels = new SvelteMap<string, readonly string[]>();
  readonly #values = new SvelteMap<string, readonly string[]>();
  readonly #spacings = new SvelteMap<string, number>();
  readonly #asked = new Set<string>();

  constructor(
    private readonly project: string,
    private readonly catalog: () => readonly Metric[],
  ) {}

  get metrics(): readonly { text: string; help: string }[] {
    return this.catalog().map((each) => ({
      text: each.name,
      help: [each.type, each.help].filter(Boolean).join(' · '),
    }));
  }

  labels = (metric: string): readonly string[] => {
    this.#once(`l ${metric}`, async () => {
      this.#labels.set(metric, await labels({ ...this.#scope, match: selector(metric) }));
    });
    return this.#labels.get(metric) ?? [];
  };

  values = (metric: string, label: string): readonly string[] => {
    const key = `${metric} ${label}`;
    this.#once(`v ${key}`, async () => {
      const match = metric ? { match: selector(metric) } : {};
      this.#values.set(key, await names({ ...this.#scope, ...match, label }));
    });
    return this.#values.get(key) ?? [];
  };

  /** How often a metric is told, in seconds; undefined until that is known. */
  spacing = (metric: string): number | undefined => {
    const { project, start, end } = this.#scope;
    const key = `${metric} ${start} ${end}`;
    this.#once(`s ${key}`, async () => {
      const { from, to } = view.window;
      const before = Math.floor(Math.min(from, to - QUARTER)); // a few minutes tell too little
      const params = { project, metric, from: before, to: Math.ceil(to) };
      const found = await api<Spacing>('/api/metrics/spacing', { params }).catch(() => null);
      this.#spacings.set(key, Math.round(found?.seconds ?? USUAL_SPACING));
    });
    return this.#spacings.get(key);
  };

  /** Whole hours, so that the same question is asked but once. */
  get #scope(): { project: string; start: number; end: number } {
    const { from, to } = view.window;
    const hour = 3_600_000;
    const start = Math.floor(Math.min(from, to - DAY / 24) / hour) * hour;
    return {
      project: this.project,
      start: start / 1000,
      end: (Math.ceil(to / hour) * hour) / 1000,
    };
  }

  #once(key: string, load: () => Promise<void>): void {
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    // Without an answer there is nothing to offer; the next time it is asked for again.
    load().catch(() => this.#asked.delete(key));
  }
}

const selector = (metric: string): string =>
  /^[A-Za-z_:][\w:]*$/.test(metric)
    ? metric
    : metric
      ? `{${JSON.stringify(metric)}}`
      : '{__name__!=""}';
