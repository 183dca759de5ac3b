/**
 * The rows of a waterfall: the tree in order without what is folded, spans that are alike as one
 * row, and log records between the spans at their time.
 */
import { isError, type Node } from './tree';
import type { LogLine } from './types';

export type Row =
  | { readonly kind: 'span'; readonly key: string; readonly depth: number; readonly node: Node }
  | {
      readonly kind: 'alike';
      readonly key: string;
      readonly depth: number;
      readonly nodes: readonly Node[];
      readonly open: boolean;
    }
  | {
      readonly kind: 'log';
      readonly key: string;
      readonly depth: number;
      readonly log: LogLine;
      /** The span that it was written in, or the root. */
      readonly node: Node;
    };

/** So many of a kind, one after the other, say no more than one of them with their number. */
const ALIKE = 5;

export interface Shown {
  readonly collapsed: ReadonlySet<string>;
  /** Rows of alike spans that are open. */
  readonly open: ReadonlySet<string>;
  /** Log records by the key of their span; null without them. */
  readonly logs: ReadonlyMap<string, readonly LogLine[]> | null;
}

const plain = (node: Node): boolean => !node.children.length && !isError(node.span);

const alike = (a: Node, b: Node): boolean =>
  a.span.name === b.span.name && a.span.service === b.span.service;

/** The key of the row in which a span would be folded away. */
const alikeKey = (first: Node): string => `alike ${first.key}`;

/** Children in runs: those that are alike together, every other one alone. */
function runs(children: readonly Node[]): Node[][] {
  const found: Node[][] = [];
  for (let at = 0; at < children.length;) {
    const first = children[at] as Node;
    let end = at + 1;
    if (plain(first))
      while (end < children.length) {
        const next = children[end] as Node;
        if (!plain(next) || !alike(first, next)) break;
        end++;
      }
    if (end - at < ALIKE) end = at + 1;
    found.push(children.slice(at, end));
    at = end;
  }
  return found;
}

/** The folded row that holds a span, if one does. */
export function alikeRowOf(node: Node): string | null {
  const run = runs(node.parent?.children ?? []).find((each) => each.includes(node));
  return run && run.length > 1 ? alikeKey(run[0] as Node) : null;
}

export function rowsOf(roots: readonly Node[], { collapsed, open, logs }: Shown): Row[] {
  const rows: Row[] = [];
  type Step = { readonly at: number; readonly row: Row; readonly below: readonly Node[] };
  const spanStep = (node: Node, depth: number): Step => ({
    at: node.span.offset_ns,
    row: { kind: 'span', key: node.key, depth, node },
    below: collapsed.has(node.key) ? [] : node.children,
  });
  const stack: Step[] = [];

  /** What stands below a row, the first on top of the stack. */
  function push(children: readonly Node[], parent: Node | null, depth: number): void {
    const steps: Step[] = [];
    for (const run of parent ? runs(children) : children.map((node) => [node])) {
      const first = run[0] as Node;
      if (run.length === 1) {
        steps.push(spanStep(first, depth));
        continue;
      }
      const key = alikeKey(first);
      const row: Row = { kind: 'alike', key, depth, nodes: run, open: open.has(key) };
      steps.push({ at: first.span.offset_ns, row, below: [] });
    }
    const written = parent && !collapsed.has(parent.key) ? (logs?.get(parent.key) ?? []) : [];
    written.forEach((log, index) => {
      const row: Row = {
        kind: 'log',
        key: `log ${parent?.key} ${index}`,
        depth,
        log,
        node: parent as Node,
      };
      steps.push({ at: log.offset_ns, row, below: [] });
    });
    if (written.length) steps.sort((a, b) => a.at - b.at);
    for (let index = steps.length - 1; index >= 0; index--) stack.push(steps[index] as Step);
  }

  push(roots, null, 0);
  for (let step = stack.pop(); step; step = stack.pop()) {
    const { row } = step;
    rows.push(row);
    if (row.kind === 'span') push(step.below, row.node, row.depth + 1);
    else if (row.kind === 'alike' && row.open)
      for (const node of row.nodes) {
        rows.push({ kind: 'span', key: node.key, depth: row.depth + 1, node });
        push([], node, row.depth + 2);
        // What was written in one of them stands right below it.
        for (
          let next = stack.at(-1);
          next?.row.kind === 'log' && next.row.node === node;
          next = stack.at(-1)
        )
          rows.push((stack.pop() as Step).row);
      }
  }
  return rows;
}

/** Records by the span they were written in; those of no span that is here go to the first root. */
export function logsBySpan(
  logs: readonly LogLine[],
  byKey: ReadonlyMap<string, Node>,
  roots: readonly Node[],
): Map<string, LogLine[]> {
  const found = new Map<string, LogLine[]>();
  for (const log of logs) {
    const key = byKey.has(log.span_id) ? log.span_id : roots[0]?.key;
    if (key === undefined) continue;
    const list = found.get(key);
    if (list) list.push(log);
    else found.set(key, [log]);
  }
  return found;
}
