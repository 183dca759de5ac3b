/** What is open in the frame: one overlay at a time, and how wide the rail is. */

const STORE = 'qd-rail';

function remembered(): boolean {
  try {
    return localStorage.getItem(STORE) === 'narrow';
  } catch {
    return false;
  }
}

class Frame {
  narrow = $state(remembered());
  drawer = $state(false);
  overlay = $state<'palette' | 'help' | 'time' | null>(null);

  toggleRail = (): void => {
    this.narrow = !this.narrow;
    try {
      localStorage.setItem(STORE, this.narrow ? 'narrow' : 'wide');
    } catch {
      // storage is blocked: the choice lasts as long as the page
    }
  };

  open(what: 'palette' | 'help' | 'time'): void {
    this.drawer = false;
    this.overlay = this.overlay === what ? null : what;
  }

  close(): void {
    this.overlay = null;
  }
}

export const frame = new Frame();

/** `/` goes to the page's search field: the one input marked `data-search`. */
export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>('[data-search]');
  field?.focus();
  field?.select();
}
