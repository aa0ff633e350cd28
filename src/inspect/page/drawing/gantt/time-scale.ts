/** Where a moment is on the timeline, in CSS pixels from its left edge. */
import type { Span } from '../../view/place.ts';

/** Room for the names of operators, left of the plot. */
export const LABELS = 168;
const RIGHT = 8;

export interface TimeScale {
  readonly span: Span;
  readonly width: number;
  readonly toX: (at: number) => number;
  readonly toAt: (x: number) => number;
  readonly msPerPixel: number;
}

/** `canvasWidth` is that of all of the timeline, labels included. */
export function createTimeScale(span: Span, canvasWidth: number): TimeScale {
  const width = Math.max(10, canvasWidth - LABELS - RIGHT);
  const msPerPixel = (span.to - span.from) / width;
  return {
    span,
    width,
    msPerPixel,
    toX: (at) => LABELS + (at - span.from) / msPerPixel,
    toAt: (x) => span.from + (x - LABELS) * msPerPixel,
  };
}
