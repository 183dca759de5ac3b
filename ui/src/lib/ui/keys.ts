/** How keys are written on screen: `ctrl+k` → Ctrl K (⌘ K on a Mac), `g o` → G O. */

const NAMES: Record<string, string> = {
  escape: 'Esc',
  enter: 'Enter',
  arrowup: '↑',
  arrowdown: '↓',
  arrowleft: '←',
  arrowright: '→',
  ' ': 'Space',
};

const MAC = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.userAgent);

export function keyLabels(keys: string): string[] {
  return keys.split(' ').flatMap((press) => {
    const parts = press === '+' ? ['+'] : press.split('+');
    const labels = parts.map((part) => {
      if (part === 'ctrl') return MAC ? '⌘' : 'Ctrl';
      if (part === 'alt') return MAC ? '⌥' : 'Alt';
      return NAMES[part] ?? part.toUpperCase();
    });
    return [labels.join(' ')];
  });
}

/** For `aria-keyshortcuts`, which knows chords but no sequences. */
export function ariaKeys(keys: string | undefined): string | undefined {
  return keys?.replace('ctrl+', 'Control+');
}
