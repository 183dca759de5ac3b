/** Reading facets: the server may name a field by its semantic name or by its short one. */
import type { Facet } from './types';
import { lineOf } from './values';

export function valuesOf(facets: readonly Facet[] | undefined, ...fields: string[]): string[] {
  const found = facets?.find((each) => fields.includes(each.field));
  return (found?.values ?? []).map(({ value }) => lineOf(value)).filter(Boolean);
}

export const servicesOf = (facets: readonly Facet[] | undefined): string[] =>
  valuesOf(facets, 'service', 'service.name').sort((a, b) => a.localeCompare(b));

export const operationsOf = (facets: readonly Facet[] | undefined): string[] =>
  valuesOf(facets, 'name', 'operation', 'span.name');
