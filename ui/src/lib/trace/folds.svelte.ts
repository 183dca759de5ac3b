/** What of a waterfall is folded away, and how it comes back. */
import { alikeRowOf, type Row } from './rows';
import type { Node, Tree } from './tree';

export class Folds {
  // Whole sets, exchanged: ten thousand rows ask them, and would each be told of a change.
  collapsed = $state.raw<ReadonlySet<string>>(new Set());
  /** Rows of alike spans are folded unless they are here. */
  open = $state.raw<ReadonlySet<string>>(new Set());

  /** Whether anything is other than it was at first. */
  get changed(): boolean {
    return this.collapsed.size > 0 || this.open.size > 0;
  }

  expanded(row: Row): boolean {
    if (row.kind === 'alike') return row.open;
    return row.kind === 'span' && row.node.children.length > 0 && !this.collapsed.has(row.key);
  }

  toggle(row: Row | undefined): void {
    if (row?.kind === 'alike') this.open = flipped(this.open, row.key);
    else if (row?.kind === 'span' && row.node.children.length)
      this.collapsed = flipped(this.collapsed, row.key);
  }

  /** Everything below the roots, or nothing once something is folded. */
  toggleAll(tree: Tree): void {
    const folded = this.changed
      ? []
      : tree.all.filter((node) => node.depth > 0 && node.children.length).map((node) => node.key);
    this.open = new Set();
    this.collapsed = new Set(folded);
  }

  /** Unfold whatever hides a span. */
  reveal(node: Node): void {
    const above = new Set<string>();
    for (let up = node.parent; up; up = up.parent) above.add(up.key);
    if ([...above].some((key) => this.collapsed.has(key)))
      this.collapsed = new Set([...this.collapsed].filter((key) => !above.has(key)));
    const folded = alikeRowOf(node);
    if (folded) this.open = new Set([...this.open, folded]);
  }
}

function flipped(set: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(set);
  if (!next.delete(key)) next.add(key);
  return next;
}
