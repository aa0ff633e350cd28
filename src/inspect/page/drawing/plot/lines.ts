/** The lines of a chart, its axes and its grid, on a canvas. */
import { clock } from '../../view/format.ts';
import { niceStep } from '../nice-step.ts';
import { samplesBetween, type PlotData, type PlotFrame } from './frame.ts';

export interface PlotLook {
  readonly grid: string;
  readonly dim: string;
  readonly limit: string;
  /** Colours of series by index; from the last on they begin anew, dashed. */
  readonly palette: readonly string[];
  readonly format: (value: number) => string;
  /**
   * Width of lines. One pixel of the device: without a graphics card, a wider line takes thirty times as
   * long to draw.
   */
  readonly hair: number;
}

/** CSS pixels from one number to the next, at least. */
const [SPACE_X, SPACE_Y] = [84, 28];
const DASH = [5, 4];

export function drawPlot(
  on: CanvasRenderingContext2D,
  frame: PlotFrame,
  { at, series }: PlotData,
  look: PlotLook,
): void {
  drawAxes(on, frame, look);
  const { left, right, top, bottom } = frame;
  on.save();
  on.beginPath();
  on.rect(left, top - 2, right - left, bottom - top + 4);
  on.clip();
  on.lineWidth = look.hair;
  for (const { values, colour, dashed } of series) {
    const { palette } = look;
    on.strokeStyle =
      colour === undefined ? look.limit : (palette[colour % palette.length] ?? look.dim);
    const isDashed = dashed === true || colour === undefined || colour >= palette.length;
    on.setLineDash(isDashed ? DASH : []);
    on.beginPath();
    trace(on, frame, at, values);
    on.stroke();
  }
  on.restore();
}

/** A path through the values: of those within one pixel the lowest and the highest, so that none is lost. */
export function trace(
  path: { lineTo(x: number, y: number): void },
  { toX, toY, from, to }: PlotFrame,
  at: readonly number[],
  values: readonly (number | null)[],
): void {
  const [first, last] = samplesBetween(at, from, to);
  let column = NaN;
  let [low, high, end] = [0, 0, 0];

  function leaveColumn(): void {
    if (low === high) return;
    path.lineTo(column, low);
    path.lineTo(column, high);
    path.lineTo(column, end);
  }

  for (let index = first; index <= last; index += 1) {
    const value = values[index];
    if (typeof value !== 'number') continue;
    const x = Math.round(toX(at[index] ?? 0));
    const y = toY(value);
    if (x === column) {
      low = Math.min(low, y);
      high = Math.max(high, y);
      end = y;
      continue;
    }
    leaveColumn();
    path.lineTo(x, y);
    column = x;
    low = high = end = y;
  }
  leaveColumn();
}

function drawAxes(on: CanvasRenderingContext2D, frame: PlotFrame, look: PlotLook): void {
  const { left, right, top, bottom, from, to, most, toX, toY } = frame;
  on.font = '11px system-ui, sans-serif';
  on.fillStyle = look.dim;
  on.strokeStyle = look.grid;
  on.lineWidth = 1;
  on.beginPath();
  on.textAlign = 'right';
  on.textBaseline = 'middle';
  const stepY = niceStep((most * SPACE_Y) / (bottom - top));
  for (let value = 0; value <= most; value += stepY) {
    // On the middle of a pixel: a line of one pixel, and not of two pale ones.
    const y = Math.round(toY(value)) + 0.5;
    on.moveTo(left, y);
    on.lineTo(right, y);
    on.fillText(look.format(Number(value.toPrecision(9))), left - 7, y);
  }
  on.textAlign = 'center';
  const stepX = Math.max(1, niceStep(((to - from) * SPACE_X) / (right - left)));
  for (let time = Math.ceil(from / stepX) * stepX; time <= to; time += stepX) {
    const x = Math.round(toX(time)) + 0.5;
    on.moveTo(x, top);
    on.lineTo(x, bottom + 4);
    on.fillText(clock(time), x, bottom + 14);
  }
  on.stroke();
}
