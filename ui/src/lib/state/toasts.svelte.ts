/** Short messages at the edge of the screen; the way back from what was just done. */

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'error';
  readonly undo?: () => void;
}

const SECONDS = 6;

class Toasts {
  items = $state.raw<readonly Toast[]>([]);
  #next = 1;

  say(text: string, options: { undo?: () => void; tone?: Toast['tone'] } = {}): void {
    const toast: Toast = {
      id: this.#next++,
      text,
      tone: options.tone ?? 'plain',
      undo: options.undo,
    };
    this.items = [...this.items.slice(-2), toast];
    const seconds = options.undo || toast.tone === 'error' ? 2 * SECONDS : SECONDS;
    setTimeout(() => this.drop(toast.id), seconds * 1000);
  }

  drop(id: number): void {
    this.items = this.items.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();
