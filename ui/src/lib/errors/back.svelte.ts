/** The list an error was opened from, so that the way back keeps its filters. */
import { href } from '#lib/state/view.svelte.ts';

let last = $state('');

export const backToErrors = {
  get href(): string {
    return last || href('/errors');
  },
  remember(address: string): void {
    last = address;
  },
};
