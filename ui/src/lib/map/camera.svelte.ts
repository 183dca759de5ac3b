/** Which part of a drawing is in sight, and how large. */

const CLOSEST = 2;
const FARTHEST = 0.15;
const MARGIN = 28;
const LARGE = 1.15;

interface Size {
  readonly width: number;
  readonly height: number;
}

export class Camera {
  x = $state(0);
  y = $state(0);
  scale = $state(1);
  /** Someone has chosen what to look at: do not fit by ourselves any more. */
  held = $state(false);

  get transform(): string {
    return `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }

  /** All of a drawing, as large as it gets but hardly larger than life; or no smaller than `least`. */
  fit(screen: Size, drawing: Size, least = FARTHEST): void {
    if (!screen.width || !screen.height) return;
    const scale = Math.min(
      LARGE,
      (screen.width - 2 * MARGIN) / Math.max(1, drawing.width),
      (screen.height - 2 * MARGIN) / Math.max(1, drawing.height),
    );
    this.scale = Math.max(least, scale);
    // What does not fit begins at its left, where everything begins.
    this.x = Math.max(MARGIN, (screen.width - drawing.width * this.scale) / 2);
    this.y = (screen.height - drawing.height * this.scale) / 2;
    this.held = false;
  }

  zoom(by: number, at: { readonly x: number; readonly y: number }): void {
    const scale = Math.min(CLOSEST, Math.max(FARTHEST, this.scale * by));
    const ratio = scale / this.scale;
    this.x = at.x - (at.x - this.x) * ratio;
    this.y = at.y - (at.y - this.y) * ratio;
    this.scale = scale;
    this.held = true;
  }

  pan(dx: number, dy: number): void {
    this.x += dx;
    this.y += dy;
    this.held = true;
  }

  /** Move as little as it takes to have a box in sight. */
  reveal(screen: Size, box: Size & { readonly x: number; readonly y: number }): void {
    const [left, top] = [box.x * this.scale + this.x, box.y * this.scale + this.y];
    const [right, bottom] = [left + box.width * this.scale, top + box.height * this.scale];
    const dx = left < MARGIN ? MARGIN - left : Math.min(0, screen.width - MARGIN - right);
    const dy = top < MARGIN ? MARGIN - top : Math.min(0, screen.height - MARGIN - bottom);
    if (dx || dy) this.pan(dx, dy);
  }
}
