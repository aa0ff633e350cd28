/** Tasks as bars over time, a lane for each slot of each operator, on a canvas. */
import { tasksBetween, type RunModel, type TaskBar } from '../../../../run-model/index.ts';
import { clock } from '../../view/format.ts';
import type { Span } from '../../view/place.ts';
import { paced } from '../paced.ts';
import { createBars } from './bars.ts';
import { readColours } from './colours.ts';
import { drawLanes, FONT, NO_LANES, placeLanes, RULER } from './lanes.ts';
import { listenToHand } from './pointer.ts';
import { drawRuler } from './ruler.ts';
import { createTimeScale, LABELS, type TimeScale } from './time-scale.ts';

/** Live, so much of the newest past is shown until somebody zooms. */
const LIVE_WINDOW_MS = 30_000;
const SMALLEST_SPAN_MS = 2;
/** With the run it is drawn anew after so many times as long as drawing it took; a hand never waits. */
const REST = 12;

export interface GanttEvents {
  readonly onPick: (bar: TaskBar | undefined) => void;
  readonly onHover: (bar: TaskBar | undefined, x: number, y: number) => void;
  readonly onRange: (range: Span | undefined) => void;
}

export interface GanttScene {
  readonly model: RunModel;
  /** When what can be seen of the run begins, in its milliseconds. */
  readonly begin: number;
  readonly range: Span | undefined;
  /** Name of the operator that is selected. */
  readonly selected: string | undefined;
}

export interface GanttDrawing {
  readonly update: (scene: GanttScene, numbers: boolean) => void;
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly destroy: () => void;
}

export function mountGantt(element: HTMLElement, events: GanttEvents): GanttDrawing {
  const canvas = document.createElement('canvas');
  canvas.className = 'gantt';
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  element.append(canvas);
  const context = canvas.getContext('2d');
  const colours = readColours(element);
  const drawBars = createBars();
  const stop = new AbortController();
  let scene: GanttScene | undefined;
  /** What somebody zoomed to; undefined: follows the run. */
  let view: Span | undefined;
  let marked: Span | undefined;
  let lanes = NO_LANES;
  let scroll = 0;

  function shownSpan(): Span {
    if (view !== undefined) return view;
    const { begin = 0, model } = scene ?? {};
    const now = Math.max(model?.at ?? 0, begin + 100);
    if (model?.end !== undefined) return wholeSpan();
    const from = Math.max(begin, now - LIVE_WINDOW_MS);
    return { from, to: now + Math.max(1, (now - from) * 0.02) };
  }

  function wholeSpan(): Span {
    const { begin = 0, model } = scene ?? {};
    const to = Math.max(model?.at ?? 0, begin + 100);
    return { from: begin, to: to + (to - begin) * 0.02 };
  }

  const scale = (): TimeScale => createTimeScale(shownSpan(), canvas.clientWidth);

  const pace = paced(draw, REST);

  function draw(): void {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (context === null || scene === undefined || width === 0) return;
    const { model, range, selected } = scene;
    const ratio = window.devicePixelRatio;
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    const shown = scale();
    const tasks = tasksBetween(model, shown.span.from, shown.span.to);
    lanes = placeLanes(model.operators.length, tasks, height);
    scroll = Math.max(0, Math.min(scroll, lanes.bottom - height));
    drawLanes(context, lanes, model.operators, { width, scroll, selected, colours });
    drawBars(context, {
      ...{ tasks, lanes, scale: shown, scroll, ratio, height, colours },
      now: model.at,
    });
    drawRuler(context, shown, { width, height, now: model.at, range: marked ?? range, colours });
  }

  function barAt(x: number, y: number): TaskBar | undefined {
    const lane = lanes.list.find((candidate) => {
      const top = candidate.y - scroll;
      return y >= top - 2 && y < top + lanes.height;
    });
    if (scene === undefined || lane === undefined || x < LABELS || y < RULER) return undefined;
    const { toAt, msPerPixel } = scale();
    const at = toAt(x);
    return tasksBetween(scene.model, at - 2 * msPerPixel, at + 2 * msPerPixel).find(
      ({ operator, slot }) => operator === lane.operator && slot === lane.slot,
    );
  }

  function look(span: Span): void {
    view = span;
    pace.now();
  }

  function zoomAt(factor: number, x: number): void {
    const { span, toAt } = scale();
    const at = toAt(x);
    const width = Math.max(SMALLEST_SPAN_MS, (span.to - span.from) / factor);
    const from = at - ((at - span.from) / (span.to - span.from)) * width;
    look({ from, to: from + width });
  }

  listenToHand(
    canvas,
    {
      scale,
      look,
      zoom: zoomAt,
      scroll(pixels) {
        scroll += pixels;
        pace.now();
      },
      mark(span) {
        marked = span;
        pace.now();
      },
      choose: events.onRange,
      pick(x, y) {
        events.onPick(barAt(x, y));
      },
      hover(x, y) {
        events.onHover(barAt(x, y), x, y);
      },
      leave() {
        events.onHover(undefined, 0, 0);
      },
    },
    stop.signal,
  );
  const resized = new ResizeObserver(pace.now);
  resized.observe(element);

  return {
    update(next, numbers) {
      scene = next;
      if (numbers) canvas.setAttribute('aria-label', labelOf(next.model, shownSpan()));
      pace.soon();
    },
    fit() {
      if (scene !== undefined) look(wholeSpan());
    },
    zoom(factor) {
      zoomAt(factor, LABELS + scale().width / 2);
    },
    destroy() {
      stop.abort();
      pace.cancel();
      resized.disconnect();
      canvas.remove();
    },
  };
}

function labelOf({ history }: RunModel, { from, to }: Span): string {
  const over = history.tasks.entries.length + history.tasks.dropped;
  return `Timeline: ${String(over)} tasks are over, ${clock(from)} to ${clock(to)} is shown`;
}
