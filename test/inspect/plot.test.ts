/** Charts: what they span, which samples they draw, and which line is meant by a pointer. */
import { expect, test } from 'vitest';
import {
  createFrame,
  firstFrom,
  nearestLine,
  samplesBetween,
  type PlotData,
} from '../../src/inspect/page/drawing/plot/frame.ts';
import { trace } from '../../src/inspect/page/drawing/plot/lines.ts';

const AT = [0, 100, 200, 300, 400];
const DATA: PlotData = {
  at: AT,
  series: [
    { name: 'low', colour: 0, values: [1, 2, 1, 2, 1] },
    { name: 'high', colour: 1, values: [null, 10, 20, 10, 8] },
  ],
};

function traced(data: PlotData, series: number, range?: readonly [number, number], width = 470) {
  const frame = createFrame(data, range, width, 130);
  const points: [number, number][] = [];
  trace(
    { lineTo: (x, y) => points.push([x, y]) },
    frame,
    data.at,
    data.series[series]?.values ?? [],
  );
  return { frame, points };
}

test('a chart spans all samples, or the range that is chosen, from 0 to a little above the most', () => {
  const whole = createFrame(DATA, undefined, 470, 130);
  expect([whole.from, whole.to]).toEqual([0, 400]);
  expect(whole.most).toBeCloseTo(22);
  expect(whole.toX(0)).toBe(whole.left);
  expect(whole.toX(400)).toBe(whole.right);
  expect(whole.toY(0)).toBe(whole.bottom);
  expect(whole.toAt(whole.toX(123))).toBeCloseTo(123);
  // Beside the plot, the moment is that of its edge.
  expect(whole.toAt(-50)).toBe(0);
  const part = createFrame(DATA, [290, 310], 470, 130);
  expect([part.from, part.to]).toEqual([290, 310]);
});

test('nothing but zeros, and no samples at all, have a scale too', () => {
  const zeros = { at: [0, 1], series: [{ name: 'z', colour: 0, values: [0, 0] }] };
  expect(createFrame(zeros, undefined, 400, 100).most).toBe(1);
  const { from, to, most } = createFrame({ at: [], series: [] }, undefined, 400, 100);
  expect([from, to, most]).toEqual([0, 1, 1]);
});

test('samples are found by time, with one more on each side', () => {
  expect([-1, 0, 50, 400, 401].map((time) => firstFrom(AT, time))).toEqual([0, 0, 1, 4, 5]);
  expect(samplesBetween(AT, 150, 250)).toEqual([1, 3]);
  expect(samplesBetween(AT, -10, 1000)).toEqual([0, 4]);
});

test('a line goes through its values, and over gaps', () => {
  const { frame, points } = traced(DATA, 1);
  expect(points.map(([x]) => x)).toEqual(
    [100, 200, 300, 400].map((at) => Math.round(frame.toX(at))),
  );
  expect(points[1]?.[1]).toBeCloseTo(frame.toY(20));
});

test('of samples within one pixel the lowest and the highest are drawn', () => {
  const at = Array.from({ length: 4000 }, (_, index) => index);
  const values = at.map((index) => (index === 1234 ? 1000 : index === 2345 ? 0 : 500));
  const { frame, points } = traced(
    { at, series: [{ name: 'spikes', colour: 0, values }] },
    0,
    undefined,
    200,
  );
  expect(points.length).toBeLessThan(150);
  const ys = points.map(([, y]) => y);
  expect(Math.min(...ys)).toBeCloseTo(frame.toY(1000));
  expect(Math.max(...ys)).toBeCloseTo(frame.toY(0));
  expect(points.map(([x]) => x)).toEqual(points.map(([x]) => x).toSorted((a, b) => a - b));
});

test('the line that is near is meant, and none where none is', () => {
  const frame = createFrame(DATA, undefined, 470, 130);
  const near = nearestLine(DATA, frame, frame.toX(190), frame.toY(19));
  expect(near).toMatchObject({ at: 200, value: 20, series: { name: 'high' } });
  expect(nearestLine(DATA, frame, frame.toX(0), frame.toY(1))?.series.name).toBe('low');
  expect(nearestLine(DATA, frame, frame.toX(0), frame.toY(20))).toBeUndefined();
});
