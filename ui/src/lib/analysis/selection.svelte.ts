/**
 * The spans that are picked out of those on the page: a search (which durations are part of)
 * and a stretch of time. It stands in the address, so that a link shows it too.
 */
import type { Params } from '#lib/api/client.ts';
import { view } from '#lib/state/view.svelte.ts';
import { parse, printUrl } from '#lib/time/grammar.ts';
import { between, resolve, type Window } from '#lib/time/range.ts';
import { bound, withDurations } from './search';

/** A part of the picture of durations over time. */
export interface Area {
  readonly from: number;
  readonly to: number;
  /** Milliseconds; null where it has no end. */
  readonly min: number | null;
  readonly max: number | null;
}

class Selection {
  readonly q = $derived(view.param('sel'));
  readonly time: Window | null = $derived.by(() => {
    const text = view.param('sel_t');
    const range = text ? parse(text, view.now) : null;
    return range && resolve(range, view.now);
  });
  readonly some = $derived(Boolean(this.q || this.time));
  readonly min = $derived(bound(this.q, '>'));
  readonly max = $derived(bound(this.q, '<'));

  /** What the server is asked about it. */
  get params(): Params {
    return {
      sel: this.q,
      sel_from: this.time && Math.floor(this.time.from),
      sel_to: this.time && Math.ceil(this.time.to),
    };
  }

  search(q: string): void {
    view.set({ sel: q });
  }

  area({ from, to, min, max }: Area): void {
    view.set({
      sel: withDurations(this.q, min, max),
      sel_t: printUrl(between(Math.floor(from), Math.ceil(to))),
    });
  }

  clear = (): void => view.set({ sel: null, sel_t: null });
}

export const selection = new Selection();
