/** The room that the figures of an upright axis need on its left. */

/** The type of axes on a canvas; elements beside them are of the same size. */
export const FONT = '11px Inter, system-ui, sans-serif';

/** Wide enough for most figures, so that charts below each other stand in line. */
export const LEAST_MARGIN = 56;
const GAP = 8;
/** Margins come in steps: a figure that grows by a digit does not move the chart. */
const STEP = 8;
const MOST = 0.4;

let pen: CanvasRenderingContext2D | null = null;

function drawnWidth(text: string): number {
  pen ??= document.createElement('canvas').getContext('2d');
  if (!pen) return 0;
  pen.font = FONT;
  return pen.measureText(text).width;
}

/** In whole steps, as wide as the widest text; at most a good part of the whole chart. */
export function margin(
  texts: readonly string[],
  whole: number,
  measure: (text: string) => number = drawnWidth,
): number {
  const widest = Math.max(0, ...texts.map(measure));
  const wanted = Math.max(LEAST_MARGIN, Math.ceil((widest + GAP + 2) / STEP) * STEP);
  return Math.round(Math.min(wanted, Math.max(LEAST_MARGIN, whole * MOST)));
}
