/**
 * Following live: the stream says that data has arrived, the page asks again, at most as
 * often as its window can show a difference.
 */
import { stream } from '#lib/api/stream.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';

const OFTEN_MS = 5_000;
const SELDOM_MS = 60_000;

/** How long to wait between two loads of a window. */
export function pace(windowMs: number): number {
  return Math.min(SELDOM_MS, Math.max(OFTEN_MS, windowMs / 720));
}

/** A tick that calls `run` at most once a pace, and only while the view is live. */
export function paced(run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = Date.now();
  $effect(() => () => clearTimeout(timer));
  return () => {
    if (timer !== undefined) return;
    const { from, to } = view.window;
    timer = setTimeout(
      () => {
        timer = undefined;
        last = Date.now();
        if (view.live) run();
      },
      Math.max(0, last + pace(to - from) - Date.now()),
    );
  };
}

/** Call `run` when data has arrived while the view is live. */
export function follow(run: () => void = view.refresh): void {
  stream(
    () =>
      view.live && view.project
        ? { topics: 'overview', project: view.project.slug, environment: view.environment }
        : null,
    { tick: paced(run) },
  );
}
