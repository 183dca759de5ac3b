/**
 * A list that is live and sorted keeps its order while someone looks closely at it: while the
 * pointer or the focus is inside. Newcomers join at the end until then.
 */
export class Steady<T> {
  /** Not watched: the next data takes notice. */
  engaged = false;
  #order: readonly string[] = [];
  #basis = '';

  constructor(private readonly key: (row: T) => string) {}

  /** The rows in `ranked` order, or in the order of before while engaged. */
  arrange(ranked: readonly T[], basis: string): readonly T[] {
    if (!this.engaged || basis !== this.#basis || !this.#order.length) {
      this.#order = ranked.map(this.key);
      this.#basis = basis;
      return ranked;
    }
    const place = new Map(this.#order.map((key, index) => [key, index]));
    const end = this.#order.length;
    const at = (row: T): number => place.get(this.key(row)) ?? end;
    return [...ranked].sort((a, b) => at(a) - at(b));
  }

  watch = (element: HTMLElement): (() => void) => {
    const into = (): void => void (this.engaged = true);
    const out = (): void =>
      void (this.engaged = element.matches(':hover') || element.matches(':focus-within'));
    element.addEventListener('pointerenter', into);
    element.addEventListener('focusin', into);
    element.addEventListener('pointerleave', out);
    element.addEventListener('focusout', out);
    return () => {
      element.removeEventListener('pointerenter', into);
      element.removeEventListener('focusin', into);
      element.removeEventListener('pointerleave', out);
      element.removeEventListener('focusout', out);
    };
  };
}
