/**
 * What arrives while one looks: one server-sent event stream for the component that asks.
 * It reconnects by itself with growing pauses, stops while the tab is hidden, and follows
 * its inputs. `null` means: not now.
 *
 *     stream(
 *       () => (view.live ? { topics: 'logs', project, q } : null),
 *       { log: (rows) => add(rows), tick: view.refresh },
 *     );
 */
import { query, type Params } from './client.ts';
import { parseJson } from './json.ts';

type Handler = (data: never) => void;

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** Open a stream; the answer closes it. `open` tells whether it is connected. */
export function connect(
  params: Params,
  handlers: Record<string, Handler>,
  open: (connected: boolean) => void = () => undefined,
): () => void {
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let pause = FIRST_PAUSE_MS;

  function start(): void {
    if (document.hidden || source) return;
    const made = new EventSource(`/api/stream${query(params)}`);
    source = made;
    made.onopen = () => {
      pause = FIRST_PAUSE_MS;
      open(true);
    };
    made.onerror = () => {
      stop();
      timer = setTimeout(start, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    };
    for (const [name, handler] of Object.entries(handlers))
      made.addEventListener(name, (event: MessageEvent<string>) =>
        handler(parseJson(event.data) as never),
      );
  }

  function stop(): void {
    clearTimeout(timer);
    source?.close();
    source = null;
    open(false);
  }

  const visibility = (): void => (document.hidden ? stop() : start());
  document.addEventListener('visibilitychange', visibility);
  start();
  return () => {
    document.removeEventListener('visibilitychange', visibility);
    stop();
  };
}

/** A stream bound to a component. */
export function stream(
  inputs: () => Params | null,
  handlers: Record<string, Handler>,
): { readonly connected: boolean } {
  let connected = $state(false);
  let before = '';
  let close: (() => void) | null = null;
  $effect(() => {
    const params = inputs();
    const now = params ? JSON.stringify(params) : '';
    if (now === before) return;
    before = now;
    close?.();
    close = params ? connect(params, handlers, (value) => (connected = value)) : null;
  });
  $effect(() => () => close?.());
  return {
    get connected() {
      return connected;
    },
  };
}
