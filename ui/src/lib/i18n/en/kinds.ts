/** Kinds of resources and their fields. English says what the schema says itself. */
type Words = Record<
  string,
  { title: string; note: string; fields: Record<string, readonly [string, string]> }
>;

export const kinds: Words = {};
