/**
 * Brushing a chart changes the time range in the address; Escape goes back to the range
 * before, as long as nobody has chosen another one meanwhile.
 */
import { offer } from '#lib/actions.svelte.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { printUrl } from '#lib/time/grammar.ts';
import { between } from '#lib/time/range.ts';
import { view } from '#lib/state/view.svelte.ts';

/** Less than this is a slip of the hand, not a range. */
const SHORTEST_MS = 100;

class Zoom {
  #steps = $state.raw<readonly { readonly before: string; readonly after: string }[]>([]);

  /** Is there a way back from the range on screen? */
  readonly deep = $derived(this.#steps.at(-1)?.after === view.param('t'));

  into(from: number, to: number): void {
    if (to - from < SHORTEST_MS) return;
    const [start, end] = [Math.round(from), Math.round(to)];
    const step = { before: view.param('t'), after: printUrl(between(start, end)) };
    this.#steps = [...(this.deep ? this.#steps : []), step];
    view.setWindow(start, end);
  }

  back = (): void => {
    const step = this.#steps.at(-1);
    if (!step || !this.deep) return;
    this.#steps = this.#steps.slice(0, -1);
    view.refresh();
    view.set({ t: step.before });
  };
}

export const zoom = new Zoom();

/** Esc goes back, unless something on the page (`held`) needs the key first. */
export function offerZoomBack(held: () => boolean = () => false): void {
  offer(() =>
    zoom.deep && !held()
      ? [
          {
            id: 'chart.back',
            group: 'page',
            label: t.explore.chart.back,
            keys: 'escape',
            run: zoom.back,
          },
        ]
      : [],
  );
}
