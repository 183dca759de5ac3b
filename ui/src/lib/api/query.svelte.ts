/**
 * A value that follows its inputs. When the inputs change the running request is
 * abandoned and a new one starts, while the old data stays (`stale` tells the view to dim
 * it). An error never takes the data away.
 *
 *     const traces = query(() => ({ q: view.q, ...view.window }), (input, signal) =>
 *       api<Traces>('/api/traces', { params: input, signal }));
 *
 * Inputs that return `null` mean: not yet.
 *
 * `same` tells that two inputs ask one question at two moments, as those of a live view do.
 * Then the answer on its way is waited for and the question asked again after it: a server
 * slower than the view's pace would otherwise be abandoned before each answer, for ever.
 */
import { untrack } from 'svelte';
import { asApiError, type ApiError } from './client';

export class Query<I, T> {
  data = $state.raw<T | undefined>(undefined);
  error = $state.raw<ApiError | undefined>(undefined);
  loading = $state(false);
  /** The inputs that `data` belongs to. */
  input = $state.raw<I | undefined>(undefined);
  #abort: AbortController | null = null;
  #last: I | null = null;
  /** What to ask once the running request has answered. */
  #next: I | null = null;

  constructor(
    private readonly load: (input: I, signal: AbortSignal) => Promise<T>,
    private readonly same: (a: I, b: I) => boolean = () => false,
  ) {}

  /** Nothing known yet and nothing failed: show a skeleton. */
  get pending(): boolean {
    return this.data === undefined && this.error === undefined;
  }

  /** Old data is on screen while new data loads: dim it. */
  get stale(): boolean {
    return this.loading && this.data !== undefined;
  }

  /** Ask; a running request for the same is let finish. */
  async follow(input: I): Promise<void> {
    if (this.loading && this.#last !== null && this.same(this.#last, input)) this.#next = input;
    else await this.run(input);
  }

  async run(input: I): Promise<void> {
    this.#abort?.abort();
    this.#next = null;
    const abort = new AbortController();
    this.#abort = abort;
    this.#last = input;
    this.loading = true;
    try {
      const data = await this.load(input, abort.signal);
      if (abort.signal.aborted) return;
      this.data = data;
      this.input = input;
      this.error = undefined;
    } catch (error) {
      // Only what we abandoned is silent: any other end must show, or the skeleton stays.
      if (abort.signal.aborted) return;
      this.error = asApiError(error);
    } finally {
      if (!abort.signal.aborted) {
        this.loading = false;
        if (this.#next !== null) void this.run(this.#next);
      }
    }
  }

  /** Load again with the same inputs. */
  reload = (): Promise<void> =>
    this.#last === null ? Promise.resolve() : this.run(this.#last as I);

  /** Change what is shown at once; the caller sends the change and reloads if it fails. */
  patch(change: (data: T) => T): void {
    if (this.data !== undefined) this.data = change(this.data);
  }

  stop(): void {
    this.#abort?.abort();
    this.#next = null;
    this.loading = false;
  }
}

/** A query bound to a component: follows `inputs`, stops when the component goes. */
export function query<I, T>(
  inputs: () => I | null,
  load: (input: I, signal: AbortSignal) => Promise<T>,
  same?: (a: I, b: I) => boolean,
): Query<I, T> {
  const made = new Query<I, T>(load, same);
  let before = '';
  $effect(() => {
    const input = inputs();
    if (input === null) return;
    const now = JSON.stringify(input);
    if (now === before) return;
    before = now;
    untrack(() => void made.follow(input));
  });
  $effect(() => () => made.stop());
  return made;
}
