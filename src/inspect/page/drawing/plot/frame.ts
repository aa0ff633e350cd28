/** What a chart shows, and where it is on its canvas, in CSS pixels. */

export interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
  /** Index of the colour; undefined: the colour of limits. */
  readonly colour: number | undefined;
  readonly dashed?: boolean;
}

export interface PlotData {
  /** Ascending. */
  readonly at: readonly number[];
  /** Each with a value for each moment. */
  readonly series: readonly Series[];
}

export interface PlotFrame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly from: number;
  readonly to: number;
  /** Values from 0 to this have room. */
  readonly most: number;
  readonly toX: (at: number) => number;
  readonly toAt: (x: number) => number;
  readonly toY: (value: number) => number;
}

const [LEFT, RIGHT, TOP, BOTTOM] = [60, 10, 6, 24];
/** Room above the highest value. */
const HEADROOM = 1.1;

export function createFrame(
  data: PlotData,
  range: readonly [number, number] | undefined,
  width: number,
  height: number,
): PlotFrame {
  const [from, end] = range ?? [data.at[0] ?? 0, data.at.at(-1) ?? 1];
  const to = Math.max(end, from + 1);
  const [right, bottom] = [Math.max(LEFT + 10, width - RIGHT), height - BOTTOM];
  const highest = highestValue(data, from, to);
  const most = highest > 0 ? highest * HEADROOM : 1;
  const msPerPixel = (to - from) / (right - LEFT);
  return {
    ...{ left: LEFT, right, top: TOP, bottom, from, to, most },
    toX: (at) => LEFT + (at - from) / msPerPixel,
    toAt: (x) => from + (Math.min(right, Math.max(LEFT, x)) - LEFT) * msPerPixel,
    toY: (value) => bottom - ((bottom - TOP) * value) / most,
  };
}

function highestValue({ at, series }: PlotData, from: number, to: number): number {
  const [first, last] = samplesBetween(at, from, to);
  let highest = 0;
  for (const { values } of series) {
    for (let index = first; index <= last; index += 1) {
      const value = values[index];
      if (typeof value === 'number' && value > highest) highest = value;
    }
  }
  return highest;
}

/** Index of the first moment at or after a time; the number of moments when there is none. */
export function firstFrom(at: readonly number[], time: number): number {
  let [low, high] = [0, at.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((at[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first and the last index of what a span shows: with one sample more on each side, so that lines reach it. */
export function samplesBetween(
  at: readonly number[],
  from: number,
  to: number,
): readonly [number, number] {
  return [Math.max(0, firstFrom(at, from) - 1), Math.min(at.length - 1, firstFrom(at, to))];
}

/** In CSS pixels. */
const NEAR = 24;

export interface Nearest {
  readonly at: number;
  readonly series: Series;
  readonly value: number;
}

/** The line that is nearest to a point, at the sample that is nearest; undefined when none is near. */
export function nearestLine(
  { at, series }: PlotData,
  frame: PlotFrame,
  x: number,
  y: number,
): Nearest | undefined {
  const time = frame.toAt(x);
  const after = firstFrom(at, time);
  const isBefore = time - (at[after - 1] ?? -Infinity) < (at[after] ?? Infinity) - time;
  const index = isBefore ? after - 1 : after;
  let nearest: Nearest | undefined;
  let least = NEAR;
  for (const one of series) {
    const value = one.values[index];
    if (typeof value !== 'number') continue;
    const distance = Math.abs(frame.toY(value) - y);
    if (distance >= least) continue;
    least = distance;
    nearest = { at: at[index] ?? 0, series: one, value };
  }
  return nearest;
}
