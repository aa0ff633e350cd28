/** Where things are on the timeline: lanes, moments, and how often it is drawn. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { placeLanes } from '../../src/inspect/page/drawing/gantt/lanes.ts';
import { createTimeScale, LABELS } from '../../src/inspect/page/drawing/gantt/time-scale.ts';
import { niceStep } from '../../src/inspect/page/drawing/nice-step.ts';
import { paced } from '../../src/inspect/page/drawing/paced.ts';
import type { TaskBar } from '../../src/run-model/index.ts';

const bar = (operator: number, slot: number): TaskBar => ({ operator, slot }) as TaskBar;

test('each operator has a lane for each slot, and at least one', () => {
  const { list, first, slots, height, bottom } = placeLanes(
    3,
    [bar(0, 0), bar(2, 3), bar(2, 1)],
    400,
  );
  expect(slots).toEqual([1, 1, 4]);
  expect(first).toEqual([0, 1, 2]);
  expect(list.map(({ operator, slot }) => [operator, slot])).toEqual([
    ...[
      [0, 0],
      [1, 0],
    ],
    ...[0, 1, 2, 3].map((slot) => [2, slot]),
  ]);
  for (const [index, lane] of list.entries()) {
    const next = list[index + 1]?.y ?? bottom;
    expect(next - lane.y).toBeGreaterThanOrEqual(height);
  }
});

test('lanes share the room there is, and stay high enough to be seen', () => {
  expect(placeLanes(2, [], 1000).height).toBe(28);
  const many = placeLanes(100, [], 500);
  expect(many.height).toBe(7);
  expect(many.bottom).toBeGreaterThan(500);
});

test('a task of an operator that is not in the plan has no lane', () => {
  expect(placeLanes(1, [bar(7, 2)], 300).list).toHaveLength(1);
});

test('moments are where the scale says, and back', () => {
  const { toX, toAt, msPerPixel, width } = createTimeScale({ from: 1000, to: 3000 }, LABELS + 508);
  expect(width).toBe(500);
  expect(msPerPixel).toBe(4);
  expect(toX(1000)).toBe(LABELS);
  expect(toX(3000)).toBe(LABELS + 500);
  expect(toAt(toX(1234))).toBeCloseTo(1234);
});

test.each([
  [0.3, 0.5],
  [0.2, 0.2],
  [0.0011, 0.002],
  [3, 5],
  [11, 20],
  [600, 1000],
  [5000, 5000],
])('numbers at least %s apart are %s apart', (least, step) => {
  expect(niceStep(least)).toBeCloseTo(step, 9);
});

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a drawing rests so many times as long as it took, and not where somebody waits', () => {
  let drawn = 0;
  const pace = paced(() => {
    drawn += 1;
    // As long as it takes.
    vi.setSystemTime(Date.now() + 10);
    vi.advanceTimersByTime(10);
  }, 4);
  pace.soon();
  expect(drawn).toBe(1);
  pace.soon();
  pace.soon();
  vi.advanceTimersByTime(39);
  expect(drawn).toBe(1);
  vi.advanceTimersByTime(2);
  expect(drawn).toBe(2);
  pace.soon();
  pace.now();
  expect(drawn).toBe(3);
  // What was due is drawn by then.
  vi.advanceTimersByTime(1000);
  expect(drawn).toBe(3);
  pace.soon();
  expect(drawn).toBe(4);
  pace.soon();
  pace.cancel();
  vi.advanceTimersByTime(1000);
  expect(drawn).toBe(4);
});
