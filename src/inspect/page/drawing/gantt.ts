/**
 * Tasks as bars over time, a lane for each slot of each operator. Drawn on a canvas: ten thousand bars in
 * some milliseconds, one path for each colour, and bars narrower than a pixel merged.
 */
import { tasksBetween, type RunModel, type TaskBar } from '../../../run-model/index.ts';
import { clock, duration, plain } from '../view/format.ts';
import type { Span } from '../view/place.ts';
import { fitText } from './svg.ts';

const LABELS = 168;
const RULER = 26;
const OPERATOR_GAP = 8;
/** Live, so much of the newest past is shown until somebody zooms. */
const LIVE_WINDOW_MS = 30_000;
const SMALLEST_SPAN_MS = 2;
const FONT = '12px system-ui, sans-serif';

export interface GanttEvents {
  readonly onPick: (bar: TaskBar | undefined) => void;
  readonly onHover: (bar: TaskBar | undefined, x: number, y: number) => void;
  readonly onRange: (range: Span | undefined) => void;
}

export interface GanttDrawing {
  readonly update: (model: RunModel, range: Span | undefined, selected: string | undefined) => void;
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly destroy: () => void;
}

interface Lane {
  readonly operator: number;
  readonly slot: number;
  readonly y: number;
}

export function mountGantt(element: HTMLElement, events: GanttEvents): GanttDrawing {
  const canvas = document.createElement('canvas');
  canvas.className = 'gantt';
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  element.append(canvas);
  const context = canvas.getContext('2d');
  const stop = new AbortController();
  let model: RunModel | undefined;
  let range: Span | undefined;
  let selected: string | undefined;
  /** What somebody zoomed to; undefined: follows the run. */
  let view: Span | undefined;
  let marked: Span | undefined;
  let lanes: readonly Lane[] = [];
  let laneHeight = 18;
  let scroll = 0;
  let colours = readColours(element);

  const span = (): Span => {
    if (view !== undefined) return view;
    const to = Math.max(model?.at ?? 0, 100);
    if (model?.end !== undefined) return { from: 0, to: to * 1.02 };
    return { from: Math.max(0, to - LIVE_WINDOW_MS), to: Math.max(to * 1.02, to + 1) };
  };
  const plotWidth = (): number => Math.max(10, canvas.clientWidth - LABELS - 8);
  const toX = (at: number, { from, to }: Span): number =>
    LABELS + ((at - from) / (to - from)) * plotWidth();
  const toAt = (x: number, { from, to }: Span): number =>
    from + ((x - LABELS) / plotWidth()) * (to - from);

  function placeLanes(of: RunModel, tasks: readonly TaskBar[]): number {
    const slots = of.operators.map(() => 0);
    for (const { operator, slot } of tasks)
      slots[operator] = Math.max(slots[operator] ?? 0, slot + 1);
    const all = slots.reduce((sum, number) => sum + Math.max(1, number), 0);
    const room = canvas.clientHeight - RULER - OPERATOR_GAP * of.operators.length - 10;
    laneHeight = Math.max(7, Math.min(28, room / Math.max(1, all)));
    const placed: Lane[] = [];
    let y = RULER + 6;
    of.operators.forEach((_, operator) => {
      for (let slot = 0; slot < Math.max(1, slots[operator] ?? 0); slot += 1) {
        placed.push({ operator, slot, y });
        y += laneHeight;
      }
      y += OPERATOR_GAP;
    });
    lanes = placed;
    return y;
  }

  function draw(): void {
    if (context === null || model === undefined || canvas.clientWidth === 0) return;
    const ratio = window.devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = FONT;
    const shown = span();
    const tasks = tasksBetween(model, shown.from, shown.to);
    const bottom = placeLanes(model, tasks);
    scroll = Math.max(0, Math.min(scroll, bottom - height));
    drawLanes(context, model, width);
    context.save();
    context.beginPath();
    context.rect(LABELS, RULER, width - LABELS, height - RULER);
    context.clip();
    drawBars(context, tasks, shown, model.at);
    context.restore();
    drawRuler(context, model, shown, width, height);
  }

  function drawLanes(on: CanvasRenderingContext2D, of: RunModel, width: number): void {
    for (const operator of of.operators) {
      const [first] = lanes.filter((lane) => lane.operator === operator.index);
      const mine = lanes.filter((lane) => lane.operator === operator.index).length;
      if (first === undefined) continue;
      const y = first.y - scroll;
      on.fillStyle = operator.name === selected ? colours.accentSoft : colours.panel;
      on.fillRect(0, y - 3, width, mine * laneHeight + 4);
      on.fillStyle = colours.text;
      on.textBaseline = 'middle';
      on.fillText(
        fitText(plain(operator.name), LABELS - 22, FONT),
        12,
        y + Math.max(6, laneHeight / 2),
      );
    }
  }

  /** Phases by kind: one path each, because changing colours is what costs. */
  function drawBars(
    on: CanvasRenderingContext2D,
    tasks: readonly TaskBar[],
    shown: Span,
    now: number,
  ): void {
    const yOf = new Map(lanes.map(({ operator, slot, y }) => [operator * 4096 + slot, y]));
    const paths = {
      run: new Path2D(),
      hold: new Path2D(),
      retry: new Path2D(),
      wait: new Path2D(),
      unknown: new Path2D(),
    };
    const failed = new Path2D();
    /** Where the last bar of a lane ended, so that bars narrower than a pixel are drawn once. */
    const drawnTo = new Map<number, number>();
    const barHeight = Math.max(3, laneHeight - 5);
    for (const bar of tasks) {
      const lane = bar.operator * 4096 + bar.slot;
      const y = (yOf.get(lane) ?? -100) - scroll;
      const end = bar.endedAt ?? now;
      const x2 = toX(end, shown);
      if (x2 - (drawnTo.get(lane) ?? -1) < 0.5) continue;
      drawnTo.set(lane, x2);
      if (bar.queuedAt < bar.startedAt && laneHeight >= 10) {
        const [from, to] = [toX(bar.queuedAt, shown), toX(bar.startedAt, shown)];
        paths.wait.rect(from, y + barHeight, to - from, 2);
      }
      // Of a task with very many phases the first ones are not known any more.
      const known = bar.phases[0]?.at ?? end;
      if (known > bar.startedAt) {
        const x1 = toX(bar.startedAt, shown);
        paths.unknown.rect(x1, y + barHeight / 3, toX(known, shown) - x1, barHeight / 3);
      }
      bar.phases.forEach(({ at, kind }, index) => {
        const until = bar.phases[index + 1]?.at ?? end;
        const x1 = toX(at, shown);
        paths[kind].rect(x1, y, Math.max(0.8, toX(until, shown) - x1 - 0.6), barHeight);
      });
      if (bar.outcome === 'failed') failed.rect(x2 - 3, y - 1, 3, barHeight + 2);
    }
    for (const kind of ['unknown', 'wait', 'run', 'hold', 'retry'] as const) {
      on.fillStyle = colours[kind];
      on.fill(paths[kind]);
    }
    on.fillStyle = colours.failed;
    on.fill(failed);
  }

  function drawRuler(
    on: CanvasRenderingContext2D,
    of: RunModel,
    shown: Span,
    width: number,
    height: number,
  ): void {
    on.fillStyle = colours.panel;
    on.fillRect(0, 0, width, RULER);
    on.fillStyle = colours.dim;
    on.strokeStyle = colours.line;
    on.textBaseline = 'middle';
    const step = niceStep(((shown.to - shown.from) * 110) / plotWidth());
    for (let at = Math.ceil(shown.from / step) * step; at <= shown.to; at += step) {
      const x = toX(at, shown);
      on.beginPath();
      on.moveTo(x, RULER - 6);
      on.lineTo(x, height);
      on.stroke();
      on.fillText(step < 100 ? `${String(Math.round(at))} ms` : clock(at), x + 4, 12);
    }
    const shade = marked ?? range;
    if (shade !== undefined) {
      const [x1, x2] = [toX(shade.from, shown), toX(shade.to, shown)];
      on.fillStyle = colours.accent;
      on.globalAlpha = 0.16;
      on.fillRect(x1, 0, x2 - x1, height);
      on.globalAlpha = 1;
      on.fillRect(x1, RULER - 3, x2 - x1, 3);
    }
    on.fillStyle = colours.accent;
    on.fillRect(toX(of.at, shown), 0, 1.5, height);
  }

  function barAt(x: number, y: number): TaskBar | undefined {
    const of = model;
    if (of === undefined || x < LABELS) return undefined;
    const lane = lanes.find((candidate) => {
      const top = candidate.y - scroll;
      return y >= top - 2 && y < top + laneHeight;
    });
    if (lane === undefined) return undefined;
    const shown = span();
    const at = toAt(x, shown);
    const slack = ((shown.to - shown.from) * 2) / plotWidth();
    return tasksBetween(of, at - slack, at + slack).find(
      ({ operator, slot }) => operator === lane.operator && slot === lane.slot,
    );
  }

  function zoomAt(factor: number, x: number): void {
    const shown = span();
    const at = toAt(x, shown);
    const width = Math.max(SMALLEST_SPAN_MS, (shown.to - shown.from) / factor);
    const from = at - ((at - shown.from) / (shown.to - shown.from)) * width;
    view = { from, to: from + width };
    draw();
  }

  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      if (event.shiftKey) {
        scroll += event.deltaY;
        draw();
        return;
      }
      const x = event.clientX - canvas.getBoundingClientRect().left;
      zoomAt(Math.exp(-event.deltaY / 400), Math.max(LABELS, x));
    },
    { passive: false, signal: stop.signal },
  );
  canvas.addEventListener(
    'pointerdown',
    (event) => {
      if (event.button !== 0) return;
      const box = canvas.getBoundingClientRect();
      const [x0, y0] = [event.clientX - box.left, event.clientY - box.top];
      const start = span();
      const marks = y0 < RULER || event.shiftKey;
      let moved = false;
      canvas.setPointerCapture(event.pointerId);
      const drag = new AbortController();
      canvas.addEventListener(
        'pointermove',
        (move) => {
          const x = move.clientX - box.left;
          if (Math.abs(x - x0) > 3) moved = true;
          if (!moved) return;
          if (marks) {
            const [a, b] = [toAt(x0, start), toAt(x, start)];
            marked = { from: Math.max(0, Math.min(a, b)), to: Math.max(a, b) };
          } else {
            const shift = ((x - x0) / plotWidth()) * (start.to - start.from);
            view = { from: start.from - shift, to: start.to - shift };
          }
          draw();
        },
        { signal: drag.signal },
      );
      canvas.addEventListener(
        'pointerup',
        () => {
          drag.abort();
          if (marked !== undefined) events.onRange(marked);
          else if (!moved) {
            if (marks) events.onRange(undefined);
            else events.onPick(barAt(x0, y0));
          }
          marked = undefined;
        },
        { signal: drag.signal },
      );
    },
    { signal: stop.signal },
  );
  canvas.addEventListener(
    'pointermove',
    (event) => {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      events.onHover(event.buttons === 0 ? barAt(x, y) : undefined, x, y);
    },
    { signal: stop.signal },
  );
  canvas.addEventListener(
    'pointerleave',
    () => {
      events.onHover(undefined, 0, 0);
    },
    { signal: stop.signal },
  );
  canvas.addEventListener(
    'keydown',
    (event) => {
      const shown = span();
      const step = (shown.to - shown.from) / 8;
      const shift = event.key === 'ArrowLeft' ? -step : event.key === 'ArrowRight' ? step : 0;
      if (shift === 0) return;
      event.preventDefault();
      view = { from: shown.from + shift, to: shown.to + shift };
      draw();
    },
    { signal: stop.signal },
  );
  const resized = new ResizeObserver(draw);
  resized.observe(element);

  return {
    update(next, nextRange, nextSelected) {
      model = next;
      range = nextRange;
      selected = nextSelected;
      colours = readColours(element);
      const over = next.history.tasks.entries.length + next.history.tasks.dropped;
      const label = `Timeline: ${String(over)} tasks are over, ${clock(span().from)} to ${clock(span().to)} is shown`;
      canvas.setAttribute('aria-label', label);
      draw();
    },
    fit() {
      view = model === undefined ? undefined : { from: 0, to: Math.max(100, model.at * 1.02) };
      draw();
    },
    zoom(factor) {
      zoomAt(factor, LABELS + plotWidth() / 2);
    },
    destroy() {
      stop.abort();
      resized.disconnect();
      canvas.remove();
    },
  };
}

