/** Where an expression stops making sense, as far as what the server says of it tells. */

const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
const QUOTED = /"(?:[^"\\]|\\.)*("|$)|'(?:[^'\\]|\\.)*('|$)|`[^`]*(`|$)|#.*/g;

/** What is in quotes or a remark, made blank; and where quotes begin that do not end. */
function bare(text: string): { text: string; open: number | null } {
  let open: number | null = null;
  const blank = text.replace(QUOTED, (whole, a?: string, b?: string, c?: string, at = 0) => {
    if (!whole.startsWith('#') && !(a || b || c)) open = Number(at);
    return ' '.repeat(whole.length);
  });
  return { text: blank, open };
}

/** The brackets that were not closed, and the first that closes none. */
function brackets(text: string): { unclosed: number[]; stray: number | null } {
  const unclosed: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at] as string;
    if ('([{'.includes(sign)) unclosed.push(at);
    else if (sign in CLOSING) {
      if (text[unclosed.at(-1) ?? -1] !== CLOSING[sign]) return { unclosed, stray: at };
      unclosed.pop();
    }
  }
  return { unclosed, stray: null };
}

/** The place of a word that stands there but once. */
function placeOf(word: string, text: string): number | null {
  const at = text.indexOf(word);
  return at >= 0 && text.indexOf(word, at + 1) < 0 ? at : null;
}

/** The character to point at; nothing where the complaint is about the whole. */
export function flawOf(complaint: string, expression: string): number | null {
  const { text, open } = bare(expression);
  if (/unterminated/.test(complaint)) return open;
  const { unclosed, stray } = brackets(text);
  if (/unclosed|end of input/.test(complaint))
    return unclosed.at(-1) ?? Math.max(0, expression.trimEnd().length - 1);
  if (/unexpected right/.test(complaint) && stray !== null) return stray;
  const word = /'([^']+)'|syntax: (\S+)$/.exec(complaint);
  return word ? placeOf(word[1] ?? word[2] ?? '', text) : (stray ?? unclosed.at(-1) ?? null);
}
