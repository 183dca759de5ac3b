/** The one moment that every chart of the page points at. */
class Crosshair {
  at = $state<number | null>(null);
}

export const crosshair = new Crosshair();
