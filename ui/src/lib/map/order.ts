/** The order of what stands in each layer, and how high: few crossings, straight edges. */

export interface Row {
  readonly id: string;
  readonly size: number;
  /** Room it wants around it. */
  readonly gap: number;
  readonly left: Row[];
  readonly right: Row[];
}

const SWEEPS = 16;
const SETTLE = 12;

/**
 * Orders the layers in place; the upper edge of every row, the highest at 0. With heights of
 * `before` what stands keeps its order, and newcomers join where their neighbours are.
 */
export function best(
  layers: Row[][],
  before: ReadonlyMap<string, number> | null,
): Map<string, number> {
  if (before) join(layers, before);
  else untangle(layers);
  return heights(layers);
}

function join(layers: Row[][], before: ReadonlyMap<string, number>): void {
  const known = (rows: readonly Row[]): number[] => rows.flatMap((row) => before.get(row.id) ?? []);
  const mean = (all: readonly number[]): number =>
    all.length ? all.reduce((sum, each) => sum + each, 0) / all.length : Infinity;
  const at = (row: Row): number =>
    before.get(row.id) ?? Math.min(mean(known(row.left)), mean(known(row.right)));
  for (const layer of layers)
    layer.sort((a, b) => {
      const [first, second] = [at(a), at(b)];
      return first === second ? 0 : first - second;
    });
}

function untangle(layers: Row[][]): void {
  let order = layers.map((layer) => [...layer]);
  let least = crossings(order);
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    const forward = sweep % 2 === 0;
    const indices = layers.map((_, index) => index);
    for (const index of forward ? indices : indices.reverse())
      byBarycentre(layers, index, forward ? 'left' : 'right');
    const found = crossings(layers);
    if (found < least) {
      least = found;
      order = layers.map((layer) => [...layer]);
    }
  }
  order.forEach((layer, index) => (layers[index] = layer));
  swap(layers);
}

function places(layers: readonly Row[][]): Map<Row, number> {
  return new Map(layers.flatMap((layer) => layer.map((row, index) => [row, index] as const)));
}

function byBarycentre(layers: Row[][], index: number, side: 'left' | 'right'): void {
  const layer = layers[index] as Row[];
  const place = places(layers);
  const weight = new Map(
    layer.map((row, at) => {
      const near = row[side];
      // Without neighbours on this side a row stays about where it is.
      const mean = near.reduce((sum, each) => sum + (place.get(each) ?? 0), 0) / near.length;
      const scale =
        (layer.length - 1) /
        Math.max(1, (layers[index + (side === 'left' ? -1 : 1)]?.length ?? 1) - 1);
      return [row, near.length ? mean * (scale || 1) : at];
    }),
  );
  layer.sort((a, b) => (weight.get(a) ?? 0) - (weight.get(b) ?? 0));
}

/** Neighbours change places as long as that makes edges cross less. */
function swap(layers: Row[][]): void {
  for (let round = 0; round < 4; round++) {
    let better = false;
    for (const layer of layers) {
      for (let at = 1; at < layer.length; at++) {
        const [a, b] = [layer[at - 1] as Row, layer[at] as Row];
        const place = places(layers);
        if (between(b, a, place) >= between(a, b, place)) continue;
        layer[at - 1] = b;
        layer[at] = a;
        better = true;
      }
    }
    if (!better) return;
  }
}

/** How often the edges of `upper` cross those of `lower`. */
function between(upper: Row, lower: Row, place: ReadonlyMap<Row, number>): number {
  let found = 0;
  for (const side of ['left', 'right'] as const)
    for (const a of upper[side])
      for (const b of lower[side]) if ((place.get(a) ?? 0) > (place.get(b) ?? 0)) found++;
  return found;
}

export function crossings(layers: readonly Row[][]): number {
  const place = places(layers);
  let found = 0;
  for (const layer of layers) {
    const ends = layer.flatMap((row) =>
      row.right.map((each) => place.get(each) ?? 0).sort((a, b) => a - b),
    );
    ends.forEach((end, at) => {
      for (let next = at + 1; next < ends.length; next++) if ((ends[next] ?? 0) < end) found++;
    });
  }
  return found;
}

/** Each row as near to its neighbours as the others of its layer allow. */
function heights(layers: readonly Row[][]): Map<string, number> {
  const middle = new Map<Row, number>();
  for (const layer of layers) spread(layer, () => 0, middle);
  for (let pass = 0; pass < SETTLE; pass++) {
    const forward = pass % 2 === 0;
    for (const layer of forward ? layers : [...layers].reverse()) {
      spread(
        layer,
        (row) => {
          const near =
            pass < SETTLE - 2 ? row[forward ? 'left' : 'right'] : [...row.left, ...row.right];
          if (!near.length) return middle.get(row) ?? 0;
          return near.reduce((sum, each) => sum + (middle.get(each) ?? 0), 0) / near.length;
        },
        middle,
      );
    }
  }
  const top = Math.min(0, ...[...middle].map(([row, at]) => at - row.size / 2));
  return new Map([...middle].map(([row, at]) => [row.id, Math.round(at - row.size / 2 - top)]));
}

/** Rows of a layer at what they wish for, in their order and with room between them. */
function spread(layer: readonly Row[], wish: (row: Row) => number, middle: Map<Row, number>): void {
  // Offsets turn "at least so far apart" into "not before", and blocks that clash share a mean.
  let offset = 0;
  const offsets = layer.map((row, index) => {
    const last = layer[index - 1];
    if (last) offset += (last.size + row.size + last.gap + row.gap) / 2;
    return offset;
  });
  const blocks: { sum: number; count: number }[] = [];
  layer.forEach((row, index) => {
    let block = { sum: wish(row) - (offsets[index] ?? 0), count: 1 };
    for (
      let last = blocks.at(-1);
      last && last.sum / last.count >= block.sum / block.count;
      last = blocks.at(-1)
    ) {
      blocks.pop();
      block = { sum: last.sum + block.sum, count: last.count + block.count };
    }
    blocks.push(block);
  });
  let index = 0;
  for (const { sum, count } of blocks)
    for (let each = 0; each < count; each++, index++)
      middle.set(layer[index] as Row, sum / count + (offsets[index] ?? 0));
}
