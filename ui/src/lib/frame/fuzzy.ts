/** Letters in order, the way people abbreviate; better when they start words or stand together. */

const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();

function startsWord(text: string, at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '');
}

/** How well `text` answers `wanted`: higher is better, 0 is not at all. */
export function score(text: string, wanted: string): number {
  const [hay, needle] = [plain(text), plain(wanted).replace(/\s+/g, '')];
  if (!needle) return 1;
  const whole = hay.indexOf(plain(wanted).trim());
  if (whole >= 0) return 1000 - whole + (startsWord(hay, whole) ? 500 : 0) - hay.length / 100;
  let [points, from] = [0, 0];
  let last = -2;
  for (const letter of needle) {
    const at = hay.indexOf(letter, from);
    if (at < 0) return 0;
    points += startsWord(hay, at) ? 12 : at === last + 1 ? 8 : 1;
    last = at;
    from = at + 1;
  }
  // Letters scattered over a long text are chance, not an abbreviation.
  return points >= 6 * needle.length ? points : 0;
}
