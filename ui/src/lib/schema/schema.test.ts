import { describe, expect, it } from 'vitest';
import { blank, shape, terse, variantOf, type Schema } from './schema.ts';

const root: Schema = {
  type: 'object',
  required: ['title'],
  $defs: {
    Step: {
      type: 'object',
      properties: { run: { type: 'string' }, times: { type: 'integer', default: 1 } },
    },
    Mail: { type: 'object', properties: { kind: { const: 'mail' }, to: { type: 'string' } } },
    Hook: { type: 'object', properties: { kind: { const: 'hook' }, url: { type: 'string' } } },
  },
  properties: {
    title: { type: 'string' },
    days: {
      anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }],
      default: null,
      title: 'Days',
    },
    level: { enum: ['low', 'high'], type: 'string', default: 'low' },
    step: { $ref: '#/$defs/Step' },
    steps: { type: 'array', items: { $ref: '#/$defs/Step' }, default: [] },
    labels: { type: 'object', additionalProperties: { type: 'string' }, default: {} },
    token: { type: 'string', 'x-secret': true },
    channel: { type: 'string', 'x-ref': 'channel' },
    way: { anyOf: [{ $ref: '#/$defs/Mail' }, { $ref: '#/$defs/Hook' }] },
    anything: {},
  },
};
const at = (name: string) => shape(root.properties?.[name] ?? {}, root);

describe('a form from a schema', () => {
  it.each([
    ['title', 'text'],
    ['days', 'number'],
    ['level', 'choice'],
    ['step', 'object'],
    ['steps', 'list'],
    ['labels', 'map'],
    ['token', 'secret'],
    ['channel', 'reference'],
    ['way', 'union'],
    ['anything', 'json'],
  ])('shows %s as %s', (name, kind) => {
    expect(at(name).kind).toBe(kind);
  });

  it('knows what may be left empty, and keeps what stands beside the union', () => {
    expect(at('days')).toMatchObject({ nullable: true, schema: { minimum: 1, title: 'Days' } });
  });

  it('begins with the defaults', () => {
    expect(blank(root, root)).toMatchObject({
      title: '',
      days: null,
      level: 'low',
      step: { run: '', times: 1 },
      way: { kind: 'mail', to: '' },
    });
  });

  it('leaves defaults out of the file', () => {
    expect(
      terse({ title: '', days: null, level: 'low', labels: {}, steps: [] }, root, root),
    ).toEqual({
      title: '',
    });
    expect(terse({ title: 'a', days: 3 }, root, root)).toEqual({ title: 'a', days: 3 });
  });

  it('recognises which part of a union a value is', () => {
    const parts = at('way').schema.anyOf ?? [];
    expect(variantOf({ kind: 'hook', url: 'x' }, parts, root)).toBe(1);
    expect(variantOf({ kind: 'mail' }, parts, root)).toBe(0);
  });
});
