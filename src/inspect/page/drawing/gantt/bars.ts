/**
 * The bars. Those of a lane never overlap: they are one row of pixels, which is stretched to the height of
 * the lane. So a bar costs the few pixels it is long, and ten thousand of them take about a millisecond.
 */
import type { TaskBar } from '../../../../run-model/index.ts';
import type { GanttColours } from './colours.ts';
import { RULER, type Lanes } from './lanes.ts';
import { LABELS, type TimeScale } from './time-scale.ts';

export interface BarScene {
  readonly tasks: readonly TaskBar[];
  readonly lanes: Lanes;
  readonly scale: TimeScale;
  readonly scroll: number;
  /** Where bars end that are under way. */
  readonly now: number;
  /** Device pixels to a CSS pixel. */
  readonly ratio: number;
  /** Of the canvas, in CSS pixels. */
  readonly height: number;
  readonly colours: GanttColours;
}

/** Rows of pixels a lane has: its bars, how long inputs waited, and time of which no phase is known. */
const ROWS = 3;
const [BARS, WAITS, UNKNOWN] = [0, 1, 2];
/** In lanes lower than this there is no room for how long inputs waited. */
const ROOM_FOR_WAITS = 10;
/** Bars of so many pixels leave their last one free, so that one can be told from the next. */
const SEPARATE = 3;

/** Returns what draws the bars of a scene. It keeps its rows of pixels from one drawing to the next. */
export function createBars(): (on: CanvasRenderingContext2D, scene: BarScene) => void {
  const strips = document.createElement('canvas');
  const pen = strips.getContext('2d', { willReadFrequently: true });
  let image: ImageData | undefined;

  return (on, scene) => {
    const width = Math.round(scene.scale.width * scene.ratio);
    const rows = scene.lanes.list.length * ROWS;
    if (pen === null || rows === 0) return;
    if (image?.width !== width || image.height !== rows) {
      strips.width = width;
      strips.height = rows;
      image = new ImageData(width, rows);
    }
    const pixels = new Uint32Array(image.data.buffer);
    pixels.fill(0);
    const failures = writeBars(pixels, width, scene);
    pen.putImageData(image, 0, 0);
    stretch(on, strips, scene);
    drawFailures(on, failures, scene);
  };
}

/** Where a task failed: index of the lane, and pixels from the left of the plot. */
type Failure = readonly [lane: number, x: number];

function writeBars(pixels: Uint32Array, width: number, scene: BarScene): readonly Failure[] {
  const { tasks, lanes, scale, now, ratio, colours } = scene;
  const { first, height } = lanes;
  const perMs = ratio / scale.msPerPixel;
  const { from } = scale.span;
  const colourOf = colours.pixels;
  const withWaits = height >= ROOM_FOR_WAITS;
  const failures: Failure[] = [];
  /** By lane: where its last bar ended, so that of those within one pixel only the first is drawn. */
  const drawnTo = new Int32Array(lanes.list.length).fill(-1);

  const at = (time: number): number => Math.round((time - from) * perMs);
  function run(row: number, x1: number, x2: number, colour: number): void {
    const begin = row * width;
    const end = begin + Math.min(width, x2);
    for (let pixel = begin + Math.max(0, x1); pixel < end; pixel += 1) pixels[pixel] = colour;
  }

  for (const { operator, slot, queuedAt, startedAt, endedAt, outcome, phases } of tasks) {
    const lane = (first[operator] ?? 0) + slot;
    const row = lane * ROWS;
    const ends = endedAt ?? now;
    const x2 = at(ends);
    if (outcome === 'failed') failures.push([lane, x2]);
    if (x2 === drawnTo[lane]) continue;
    drawnTo[lane] = x2;
    const x1 = at(startedAt);
    if (withWaits && queuedAt < startedAt) run(row + WAITS, at(queuedAt), x1, colourOf.wait);
    // Of a task with very many phases the first ones are not known any more.
    const known = at(phases[0]?.at ?? ends);
    if (known > x1) run(row + UNKNOWN, x1, known, colourOf.unknown);
    const last = x2 - x1 >= SEPARATE ? x2 - 1 : Math.max(x2, x1 + 1);
    for (let index = 0; index < phases.length; index += 1) {
      const phase = phases[index];
      const next = phases[index + 1];
      if (phase !== undefined) {
        run(
          row + BARS,
          at(phase.at),
          next === undefined ? last : at(next.at),
          colourOf[phase.kind],
        );
      }
    }
  }
  return failures;
}

function barHeight(height: number): number {
  return Math.max(3, height - 5);
}

function stretch(
  on: CanvasRenderingContext2D,
  strips: HTMLCanvasElement,
  { lanes, scale, scroll, height, ratio }: BarScene,
): void {
  const high = barHeight(lanes.height);
  /** Of each row: from the top of the lane, and its height. */
  const rows: readonly (readonly [number, number])[] = [
    [0, high],
    [high, 2],
    [high / 3, high / 3],
  ];
  const snapped = (y: number): number => Math.round(y * ratio) / ratio;
  on.imageSmoothingEnabled = false;
  lanes.list.forEach((lane, index) => {
    const top = lane.y - scroll;
    if (top > height || top + lanes.height < RULER) return;
    rows.forEach(([from, size], row) => {
      const y = snapped(top + from);
      const bottom = snapped(top + from + size);
      on.drawImage(
        strips,
        ...[0, index * ROWS + row, strips.width, 1],
        ...[LABELS, y, scale.width, bottom - y],
      );
    });
  });
}

function drawFailures(
  on: CanvasRenderingContext2D,
  failures: readonly Failure[],
  { lanes, scroll, ratio, colours }: BarScene,
): void {
  on.fillStyle = colours.failed;
  const high = barHeight(lanes.height) + 2;
  for (const [lane, x] of failures) {
    const y = (lanes.list[lane]?.y ?? 0) - scroll - 1;
    on.fillRect(LABELS + x / ratio - 3, y, 3, high);
  }
}
