/** One operator of the graph as a card: drawn once, then only what has changed is written. */
import {
  lookOf,
  rowRate,
  taskDurations,
  type OperatorModel,
  type RunModel,
} from '../../../run-model/index.ts';
import { limitInWords, SHARE_KINDS, shareSums } from '../view/figures.ts';
import { count, duration, limitText, plain, plural } from '../view/format.ts';
import { LOOKS } from '../view/state-look.ts';
import { attribute, fitText, svg, write } from './svg.ts';

export const CARD = { width: 228, height: 106 } as const;
const FLASH_EVERY_MS = 1500;
const INNER = CARD.width - 24;
const FONT = '600 13px system-ui, sans-serif';
const SMALL = '600 11.5px system-ui, sans-serif';

export interface OperatorCard {
  readonly root: SVGGElement;
  /** What has the focus, and a name for screen readers: the texts of the card are part of it. */
  readonly button: SVGRectElement;
  /** Writes what has changed; digits only when `numbers` is set, because nobody reads ten a second. */
  readonly update: (model: RunModel, numbers: boolean, selected: boolean) => void;
}

export function drawCard(name: string, kind: string): OperatorCard {
  const frame = svg('rect', { class: 'card-frame', width: CARD.width, height: CARD.height, rx: 9 });
  const inner = svg('rect', {
    class: 'card-inner',
    x: 3.5,
    y: 3.5,
    width: CARD.width - 7,
    height: CARD.height - 7,
    rx: 6,
  });
  const glyph = svg('text', { class: 'card-glyph', x: 12, y: 24 });
  const title = svg('text', { class: 'card-title', x: 32, y: 24 });
  const word = svg('text', {
    class: 'card-state',
    x: CARD.width - 12,
    y: 24,
    'text-anchor': 'end',
  });
  const bars = new Map(
    SHARE_KINDS.map(
      (part) => [part, svg('rect', { class: `bar-${part}`, y: 35, height: 8 })] as const,
    ),
  );
  const barFrame = svg('rect', {
    class: 'bar-frame',
    x: 12,
    y: 35,
    width: INNER,
    height: 8,
    rx: 2,
  });
  const line = (y: number, end: boolean): SVGTextElement =>
    svg('text', {
      class: 'card-line',
      x: end ? CARD.width - 12 : 12,
      y,
      ...(end ? { 'text-anchor': 'end' } : {}),
    });
  const [tasks, done, rate, time, cause] = [
    line(61, false),
    line(61, true),
    line(78, false),
    line(78, true),
    line(96, false),
  ];
  attribute(cause, 'class', 'card-line card-cause');
  const button = svg('rect', {
    class: 'card-button',
    width: CARD.width,
    height: CARD.height,
    rx: 9,
    tabindex: -1,
    role: 'button',
  });
  const root = svg(
    'g',
    { class: 'card', 'data-operator': name },
    frame,
    inner,
    glyph,
    title,
    word,
    ...bars.values(),
    barFrame,
    tasks,
    done,
    rate,
    time,
    cause,
    button,
  );
  for (const text of root.querySelectorAll('text')) attribute(text, 'aria-hidden', 'true');
  let state = '';
  let flashedAt = -Infinity;

  /** A change of state flashes, but not one after the other; whoever wants no motion sees none. */
  function flash(): void {
    const now = performance.now();
    if (now - flashedAt < FLASH_EVERY_MS) return;
    flashedAt = now;
    frame.classList.remove('flash');
    requestAnimationFrame(() => {
      frame.classList.add('flash');
    });
  }

  function update(model: RunModel, numbers: boolean, selected: boolean): void {
    const operator = model.operators.find((candidate) => candidate.name === name);
    if (operator === undefined) return;
    const look = LOOKS[lookOf(model, operator)];
    const classes = `card state-${look.look}${selected ? ' selected' : ''}`;
    attribute(root, 'class', classes);
    if (look.look !== state) {
      if (state !== '') flash();
      state = look.look;
      write(glyph, look.glyph);
      write(word, look.look);
      const room = INNER - 28 - look.look.length * 6.6;
      write(title, fitText(plain(name), room, FONT));
    }
    drawShares(operator, model);
    if (numbers) writeNumbers(operator, model);
  }

  function drawShares(operator: OperatorModel, model: RunModel): void {
    const sums = shareSums(operator, model.at);
    let x = 12;
    for (const part of SHARE_KINDS) {
      const bar = bars.get(part);
      const width = (INNER * sums[part]) / 100;
      if (bar === undefined) continue;
      attribute(bar, 'x', x.toFixed(1));
      attribute(bar, 'width', width.toFixed(1));
      x += width;
    }
  }

  function writeNumbers(operator: OperatorModel, model: RunModel): void {
    const { figures, denial, troubled } = operator;
    const { p50 } = taskDurations(operator);
    write(tasks, `${count(figures.active)}/${limitText(figures.maxConcurrency)} tasks`);
    const failures = figures.failed + figures.dropped;
    const bad = `${figures.retried > 0 ? `↻${count(figures.retried)} ` : ''}${failures > 0 ? `✕${count(failures)} ` : ''}`;
    write(done, `${bad}✓${count(figures.done)}`);
    write(rate, `${count(Math.round(rowRate(model, operator.index)))} rows/s`);
    write(time, p50 === undefined ? '' : `p50 ${duration(p50)}`);
    const reason =
      troubled !== undefined
        ? `↻ ${plain(troubled.error, 80)}`
        : denial !== undefined && operator.doing !== 'running'
          ? `waits for ${limitInWords(denial.limit)}`
          : '';
    write(cause, fitText(reason, INNER, SMALL));
    attribute(button, 'aria-label', labelOf(operator, model, kind));
  }

  return { root, button, update };
}

/** What a screen reader says of an operator. */
export function labelOf(operator: OperatorModel, model: RunModel, kind: string): string {
  const { figures, denial } = operator;
  const parts = [
    plain(operator.name),
    kind,
    `${lookOf(model, operator)} for ${duration(Math.max(0, model.at - operator.stateSince))}`,
    `${count(figures.active)} of ${limitText(figures.maxConcurrency)} tasks`,
    `${plural(
      figures.in.reduce((sum, blocks) => sum + blocks, 0),
      'block',
    )} queued`,
  ];
  if (denial !== undefined) parts.push(`waits for ${limitInWords(denial.limit)}`);
  return parts.join(', ');
}
