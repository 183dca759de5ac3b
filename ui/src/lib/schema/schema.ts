/**
 * What a form needs to know of a JSON Schema: references followed, nullable unions
 * unwrapped, and for each place one of a few shapes. A form that does not know a shape falls back
 * to JSON, so nothing that the server accepts is out of reach.
 */

export interface Hints {
  readonly widget?: string;
  readonly unit?: string;
  readonly placeholder?: string;
  readonly group?: string;
  readonly advanced?: boolean;
}

export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Record<string, Schema>;
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Record<string, Schema>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly additionalProperties?: boolean | Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly 'x-ui'?: Hints;
  readonly 'x-ref'?: string;
  readonly 'x-secret'?: boolean;
}

export type Kind =
  | 'text'
  | 'number'
  | 'boolean'
  | 'choice'
  | 'list'
  | 'object'
  | 'map'
  | 'union'
  | 'secret'
  | 'reference'
  | 'json';

export interface Shape {
  readonly kind: Kind;
  readonly schema: Schema;
  readonly nullable: boolean;
  readonly hints: Hints;
}

export type Value = unknown;
export type ObjectValue = Record<string, Value>;

export function isObject(value: Value): value is ObjectValue {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function follow(schema: Schema, root: Schema): Schema {
  let found = schema;
  for (let depth = 0; found.$ref && depth < 20; depth++) {
    const { $ref, ...beside } = found;
    const name = decodeURIComponent($ref.replace('#/$defs/', '')).replace(/~1/g, '/');
    found = { ...(root.$defs?.[name] ?? {}), ...beside };
  }
  if (found.allOf?.length === 1) {
    const { allOf, ...beside } = found;
    found = { ...follow(allOf[0] as Schema, root), ...beside };
  }
  return found;
}

function kindOf(schema: Schema): Kind {
  if (schema['x-secret']) return 'secret';
  if (schema['x-ref']) return 'reference';
  if (schema.enum) return 'choice';
  if (schema.anyOf ?? schema.oneOf) return 'union';
  switch (schema.type) {
    case 'string':
      return 'text';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return schema.items ? 'list' : 'json';
    case 'object':
      if (schema.properties) return 'object';
      return isObject(schema.additionalProperties) ? 'map' : 'json';
    default:
      return schema.const === undefined ? 'json' : 'choice';
  }
}

/** What stands at one place of the schema. */
export function shape(place: Schema, root: Schema): Shape {
  let schema = follow(place, root);
  let nullable = false;
  const union = schema.anyOf ?? schema.oneOf;
  if (union) {
    const parts = union.map((part) => follow(part, root));
    const rest = parts.filter((part) => part.type !== 'null');
    nullable = rest.length < parts.length;
    if (rest.length === 1) {
      schema = { ...rest[0], ...schema, anyOf: rest[0]?.anyOf, oneOf: undefined };
    } else schema = { ...schema, anyOf: rest, oneOf: undefined };
  }
  if (schema.const !== undefined) schema = { ...schema, enum: [schema.const] };
  return { kind: kindOf(schema), schema, nullable, hints: schema['x-ui'] ?? {} };
}

/** What a new value at this place begins with. */
export function blank(place: Schema, root: Schema): Value {
  const { kind, schema, nullable } = shape(place, root);
  if (schema.default !== undefined) return structuredClone(schema.default);
  if (nullable) return null;
  switch (kind) {
    case 'choice':
      return schema.enum?.[0];
    case 'boolean':
      return false;
    case 'list':
      return [];
    case 'map':
    case 'json':
      return {};
    case 'number':
      return null;
    case 'union':
      return blank((schema.anyOf ?? [])[0] ?? {}, root);
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, part]) => [name, blank(part, root)]),
      );
    default:
      return '';
  }
}

export function same(a: Value, b: Value): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((each, index) => same(each, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => same(a[name], b[name]));
}

/** The spec as a file would hold it: without what is at its default anyway. */
export function terse(value: ObjectValue, place: Schema, root: Schema): ObjectValue {
  const { schema } = shape(place, root);
  const required = new Set(schema.required);
  return Object.fromEntries(
    Object.entries(value).filter(([name, each]) => {
      const part = schema.properties?.[name];
      if (!part || required.has(name)) return true;
      return !same(each, shape(part, root).schema.default ?? null);
    }),
  );
}

/** Which of a union's parts a value is: by its constants, else by the kind of value. */
export function variantOf(value: Value, parts: readonly Schema[], root: Schema): number {
  const fits = parts.findIndex((part) => {
    const { kind, schema } = shape(part, root);
    if (kind === 'object') {
      if (!isObject(value)) return false;
      return Object.entries(schema.properties ?? {}).every(([name, field]) => {
        const fixed = shape(field, root).schema.const;
        return fixed === undefined || value[name] === fixed;
      });
    }
    if (kind === 'list') return Array.isArray(value);
    if (kind === 'choice') return schema.enum?.includes(value) ?? false;
    if (kind === 'map') return isObject(value);
    const types: Partial<Record<Kind, string>> = { number: 'number', boolean: 'boolean' };
    return typeof value === (types[kind] ?? 'string');
  });
  return Math.max(0, fits);
}

/** What a field is called when its schema does not say. */
export function labelOf(name: string, schema: Schema): string {
  return schema.title ?? name.replace(/_/g, ' ').replace(/^./, (first) => first.toUpperCase());
}
