/** The marks of a page's charts: deployments, flags, incidents and notes within its range. */
import type { components } from '#lib/api/schema.d.ts';
import type { Marker } from '#lib/charts/series.ts';
import { read } from './read.svelte.ts';

export type Annotation = components['schemas']['AnnotationView'];

export interface Marks {
  readonly list: readonly Marker[];
  readonly annotations: readonly Annotation[];
}

/** `service` keeps to what concerns one service. */
export function marks(service: () => string = () => ''): Marks {
  const known = read<Annotation[]>(
    () => '/api/annotations',
    () => ({ service: service() }),
  );
  const annotations = $derived(known.data ?? []);
  const list = $derived(
    annotations.map((each) => ({
      at: each.time_ms,
      // On the page of a service its own name says nothing.
      label: each.kind === 'deploy' && service() && each.release ? each.release : each.title,
    })),
  );
  return {
    get list() {
      return list;
    },
    get annotations() {
      return annotations;
    },
  };
}
