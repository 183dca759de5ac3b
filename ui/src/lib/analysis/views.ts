/**
 * The views of the traces page, in the order of its tabs. A view is fetched when it is first
 * shown; adding one is a line here and a component that takes `ViewProps`.
 */
import type { Component } from 'svelte';
import type { Facet } from '#lib/explore/types.ts';
import { t } from '#lib/i18n/index.svelte.ts';

export interface ViewProps {
  /** Fields and values that exist, for completion. */
  facets: readonly Facet[];
  /** Filters hide things: how to clear them. */
  clear: (() => void) | undefined;
}

export interface View {
  /** As the address has it; the first view has none. */
  readonly id: string;
  readonly label: () => string;
  readonly load: () => Promise<{ default: Component<ViewProps> }>;
}

export const VIEWS: readonly View[] = [
  { id: '', label: () => t.nav.traces, load: () => import('./TracesView.svelte') },
  {
    id: 'durations',
    label: () => t.analysis.durations.tab,
    load: () => import('./DurationsView.svelte'),
  },
  { id: 'groups', label: () => t.analysis.groups.tab, load: () => import('./GroupsView.svelte') },
  {
    id: 'compare',
    label: () => t.analysis.compare.tab,
    load: () => import('./CompareView.svelte'),
  },
  {
    id: 'flame',
    label: () => t.trace.flame.title,
    load: () => import('#lib/trace/Flame.svelte'),
  },
];
