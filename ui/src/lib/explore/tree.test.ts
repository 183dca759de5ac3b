import { describe, expect, it } from 'vitest';
import { buildTree, criticalPath, rowsOf, serviceShares } from './tree';
import type { Span } from './types';

function span(id: string, parent: string, offset: number, duration: number, more = {}): Span {
  return {
    span_id: id,
    environment: '',
    release: '',
    parent_span_id: parent,
    service: 'web',
    name: id,
    kind: 'internal',
    status: 'unset',
    status_message: '',
    offset_ns: offset,
    duration_ns: duration,
    self_ns: duration,
    scope: { name: '', version: '' },
    events: [],
    links: [],
    attributes: {},
    resource: {},
    ...more,
  };
}

const names = (spans: Span[], collapsed: string[] = []): string[] =>
  rowsOf(buildTree(spans), new Set(collapsed)).map(
    (node) => '>'.repeat(node.depth) + node.span.span_id,
  );

describe('the tree of a trace', () => {
  it('puts children under their parents in order of time', () => {
    const spans = [span('c', 'a', 5, 1), span('a', '', 0, 10), span('b', 'a', 1, 2)];
    expect(names(spans)).toEqual(['a', '>b', '>c']);
  });

  it('shows spans whose parent never arrived as roots', () => {
    expect(names([span('a', '', 0, 10), span('x', 'gone', 3, 1)])).toEqual(['a', 'x']);
  });

  it('does not go round when parents do', () => {
    const spans = [span('a', 'b', 0, 1), span('b', 'a', 0, 1), span('c', 'c', 0, 1)];
    expect(names(spans)).toEqual(['c', 'a', '>b']);
  });

  it('hides what is below a collapsed row and counts it', () => {
    const spans = [
      span('a', '', 0, 10),
      span('b', 'a', 1, 2),
      span('c', 'b', 1, 1, { status: 'error' }),
    ];
    expect(names(spans, ['a'])).toEqual(['a']);
    expect(buildTree(spans)[0]).toMatchObject({ below: 2, errorsBelow: 1 });
  });

  it('takes thousands of nested spans', () => {
    const spans = Array.from({ length: 5000 }, (_, i) => span(`s${i}`, i ? `s${i - 1}` : '', i, 1));
    expect(names(spans)).toHaveLength(5000);
  });

  it('finds the spans that the end waited for', () => {
    const spans = [
      span('a', '', 0, 100),
      span('early', 'a', 0, 40),
      span('beside', 'a', 10, 20),
      span('late', 'a', 45, 50),
    ];
    expect([...criticalPath(buildTree(spans))].sort()).toEqual(['a', 'early', 'late']);
  });

  it('divides the time among services by self time', () => {
    const spans = [
      span('a', '', 0, 100, { self_ns: 25 }),
      span('b', 'a', 0, 75, { service: 'db' }),
    ];
    expect(serviceShares(spans).map(({ service, share }) => [service, share])).toEqual([
      ['web', 0.25],
      ['db', 0.75],
    ]);
  });
});
