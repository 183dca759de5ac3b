/**
 * The part of Markdown that notes need, as a tree: headings, paragraphs, lists, quotes, code, rules,
 * tables; strong, emphasis, code, links. There is no HTML in it, so what is written can only be text.
 */

export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'break' }
  | { readonly kind: 'strong' | 'em'; readonly inside: readonly Inline[] }
  | { readonly kind: 'link'; readonly href: string; readonly inside: readonly Inline[] };

export type Block =
  | { readonly kind: 'heading'; readonly level: number; readonly inside: readonly Inline[] }
  | { readonly kind: 'paragraph'; readonly inside: readonly Inline[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'rule' }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly Block[][] }
  | {
      readonly kind: 'table';
      readonly head: readonly Inline[][];
      readonly rows: readonly Inline[][][];
    };

/** Blocks within blocks: deeper than this is text. */
const DEEPEST = 6;

/** Only addresses of the web, of mail, and of this application. */
export const safe = (href: string): boolean =>
  /^(https?:\/\/|mailto:)/i.test(href) || /^\/(?![/\\])/.test(href) || href.startsWith('#');

const INLINE =
  /\\([\\`*_{}[\]<>()#+\-.!|~])|(`+)([\s\S]*?[^`])\2(?!`)|!?\[((?:[^[\]\\]|\\.)*)\]\(\s*([^\s()]+)(?:\s+"[^"]*")?\s*\)|(\*\*|__)(?=\S)([\s\S]*?\S)\6|([*_])(?=\S)([^*_\n]*?\S)\8(?!\w)|(https?:\/\/[^\s<>()"']+[^\s<>()"'.,;:!?])|( {2,}\n)/g;

export function inline(text: string, depth = 0): Inline[] {
  if (depth > DEEPEST) return [{ kind: 'text', text }];
  const out: Inline[] = [];
  const say = (more: string): void => {
    const last = out.at(-1);
    if (!more) return;
    if (last?.kind === 'text') out[out.length - 1] = { kind: 'text', text: last.text + more };
    else out.push({ kind: 'text', text: more });
  };
  let at = 0;
  for (const found of text.matchAll(INLINE)) {
    say(text.slice(at, found.index));
    at = found.index + found[0].length;
    const [all, escaped, , code, label, href, , strong, , em, bare, gap] = found;
    if (escaped !== undefined) say(escaped);
    else if (code !== undefined) out.push({ kind: 'code', text: code.trim() });
    else if (href !== undefined) {
      if (safe(href)) out.push({ kind: 'link', href, inside: inline(label || href, depth + 1) });
      else say(all);
    } else if (strong !== undefined)
      out.push({ kind: 'strong', inside: inline(strong, depth + 1) });
    else if (em !== undefined) out.push({ kind: 'em', inside: inline(em, depth + 1) });
    else if (bare !== undefined)
      out.push({ kind: 'link', href: bare, inside: [{ kind: 'text', text: bare }] });
    else if (gap !== undefined) out.push({ kind: 'break' });
  }
  say(text.slice(at));
  return out;
}

const ITEM = /^(\s{0,3})([-*+]|\d{1,9}[.)])\s+(.*)$/;
const cells = (line: string): Inline[][] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => inline(cell.trim()));

export function blocks(text: string, depth = 0): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  if (depth > DEEPEST) return [{ kind: 'paragraph', inside: [{ kind: 'text', text }] }];
  const out: Block[] = [];
  let words: string[] = [];
  const flush = (): void => {
    if (words.length) out.push({ kind: 'paragraph', inside: inline(words.join('\n')) });
    words = [];
  };
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] as string;
    const fence = /^\s{0,3}(```+|~~~+)/.exec(line)?.[1];
    const heading = /^\s{0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
    const item = ITEM.exec(line);
    if (fence) {
      flush();
      const begun = ++at;
      while (at < lines.length && !(lines[at] as string).trim().startsWith(fence)) at++;
      out.push({ kind: 'code', text: lines.slice(begun, at).join('\n') });
    } else if (heading) {
      flush();
      const [, signs = '#', title = ''] = heading;
      out.push({ kind: 'heading', level: signs.length, inside: inline(title) });
    } else if (/^\s{0,3}([-*_])(\s*\1){2,}\s*$/.test(line)) {
      flush();
      out.push({ kind: 'rule' });
    } else if (/^\s{0,3}>/.test(line)) {
      flush();
      const begun = at;
      while (at + 1 < lines.length && /^\s{0,3}>/.test(lines[at + 1] as string)) at++;
      const quoted = lines.slice(begun, at + 1).map((each) => each.replace(/^\s{0,3}>\s?/, ''));
      out.push({ kind: 'quote', blocks: blocks(quoted.join('\n'), depth + 1) });
    } else if (
      line.includes('|') &&
      /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[at + 1] ?? '')
    ) {
      flush();
      const head = cells(line);
      at++;
      const rows: Inline[][][] = [];
      while ((lines[at + 1] ?? '').includes('|')) rows.push(cells(lines[++at] as string));
      out.push({ kind: 'table', head, rows });
    } else if (item) {
      flush();
      const ordered = /\d/.test(item[2] as string);
      const items: string[][] = [];
      for (; at < lines.length; at++) {
        const next = lines[at] as string;
        const begins = ITEM.exec(next);
        if (begins && /\d/.test(begins[2] as string) === ordered) items.push([begins[3] as string]);
        else if (/^\s{2,}\S/.test(next)) items.at(-1)?.push(next.replace(/^\s{2,4}/, ''));
        else break;
      }
      at--;
      out.push({
        kind: 'list',
        ordered,
        items: items.map((each) => blocks(each.join('\n'), depth + 1)),
      });
    } else if (!line.trim()) flush();
    else words.push(line);
  }
  flush();
  return out;
}
