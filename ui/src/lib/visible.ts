/**
 * Text that others sent, made harmless to look at: control characters stand as their symbols (an
 * escape is ␛), what would turn the order of writing or cannot be seen stands as its number. Line
 * ends and tabs stay. What is copied or searched for is the text itself.
 */
const UNSEEN =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

function symbol(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return '␡';
  return `⟨${code.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}

export function visible(text: string): string {
  // The return before a line's end says nothing.
  return text.replaceAll('\r\n', '\n').replace(UNSEEN, symbol);
}
