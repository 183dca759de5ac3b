/**
 * A list of telemetry that follows the view: its first page, the older ones below it, and the
 * filters in the address that narrow it.
 */
import { offer } from '#lib/actions.svelte.ts';
import { api, type Params } from '#lib/api/client.ts';
import { t } from '#lib/i18n/index.svelte.ts';
import { view } from '#lib/state/view.svelte.ts';
import { Older, type Page } from './older.svelte.ts';
import { read, type Read } from './read.svelte.ts';

export interface Listing<P extends Page<unknown>> {
  readonly first: Read<P>;
  readonly older: Older<P['items'][number]>;
}

/** `begin` is called whenever the list starts again above another first page. */
export function listing<P extends Page<unknown>>(
  path: string,
  params: () => Params,
  begin: (items: P['items']) => void,
): Listing<P> {
  const first = read<P>(() => path, params);
  const older = new Older<P['items'][number]>(
    () => first.data,
    (cursor) =>
      api<P>(path, {
        params: {
          project: view.project?.slug,
          environment: view.environment,
          ...first.window,
          ...params(),
          cursor,
        },
      }),
  );
  $effect(() => {
    const items = first.data?.items ?? [];
    older.reset();
    begin(items);
  });
  return { first, older };
}

/** The parameters of the address that narrow a list. `clear` is there while one of them does. */
export function filters(names: readonly string[]): { readonly clear: (() => void) | undefined } {
  const clear = (): void => view.set(Object.fromEntries(names.map((name) => [name, null])));
  const narrowed = $derived(names.some((name) => view.param(name) !== ''));
  offer(() =>
    narrowed
      ? [{ id: 'filters.clear', group: 'page', label: t.ui.clear, keys: 'x', run: clear }]
      : [],
  );
  return {
    get clear() {
      return narrowed ? clear : undefined;
    },
  };
}
