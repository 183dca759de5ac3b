/**
 * The one place that knows uPlot: it draws axes and paths on a canvas. Pointing, brushing,
 * markers and words are elements above it (`TimeChart.svelte`), so that they take part in
 * focus, themes and touch like everything else.
 */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { axisOf, type Axis, type AxisWish } from './axis';
import { FONT, margin } from './margin';
import { tickText, timeText, timeTicks, type ChartUnit } from './scale';
import { stacked, type ChartKind, type ChartSeries, type Grid } from './series';

export interface PlotSpec extends Grid {
  readonly kind: ChartKind;
  readonly unit: ChartUnit;
  readonly series: readonly ChartSeries[];
  readonly from: number;
  readonly to: number;
  readonly language: string;
  readonly axis?: AxisWish;
}

/** The room around the plotting area, in CSS pixels; the elements above keep to it. */
export const ROOM = { right: 10, top: 14, bottom: 22 } as const;

const known = new WeakMap<PlotSpec, Axis>();

/** The axis of what is drawn, worked out once. */
export function yAxis(spec: PlotSpec): Axis {
  let axis = known.get(spec);
  if (!axis) known.set(spec, (axis = axisOf(spec.kind, spec.unit, spec.series, spec.axis)));
  return axis;
}

const texts = (spec: PlotSpec): string[] =>
  yAxis(spec).ticks.map((each) => tickText(each, spec.unit));

/** The room on the left, which the figures of the axis decide. */
export const leftRoom = (spec: PlotSpec, width: number): number => margin(texts(spec), width);

/** Three failures among a thousand are less than a pixel, and yet what one looks for. */
const LEAST_BAR = 2.5;

function data(spec: PlotSpec, height: number): uPlot.AlignedData {
  const length = Math.max(0, ...spec.series.map((each) => each.values.length));
  const middle = spec.kind === 'bars' ? 0 : spec.step / 2;
  const times = Array.from({ length }, (_, index) => spec.start + index * spec.step + middle);
  const { low, high } = yAxis(spec);
  const least = (LEAST_BAR / Math.max(1, height - ROOM.top - ROOM.bottom)) * (high - low);
  const lists = spec.series.map((each) =>
    spec.kind === 'bars' && !each.quiet
      ? each.values.map((value) =>
          value ? Math.sign(value) * Math.max(Math.abs(value), least) : value,
        )
      : each.values,
  );
  // What reaches farthest is painted first, the others over it.
  const shown = spec.kind === 'lines' ? lists.map((each) => [...each]) : stacked(lists).reverse();
  if (!spec.axis?.log) return [times, ...shown];
  return [times, ...shown.map((each) => each.map((value) => (value && value > 0 ? value : null)))];
}

/** A value with nothing on either side is a dot: a line cannot show it. */
function lonely(u: uPlot, index: number): number[] {
  const values = u.data[index] as (number | null)[];
  return values.flatMap((value, at) =>
    value !== null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null
      ? [at]
      : [],
  );
}

export class Plot {
  #spec: PlotSpec;
  #shape: string;
  #u: uPlot;
  #colors = new Map<string, string>();

  constructor(
    private readonly element: HTMLElement,
    spec: PlotSpec,
    private size: { width: number; height: number },
  ) {
    this.#spec = spec;
    this.#shape = shape(spec);
    this.#u = this.#make();
  }

  update(spec: PlotSpec): void {
    this.#spec = spec;
    const now = shape(spec);
    if (now === this.#shape) {
      this.#u.setData(data(spec, this.size.height), true);
      // The same figures in another unit are of another width, which uPlot does not see.
      this.#u.redraw(false, true);
    } else {
      this.#shape = now;
      this.#u.destroy();
      this.#u = this.#make();
    }
  }

  resize(size: { width: number; height: number }): void {
    if (size.width === this.size.width && size.height === this.size.height) return;
    this.size = size;
    this.#u.setSize(size);
  }

  /** The theme has changed: ask for the colours again. */
  repaint(): void {
    this.#colors.clear();
    this.#u.redraw(true, true);
  }

  destroy(): void {
    this.#u.destroy();
  }

  #color(token: string): string {
    let color = this.#colors.get(token);
    if (color === undefined) {
      color = getComputedStyle(document.documentElement).getPropertyValue(`--${token}`).trim();
      this.#colors.set(token, color);
    }
    return color;
  }

  #series(each: ChartSeries): uPlot.Series {
    const paint = (): string =>
      each.quiet ? mixed(this.#color(each.color), this.#color('bg')) : this.#color(each.color);
    if (this.#spec.kind === 'bars')
      return {
        fill: paint,
        width: 0,
        paths: uPlot.paths.bars?.({ size: [1, Infinity, 1], align: 1, gap: 1 }),
        points: { show: false },
      };
    if (this.#spec.kind === 'areas')
      return { stroke: paint, fill: paint, width: 0.5, points: { show: false } };
    return {
      stroke: paint,
      width: 1.5,
      dash: each.dash ? [...each.dash] : undefined,
      fill: each.fill ? () => `${this.#color(each.color)}29` : undefined,
      points: { show: true, size: 4, fill: paint, stroke: paint, filter: lonely },
    };
  }

  #reach(): [number, number] {
    const { low, high } = yAxis(this.#spec);
    return [low, high];
  }

  #make(): uPlot {
    const spec = this.#spec;
    const series = spec.series.map((each) => this.#series(each));
    const quiet = (): string => this.#color('ink-3');
    const hairline = { stroke: () => this.#color('line'), width: 1 };
    const options: uPlot.Options = {
      ...this.size,
      ms: 1,
      padding: [ROOM.top, ROOM.right, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      select: { show: false, left: 0, top: 0, width: 0, height: 0 },
      scales: {
        x: { time: true, range: () => [this.#spec.from, this.#spec.to] },
        y: { distr: spec.axis?.log ? 3 : 1, range: () => this.#reach() },
      },
      axes: [
        {
          size: ROOM.bottom,
          gap: 4,
          font: FONT,
          stroke: quiet,
          grid: { show: false },
          ticks: { show: false },
          splits: (u) => timeTicks(this.#spec.from, this.#spec.to, u.width / 84).at,
          values: (u, splits) => {
            const { step } = timeTicks(this.#spec.from, this.#spec.to, u.width / 84);
            return splits.map((each) => timeText(each, step, this.#spec.language));
          },
        },
        {
          size: () => leftRoom(this.#spec, this.size.width),
          gap: 8,
          font: FONT,
          stroke: quiet,
          grid: hairline,
          ticks: { show: false },
          splits: () => [...yAxis(this.#spec).ticks],
          // On a logarithmic axis uPlot would leave ticks out; ours are few already.
          filter: (_, splits) => splits,
          values: () => texts(this.#spec),
        },
      ],
      series: [{}, ...(spec.kind === 'lines' ? series : series.reverse())],
    };
    return new uPlot(options, data(spec, this.size.height), this.element);
  }
}

/** Half way between two colours of the tokens. */
function mixed(a: string, b: string): string {
  const parts = (hex: string): number[] =>
    [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const [one, two] = [parts(a), parts(b)];
  const sum = one.map((value, index) => Math.round(0.5 * value + 0.5 * (two[index] ?? 0)));
  return `rgb(${sum.join(' ')})`;
}

function shape(spec: PlotSpec): string {
  return JSON.stringify([
    spec.kind,
    Boolean(spec.axis?.log),
    spec.series.map((each) => [each.color, each.fill, each.quiet, each.dash]),
  ]);
}
