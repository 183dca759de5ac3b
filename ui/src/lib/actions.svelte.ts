/**
 * Every action is declared once and feeds buttons, menus, the palette, shortcuts and the
 * help. `lib/frame/commands.ts` declares the frame's own; a page adds its own while it is shown:
 *
 *     offer(() => [{ id: 'logs.wrap', group: 'page', label: t.explore.wrap, keys: 'w', run: toggleWrap }]);
 */
import { untrack } from 'svelte';
import { t } from '#lib/i18n/index.svelte.ts';

export interface Action {
  readonly id: string;
  readonly group: keyof typeof t.palette.groups;
  readonly label: string;
  /** `g o`, `ctrl+k`, `?`; shown beside the action wherever it appears. */
  readonly keys?: string;
  /** Other words it is found by. */
  readonly also?: string;
  /** A quiet second text in the palette. */
  readonly detail?: string;
  /** Where it leads, for actions that are places. */
  readonly href?: string;
  readonly run?: () => void | Promise<void>;
  /** Kept out of the palette: moves within a list and the like. */
  readonly quiet?: boolean;
}

type Offer = () => readonly Action[];

class Actions {
  #offers = $state.raw<readonly Offer[]>([]);

  /** Each id once, as it was offered last: whatever lists actions is keyed by their ids. */
  readonly all: readonly Action[] = $derived.by(() => {
    const known = new Map<string, Action>();
    for (const offer of this.#offers) for (const each of offer()) known.set(each.id, each);
    return [...known.values()];
  });

  add(offer: Offer): () => void {
    this.#offers = [...this.#offers, offer];
    return () => {
      this.#offers = this.#offers.filter((each) => each !== offer);
    };
  }

  find(id: string): Action | undefined {
    return this.all.find((action) => action.id === id);
  }
}

export const actions = new Actions();

/** Offer actions for as long as the calling component is shown. */
export function offer(list: Offer): void {
  $effect(() => untrack(() => actions.add(list)));
}
