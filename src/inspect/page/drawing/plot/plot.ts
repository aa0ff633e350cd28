/** One chart over time, on a canvas, in the theme's colours. All charts of a page share one cursor. */
import { clock, plain } from '../../view/format.ts';
import { paced } from '../paced.ts';
import { createFrame, nearestLine, type PlotData, type PlotFrame } from './frame.ts';
import { drawPlot, type PlotLook } from './lines.ts';

export interface PlotOptions {
  /** In CSS pixels. */
  readonly height: number;
  readonly format: (value: number) => string;
  /** A moment was picked, with a double click. */
  readonly onPick: (at: number) => void;
  /** A range of time was chosen, by dragging. */
  readonly onRange: (from: number, to: number) => void;
}

export interface Plot {
  /** The numbers are asked for when it is drawn: that is not with every update. */
  readonly update: (data: () => PlotData, range: readonly [number, number] | undefined) => void;
  readonly destroy: () => void;
}

/** A chart rests so many times as long as it took to draw. */
const REST = 60;
/** Shorter ones are no drag, in pixels. */
const DRAG = 4;

/** Colours of operators: eight that can be told apart in both themes; the ninth begins anew, dashed. */
export const PALETTE = 8;

/** What shows the moment under the pointer, in every chart. */
const cursors = new Set<(at: number | undefined) => void>();

export function mountPlot(element: HTMLElement, options: PlotOptions): Plot {
  const { height, format, onPick, onRange } = options;
  const canvas = document.createElement('canvas');
  const [cursor, mark, note] = [overlay('cursor'), overlay('mark'), overlay('note')];
  element.append(canvas, mark, cursor, note);
  const context = canvas.getContext('2d');
  const look = readLook(element, format);
  const stop = new AbortController();
  let latest: Parameters<Plot['update']> | undefined;
  let drawn: { readonly data: PlotData; readonly frame: PlotFrame } | undefined;
  let isSeen = true;

  function draw(): void {
    const width = element.clientWidth;
    if (context === null || latest === undefined || width === 0 || !isSeen) return;
    const [ask, range] = latest;
    const data = ask();
    const frame = createFrame(data, range, width, height);
    drawn = { data, frame };
    const ratio = window.devicePixelRatio;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.height = `${String(height)}px`;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawPlot(context, frame, data, look);
  }

  const pace = paced(draw, REST);
  const seen = new IntersectionObserver((changes) => {
    isSeen = changes.at(-1)?.isIntersecting ?? true;
    if (isSeen) pace.soon();
  });
  seen.observe(element);
  const resized = new ResizeObserver(pace.now);
  resized.observe(element);

  function showCursor(at: number | undefined): void {
    const { frame } = drawn ?? {};
    cursor.hidden = at === undefined || frame === undefined || at < frame.from || at > frame.to;
    if (at !== undefined && frame !== undefined) place(cursor, frame.toX(at), 1, frame);
  }
  cursors.add(showCursor);

  function point(event: PointerEvent): void {
    if (drawn === undefined) return;
    const { left, top } = element.getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const { data, frame } = drawn;
    for (const show of cursors) show(frame.toAt(x));
    const near = nearestLine(data, frame, x, y);
    note.hidden = near === undefined;
    if (near === undefined) return;
    note.textContent = `${clock(near.at)} · ${plain(near.series.name, 40)} · ${format(near.value)}`;
  }

  element.addEventListener('pointermove', point, { signal: stop.signal });
  element.addEventListener(
    'pointerleave',
    () => {
      for (const show of cursors) show(undefined);
      note.hidden = true;
    },
    { signal: stop.signal },
  );
  element.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0 || drawn === undefined) return;
      const { frame } = drawn;
      const { left } = element.getBoundingClientRect();
      const begin = event.clientX;
      let end = begin;
      element.setPointerCapture(event.pointerId);
      const drag = new AbortController();
      element.addEventListener(
        'pointermove',
        (move) => {
          end = move.clientX;
          mark.hidden = false;
          place(mark, Math.min(begin, end) - left, Math.abs(end - begin), frame);
        },
        { signal: drag.signal },
      );
      const finish = (): void => {
        drag.abort();
        mark.hidden = true;
        const [from, to] = [Math.min(begin, end) - left, Math.max(begin, end) - left];
        if (to - from >= DRAG) onRange(frame.toAt(from), frame.toAt(to));
      };
      for (const type of ['pointerup', 'pointercancel'] as const) {
        element.addEventListener(type, finish, { signal: drag.signal });
      }
    },
    { signal: stop.signal },
  );
  element.addEventListener(
    'dblclick',
    (event) => {
      if (drawn === undefined) return;
      onPick(drawn.frame.toAt(event.clientX - element.getBoundingClientRect().left));
    },
    { signal: stop.signal },
  );

  return {
    update(data, range) {
      latest = [data, range];
      pace.soon();
    },
    destroy() {
      stop.abort();
      pace.cancel();
      seen.disconnect();
      resized.disconnect();
      cursors.delete(showCursor);
      element.replaceChildren();
    },
  };
}

function overlay(name: string): HTMLElement {
  const made = document.createElement('div');
  made.className = `plot-${name}`;
  made.hidden = true;
  return made;
}

function place(element: HTMLElement, x: number, width: number, { top, bottom }: PlotFrame): void {
  Object.assign(element.style, {
    ...{ left: `${x.toFixed(1)}px`, width: `${width.toFixed(1)}px` },
    ...{ top: `${String(top)}px`, height: `${String(bottom - top)}px` },
  });
}

function readLook(element: HTMLElement, format: PlotLook['format']): PlotLook {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return {
    ...{ grid: read('line'), dim: read('dim'), limit: read('bad'), format },
    palette: Array.from({ length: PALETTE }, (_, index) => read(`series-${String(index)}`)),
    hair: 1 / window.devicePixelRatio,
  };
}
