/**
 * What the server says of a search while it is typed: what can stand at the caret, and where
 * the text cannot be read. Answers to a text that has changed since are dropped, and a server
 * that does not answer is no reason to keep anyone from searching.
 */
import { api } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.d.ts';
import { view } from '#lib/state/view.svelte.ts';
import { recentSearches } from './history.ts';
import { offersOf, recentOffers, type Offer } from './offers.ts';
import { toIndex, toPoints } from './points.ts';

type Schemas = components['schemas'];
export type Signal = 'logs' | 'spans';

export interface Fault {
  readonly message: string;
  readonly hint: string;
  readonly start: number;
  readonly end: number;
}

const SOON_MS = 90;
const RECENT = 5;

export class Assist {
  offers = $state.raw<readonly Offer[]>([]);
  fault = $state.raw<Fault | undefined>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #abort: AbortController | undefined;

  constructor(private readonly signal: () => Signal) {}

  /** Offer what can stand at the caret, once one pauses for a moment. */
  offer(text: string, caret: number): void {
    this.#stop();
    this.#timer = setTimeout(() => void this.#complete(text, caret), SOON_MS);
  }

  close(): void {
    this.#stop();
    this.offers = [];
  }

  async #complete(text: string, caret: number): Promise<void> {
    const abort = (this.#abort = new AbortController());
    const signal = this.signal();
    const project = view.project?.slug ?? '';
    const recent = text.trim() ? [] : recentSearches(signal, project).slice(0, RECENT);
    try {
      const found = await api<Schemas['Completion']>('/api/search/complete', {
        params: { ...view.scope, signal, q: text, cursor: toPoints(text, caret) },
        signal: abort.signal,
      });
      if (!abort.signal.aborted) this.offers = [...recentOffers(recent), ...offersOf(text, found)];
    } catch {
      if (!abort.signal.aborted) this.offers = recentOffers(recent);
    }
  }

  /** Whether a text can be searched for; where it cannot, `fault` says why. */
  async check(text: string): Promise<boolean> {
    try {
      const { fault } = await api<Schemas['SearchCheck']>('/api/search/check', {
        params: { project: view.project?.slug, signal: this.signal(), q: text },
      });
      this.fault = fault
        ? {
            message: fault.message,
            hint: fault.hint,
            start: toIndex(text, fault.position),
            end: toIndex(text, fault.position + fault.length),
          }
        : undefined;
      return !fault;
    } catch {
      this.fault = undefined;
      return true;
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }
}
