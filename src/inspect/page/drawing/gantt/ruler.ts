/** The ruler above the lanes, the range that is chosen, and the line of the moment. */
import { clock } from '../../view/format.ts';
import type { Span } from '../../view/place.ts';
import { niceStep } from '../nice-step.ts';
import type { GanttColours } from './colours.ts';
import { RULER } from './lanes.ts';
import type { TimeScale } from './time-scale.ts';

/** CSS pixels from one number to the next, at least. */
const SPACE = 110;

export function drawRuler(
  on: CanvasRenderingContext2D,
  scale: TimeScale,
  {
    width,
    height,
    now,
    range,
    colours,
  }: {
    readonly width: number;
    readonly height: number;
    readonly now: number;
    readonly range: Span | undefined;
    readonly colours: GanttColours;
  },
): void {
  const { span, toX, msPerPixel } = scale;
  on.fillStyle = colours.panel;
  on.fillRect(0, 0, width, RULER);
  on.fillStyle = colours.dim;
  on.strokeStyle = colours.line;
  on.textBaseline = 'middle';
  const step = Math.max(1, niceStep(msPerPixel * SPACE));
  on.beginPath();
  for (let at = Math.ceil(span.from / step) * step; at <= span.to; at += step) {
    const x = toX(at);
    on.moveTo(x, RULER - 6);
    on.lineTo(x, height);
    on.fillText(step < 100 ? `${String(Math.round(at))} ms` : clock(at), x + 4, 12);
  }
  on.stroke();
  on.fillStyle = colours.accent;
  if (range !== undefined) {
    const [x1, x2] = [toX(range.from), toX(range.to)];
    on.globalAlpha = 0.16;
    on.fillRect(x1, 0, x2 - x1, height);
    on.globalAlpha = 1;
    on.fillRect(x1, RULER - 3, x2 - x1, 3);
  }
  on.fillRect(toX(now), 0, 1.5, height);
}
