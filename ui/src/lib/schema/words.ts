/** A schema in the viewer's language, where the catalogue knows its kind; else as it came. */
import { t } from '#lib/i18n/index.svelte.ts';
import type { Schema } from './schema.ts';

export function titleOf(kind: string, otherwise: string): string {
  return t.kinds[kind]?.title ?? otherwise;
}

export function noteOf(kind: string, otherwise: string | undefined): string | undefined {
  return t.kinds[kind]?.note ?? otherwise;
}

export function translated<S extends Schema>(kind: string, schema: S): S {
  const words = t.kinds[kind];
  if (!words) return schema;
  const properties = Object.entries(schema.properties ?? {}).map(([name, part]) => {
    const [title, description] = words.fields[name] ?? [part.title, part.description];
    return [name, { ...part, title, description }];
  });
  return {
    ...schema,
    title: words.title,
    description: words.note,
    properties: Object.fromEntries(properties),
  };
}
