/**
 * One telemetry read that follows the view. `dim` is true only when what is on screen answers
 * another question than the one asked: a live view that slides along is not dimmed.
 */
import { untrack } from 'svelte';
import { api, type ApiError, type Params } from '#lib/api/client.ts';
import { query } from '#lib/api/query.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';
import { printUrl } from '#lib/time/grammar.ts';

interface Ask {
  readonly path: string;
  readonly params: Params;
  readonly range: string;
  readonly scope: { project: string; environment: string; from: number; to: number };
}

export interface Read<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly pending: boolean;
  readonly loading: boolean;
  readonly dim: boolean;
  /** The stretch of time that `data` answers for. */
  readonly window: { readonly from: number; readonly to: number };
  readonly reload: () => Promise<void>;
}

/** The question apart from the moment it is asked at. */
const plain = ({ path, params, range, scope }: Ask): string =>
  JSON.stringify([path, params, range, scope.project, scope.environment]);

/** The last answers: a page one comes back to stands at once where one left it. */
const known = new Map<string, { readonly ask: Ask; readonly data: unknown }>();
const KNOWN = 16;

function keep(ask: Ask, data: unknown): void {
  const key = plain(ask);
  known.delete(key);
  known.set(key, { ask, data });
  for (const oldest of known.keys()) {
    if (known.size <= KNOWN) break;
    known.delete(oldest);
  }
}

/** `path` is null as long as nothing is to be asked. */
export function read<T>(path: () => string | null, params: () => Params = () => ({})): Read<T> {
  const ask = (): Ask | null => {
    const to = path();
    if (to === null || !view.project) return null;
    return { path: to, params: params(), range: printUrl(view.range), scope: view.scope };
  };
  const made = query(
    ask,
    async (input, signal) => {
      const data = await api<T>(input.path, {
        params: { ...input.scope, ...input.params },
        signal,
      });
      keep(input, data);
      return data;
    },
    (a, b) => plain(a) === plain(b),
  );
  untrack(() => {
    const first = ask();
    const before = first && known.get(plain(first));
    if (!before) return;
    made.data = before.data as T;
    made.input = before.ask;
  });
  const asked = $derived(ask());
  const dim = $derived(
    made.stale && Boolean(made.input && asked && plain(made.input) !== plain(asked)),
  );
  const window = $derived(made.input?.scope ?? view.window);
  return {
    get data() {
      return made.data;
    },
    get error() {
      return made.error;
    },
    get pending() {
      return made.pending;
    },
    get loading() {
      return made.loading;
    },
    get dim() {
      return dim;
    },
    get window() {
      return window;
    },
    reload: made.reload,
  };
}