/** What a bar says when the pointer is on it. */
export function barInWords(bar: TaskBar, model: RunModel): readonly string[] {
  const name = plain(model.operators[bar.operator]?.name ?? '');
  const end = bar.endedAt ?? model.at;
  const spent = { run: 0, hold: 0, retry: 0 };
  bar.phases.forEach(({ at, kind }, index) => {
    spent[kind] += (bar.phases[index + 1]?.at ?? end) - at;
  });
  const phases = Object.entries(spent)
    .filter(([, ms]) => ms > 0)
    .map(([kind, ms]) => `${kind} ${duration(ms)}`);
  return [
    `${name} #${String(bar.task)} ${bar.outcome ?? 'under way'}`,
    `block ${plain(bar.lineage, 80)}, ${String(bar.rowsIn)} rows in, ${String(bar.rowsOut)} out`,
    `waited ${duration(Math.max(0, bar.startedAt - bar.queuedAt))}, ${phases.join(', ')}`,
    ...(bar.attempts > 1 ? [`${String(bar.attempts)} attempts`] : []),
    ...(bar.error === undefined ? [] : [plain(bar.error, 200)]),
  ];
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= least) ?? 10;
  return Math.max(1, factor * power);
}

/** The colours of the theme, as the canvas needs them. */
function readColours(
  element: HTMLElement,
): Record<
  | 'run'
  | 'hold'
  | 'retry'
  | 'wait'
  | 'unknown'
  | 'failed'
  | 'panel'
  | 'text'
  | 'dim'
  | 'line'
  | 'accent'
  | 'accentSoft',
  string
> {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return {
    run: read('--state-running'),
    hold: read('--state-blocked'),
    retry: read('--state-backpressured'),
    wait: read('--line-strong'),
    unknown: read('--state-running'),
    failed: read('--state-failed'),
    panel: read('--panel'),
    text: read('--text'),
    dim: read('--dim'),
    line: read('--line'),
    accent: read('--accent'),
    accentSoft: read('--accent-soft'),
  };
}
