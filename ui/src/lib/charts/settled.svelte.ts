/**
 * For what happens when focus leaves: the browser also says so while an element is being taken
 * away, when nothing may change and nobody is left to care.
 */
export function settled(): (run: () => void) => void {
  let alive = true;
  $effect(() => () => {
    alive = false;
  });
  return (run) =>
    queueMicrotask(() => {
      if (alive) run();
    });
}
