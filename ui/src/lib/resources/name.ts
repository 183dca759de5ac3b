/** A name for addresses and files, made from a title, that none of the others has. */
export function nameOf(title: string, others: readonly string[], otherwise: string): string {
  const base =
    title
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '')
      .slice(0, 56)
      .replace(/-+$/, '') || otherwise;
  let name = base;
  for (let n = 2; others.includes(name); n++) name = `${base}-${n}`;
  return name;
}
