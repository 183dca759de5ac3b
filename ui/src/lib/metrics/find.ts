/** Metrics by what they are called and what is said of them. */

interface Described {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** All words stand in its name, type or help; those called like this come first. */
export function find<T extends Described>(metrics: readonly T[], sought: string): T[] {
  const text = sought.trim().toLowerCase();
  const words = text.split(/\s+/);
  const rank = (name: string): number =>
    name === text
      ? 0
      : name.startsWith(text)
        ? 1
        : words.every((each) => name.includes(each))
          ? 2
          : 3;
  return metrics
    .filter(({ name, type, help }) => {
      const all = `${name} ${help} ${type}`.toLowerCase();
      return words.every((each) => all.includes(each));
    })
    .map((metric) => ({ metric, rank: rank(metric.name.toLowerCase()) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ metric }) => metric);
}
