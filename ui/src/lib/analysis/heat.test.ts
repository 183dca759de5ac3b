import { describe, expect, it } from 'vitest';
import type { Durations, Point } from './asked';
import {
  across,
  byRow,
  cellAt,
  decades,
  down,
  durationAt,
  frameOf,
  mixed,
  named,
  nearest,
  timeAt,
} from './heat';

const data: Durations = {
  start_ms: 1000, step_ms: 100, columns: 3, edges_ms: [1, 10, 100],
  column: [0, 2, 2], row: [0, 0, 1], ok: [5, 0, 1], error: [0, 2, 0],
  count: 8, errors: 2, p50_ms: 3, p95_ms: 30, p99_ms: 30,
}; // prettier-ignore
const frame = frameOf(data, 1000, 1300);

describe('the picture of durations', () => {
  it('finds places and what lies there, both ways', () => {
    expect([across(frame, 1150), down(frame, 10)]).toEqual([0.5, 0.5]);
    expect(timeAt(frame, 0.5)).toBe(1150);
    expect(durationAt(frame, 0.5)).toBeCloseTo(10);
    expect(decades(frame)).toEqual([1, 10, 100]);
  });
  it('names the marks whose words find room', () => {
    const marks = [3, 30, 40, 60].map((at) => ({ name: `${at}`, at }));
    const names = (height: number): string[] => named(marks, frame, height).map(({ name }) => name);
    expect(names(1000)).toEqual(['3', '30', '40', '60']);
    expect(names(130)).toEqual(['3', '30', '60']);
    expect(names(60)).toEqual(['3', '30']);
  });
  it('knows its cells and its rows', () => {
    expect(cellAt(data, 1250, 5)).toEqual({
      ok: 0,
      error: 2,
      from: 1200,
      to: 1300,
      min: 1,
      max: 10,
    });
    expect(cellAt(data, 1150, 50)).toMatchObject({ ok: 0, error: 0 });
    expect(cellAt(data, 900, 5)).toBeNull();
    expect(cellAt(data, 1050, 500)).toBeNull();
    expect(byRow(data)).toEqual([
      { ok: 5, error: 2 },
      { ok: 1, error: 0 },
    ]);
  });
  it('finds the nearest point, if one is near', () => {
    const point = (time_ms: number, duration_ms: number): Point => ({
      trace_id: '1', span_id: `${time_ms}`, time_ms, duration_ms, error: false, service: 's', name: 'n',
    }); // prettier-ignore
    const size = { width: 300, height: 200 };
    const points = [point(1100, 10), point(1106, 10)];
    expect(nearest(points, frame, { x: 105, y: 100 }, size)).toBe(points[1]);
    expect(nearest(points, frame, { x: 200, y: 20 }, size)).toBeNull();
  });
  it('mixes colours of the theme', () => {
    expect(mixed('#000000', '#ffffff', 0.5)).toBe('#808080');
    expect(mixed('#102030', '#ff0000', 0)).toBe('#102030');
  });
});
