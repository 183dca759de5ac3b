import { describe, expect, it } from 'vitest';
import { alikeRowOf, logsBySpan, rowsOf, type Row } from './rows';
import { buildTree, keyParts, mainRoot, onCriticalPath, sums, type Tree } from './tree';
import type { LogLine, SpanLine } from './types';

function span(id: string, parent: number, offset: number, more: Partial<SpanLine> = {}): SpanLine {
  return {
    span_id: id,
    parent,
    parent_span_id: '',
    service: 'web',
    name: id,
    kind: 'internal',
    status: 'unset',
    status_message: '',
    offset_ns: offset,
    duration_ns: 10,
    self_ns: 10,
    shift_ns: 0,
    events: [],
    links: 0,
    telling: [],
    ...more,
  };
}

const log = (id: string, at: number): LogLine => ({
  span_id: id,
  offset_ns: at,
  severity: 'info',
  service: 'web',
  text: `at ${at}`,
});

const NONE: ReadonlySet<string> = new Set();

function told(row: Row): string {
  const says =
    row.kind === 'span'
      ? row.node.key
      : row.kind === 'log'
        ? row.log.text
        : `${row.nodes.length}× ${row.nodes[0]?.span.name}`;
  return '>'.repeat(row.depth) + says;
}

function shown(
  tree: Tree,
  more: { collapsed?: string[]; open?: string[]; logs?: LogLine[] } = {},
): string[] {
  return rowsOf(tree.roots, {
    collapsed: new Set(more.collapsed),
    open: new Set(more.open),
    logs: more.logs ? logsBySpan(more.logs, tree.byKey, tree.roots) : null,
  }).map(told);
}

const SMALL = [
  span('a', -1, 0, { duration_ns: 100, self_ns: 50 }),
  span('b', 0, 1, { status: 'error', service: 'db', duration_ns: 30, self_ns: 20 }),
  span('c', 1, 2),
  span('d', 0, 40, { duration_ns: 20, self_ns: 20 }),
];

describe('the tree of a trace', () => {
  it('puts children under their parents and counts what is below', () => {
    const tree = buildTree(SMALL, []);
    expect(shown(tree)).toEqual(['a', '>b', '>>c', '>d']);
    expect(tree.roots[0]).toMatchObject({ below: 3, errorsBelow: 1, depth: 0 });
    expect(shown(tree, { collapsed: ['b'] })).toEqual(['a', '>b', '>d']);
  });

  it('keeps spans apart that share an id', () => {
    const tree = buildTree([span('a', -1, 0), span('a', 0, 1), span('a', 0, 2)], []);
    expect(tree.all.map((node) => node.key)).toEqual(['a', 'a~1', 'a~2']);
    expect(keyParts('a~2')).toEqual({ id: 'a', nth: 2 });
    expect(keyParts('a')).toEqual({ id: 'a', nth: 0 });
  });

  it('takes ten thousand spans side by side or nested', () => {
    const wide = buildTree(
      Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i ? 0 : -1, i)),
      [],
    );
    expect(wide.roots[0]?.below).toBe(9_999);
    const deep = buildTree(
      Array.from({ length: 10_000 }, (_, i) => span(`s${i}`, i - 1, i)),
      [],
    );
    expect(deep.all.at(-1)?.depth).toBe(9_999);
  });

  it('is called by the root that takes longest', () => {
    const tree = buildTree(
      [span('x', -1, 0), ...SMALL.map((s) => ({ ...s, parent: s.parent < 0 ? -1 : s.parent + 1 }))],
      [],
    );
    expect(mainRoot(tree.roots)?.key).toBe('a');
    expect(mainRoot([])).toBeUndefined();
  });

  it('knows what the end waited for, with all above it', () => {
    const tree = buildTree(SMALL, [
      [0, 60, 100],
      [3, 40, 60],
      [2, 2, 12],
    ]);
    expect([...onCriticalPath(tree)].sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(onCriticalPath(buildTree(SMALL, [[0, 0, 100]]))).toEqual(new Set(['a']));
  });

  it('adds up by service and by operation, what was waited for most first', () => {
    const tree = buildTree(SMALL, [
      [3, 40, 60],
      [1, 1, 31],
    ]);
    expect(sums(tree, 'service')).toEqual([
      { service: 'db', name: '', spans: 1, errors: 1, total: 30, self: 20, critical: 30 },
      { service: 'web', name: '', spans: 3, errors: 0, total: 130, self: 80, critical: 20 },
    ]);
    expect(sums(tree, 'operation').map((each) => each.name)).toEqual(['b', 'd', 'a', 'c']);
  });
});

describe('the rows of a waterfall', () => {
  const many = (failing = -1): Tree =>
    buildTree(
      [
        span('root', -1, 0),
        span('first', 0, 1),
        ...Array.from({ length: 12 }, (_, i) =>
          span(`s${i}`, 0, 2 + i, { name: 'SELECT', status: i === failing ? 'error' : 'unset' }),
        ),
        span('last', 0, 20),
      ],
      [],
    );

  it('folds what is alike into one row that opens', () => {
    expect(shown(many())).toEqual(['root', '>first', '>12× SELECT', '>last']);
    const opened = shown(many(), { open: ['alike s0'] });
    expect(opened).toHaveLength(16);
    expect(opened.slice(2, 5)).toEqual(['>12× SELECT', '>>s0', '>>s1']);
  });

  it('keeps what failed in sight', () => {
    expect(shown(many(5))).toEqual(['root', '>first', '>5× SELECT', '>s5', '>6× SELECT', '>last']);
  });

  it('knows the row that holds a span', () => {
    const tree = many(5);
    expect(alikeRowOf(tree.byKey.get('s7')!)).toBe('alike s6');
    expect(alikeRowOf(tree.byKey.get('s5')!)).toBeNull();
    expect(alikeRowOf(tree.byKey.get('root')!)).toBeNull();
  });

  it('puts records between the spans at their time', () => {
    const tree = buildTree(SMALL, []);
    const logs = [log('a', 50), log('b', 20), log('b', 1.5), log('gone', 0), log('c', 3)];
    expect(shown(tree, { logs })).toEqual([
      'a', '>at 0', '>b', '>>at 1.5', '>>c', '>>>at 3', '>>at 20', '>d', '>at 50',
    ]); // prettier-ignore
    expect(shown(tree, { logs, collapsed: ['b'] })).toEqual(['a', '>at 0', '>b', '>d', '>at 50']);
    const opened = shown(many(), { open: ['alike s0'], logs: [log('s1', 3)] });
    expect(opened.slice(3, 7)).toEqual(['>>s0', '>>s1', '>>>at 3', '>>s2']);
  });

  it('gives every row a key of its own', () => {
    const rows = rowsOf(many().roots, { collapsed: NONE, open: new Set(['alike s0']), logs: null });
    expect(new Set(rows.map((row) => row.key)).size).toBe(rows.length);
  });
});
