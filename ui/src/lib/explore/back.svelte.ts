/** The list a trace was opened from, so that the way back keeps its filters. */
import { href } from '#lib/state/view.svelte.ts';

let last = $state('');

export const backToTraces = {
  get href(): string {
    return last || href('/traces');
  },
  remember(address: string): void {
    last = address;
  },
};
