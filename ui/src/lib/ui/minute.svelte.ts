/** One clock for every relative time on screen; it moves twice a minute. */
import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, 30_000);
  return () => clearInterval(timer);
});

export const minute = {
  get now(): number {
    subscribe();
    return Date.now();
  },
};
