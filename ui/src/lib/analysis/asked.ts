/** What the traces page asks about, as its address has it; every view of it asks the same. */
import type { Params } from '#lib/api/client.ts';
import type { components } from '#lib/api/schema.d.ts';
import { parseDuration } from '#lib/explore/durations.ts';
import { view } from '#lib/state/view.svelte.ts';

type Schemas = components['schemas'];

export type Durations = Schemas['Durations'];
export type Point = Schemas['Point'];
export type Points = Schemas['Points'];
export type Groups = Schemas['Groups'];
export type Group = Schemas['Group'];
export type Comparison = Schemas['Comparison'];
export type ComparedField = Schemas['ComparedField'];
export type ComparedValue = Schemas['ComparedValue'];
export type SpanRow = Schemas['SpanRow'];
export type Spans = Schemas['Spans'];

/** The parameters of the address that narrow it. */
export const FILTERS = ['q', 'service', 'operation', 'status', 'min', 'max'] as const;

export function asked(): Params {
  return {
    q: view.param('q'),
    service: view.param('service'),
    operation: view.param('operation'),
    status: view.param('status'),
    min_ms: parseDuration(view.param('min')),
    max_ms: parseDuration(view.param('max')),
  };
}

/** Requests alone, or all spans: as chosen, else what the search suggests. */
export function spansOf(): 'requests' | 'spans' {
  const chosen = view.param('of');
  if (chosen === 'requests' || chosen === 'spans') return chosen;
  return view.param('q') || view.param('operation') ? 'spans' : 'requests';
}

export function askedSpans(): Params {
  return { ...asked(), of: spansOf() };
}
