/**
 * Keys as people write them: `g o` (one after the other), `ctrl+k`, `?`, `d`, `escape`.
 * Plain keys work only outside text fields; a chord with Ctrl or ⌘ works everywhere.
 */

const SEQUENCE_MS = 1200;

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'button', 'range', 'submit'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** The name of one key press: `k`, `K` stays upper with shift, `ctrl+k`, `escape`. */
export function keyName(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key : event.key.toLowerCase();
  const chord = event.ctrlKey || event.metaKey ? 'ctrl+' : event.altKey ? 'alt+' : '';
  return chord + (chord ? key.toLowerCase() : key);
}

export interface Bound {
  readonly keys?: string;
}

/** Finds what a run of key presses asks for. Remembers the first half of a sequence. */
export class KeyReader {
  #first = '';
  #at = 0;

  read<A extends Bound>(event: KeyboardEvent, actions: readonly A[]): A | null {
    if (event.isComposing || event.defaultPrevented) return null;
    const key = keyName(event);
    if (['shift', 'control', 'alt', 'meta', 'ctrl+control', 'ctrl+meta'].includes(key)) return null;
    const chord = key.startsWith('ctrl+') || key.startsWith('alt+');
    if (!chord && isTyping(event.target)) return null;

    const now = event.timeStamp;
    const sequence = this.#first && now - this.#at < SEQUENCE_MS ? `${this.#first} ${key}` : '';
    this.#first = '';
    const found =
      (sequence && actions.find((action) => action.keys === sequence)) ||
      actions.find((action) => action.keys === key);
    if (found) return found;
    if (actions.some((action) => action.keys?.startsWith(`${key} `))) {
      this.#first = key;
      this.#at = now;
    }
    return null;
  }
}
