/** The pipeline as a graph: operators as cards, queues on the edges between them. */
import type { PlanInfo } from '../../../../machines/run-event.ts';
import { CONSUMER, edgesOf, type EdgeView, type RunModel } from '../../../run-model/index.ts';
import { layOut, type Drawing, type Layout } from '../layout/layout.ts';
import { bytes, count, duration, plural } from '../view/format.ts';
import { createCamera } from './camera.ts';
import { CARD, drawCard, type OperatorCard } from './graph-card.ts';
import { attribute, roundedPath, svg, write } from './svg.ts';

const CONSUMER_BOX = 'consumer';
const QUEUE = { width: 104, height: 32 } as const;
/** Room an operator takes with the edge behind it. */
const STRIDE = CARD.width + 150;
/** A row that would have to be drawn smaller than this is wrapped. */
const SMALLEST_SCALE = 0.8;

export interface GraphEvents {
  /** An operator was picked; undefined: none is any more. */
  readonly onSelect: (operator: string | undefined) => void;
}

export interface GraphDrawing {
  readonly update: (model: RunModel, numbers: boolean, selected: string | undefined) => void;
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly destroy: () => void;
}

export function mountGraph(element: HTMLElement, events: GraphEvents): GraphDrawing {
  const world = svg('g');
  const root = svg(
    'svg',
    { class: 'graph', role: 'group', 'aria-label': 'Operators of the pipeline' },
    arrowHead(),
    world,
  );
  element.append(root);
  const camera = createCamera(root, world);
  let topology = '';
  let parts: GraphParts | undefined;
  let size: Layout | undefined;
  let shown: { readonly model: RunModel; readonly selected: string | undefined } | undefined;
  let destroyed = false;

  async function draw(plan: PlanInfo): Promise<void> {
    const layout = await layOut(drawingOf(plan, element));
    if (destroyed) return;
    size = layout;
    parts = drawParts(plan, layout, world, events, camera);
    if (shown !== undefined) parts.update(shown.model, true, shown.selected);
    camera.fit(layout.width, layout.height);
    element.dataset['drawn'] = 'true';
  }

  const resized = new ResizeObserver(() => {
    if (size !== undefined) camera.fit(size.width, size.height);
  });
  resized.observe(element);

  return {
    update(model, numbers, selected) {
      shown = { model, selected };
      const shape = shapeOf(model.plan);
      if (shape !== topology) {
        topology = shape;
        parts = undefined;
        draw(model.plan).catch((error: unknown) => {
          element.dataset['failed'] = String(error);
        });
      }
      parts?.update(model, numbers, selected);
    },
    fit() {
      if (size !== undefined) camera.fit(size.width, size.height);
    },
    zoom: camera.zoom,
    destroy() {
      destroyed = true;
      resized.disconnect();
      camera.destroy();
      root.remove();
    },
  };
}

function shapeOf({ operators }: PlanInfo): string {
  return JSON.stringify(operators.map(({ name, edges }) => [name, edges]));
}

function drawingOf(plan: PlanInfo, { clientWidth, clientHeight }: HTMLElement): Drawing {
  const lines = plan.operators.flatMap(({ index, edges }) =>
    edges.map(({ to }, number) => ({ id: edgeId(index, number), from: index, to })),
  );
  const boxes = plan.operators.map(({ index }) => ({ id: String(index), ...CARD }));
  const depth = Math.max(0, ...plan.operators.map((operator) => operator.depth)) + 1;
  const isLong = depth * STRIDE * SMALLEST_SCALE > clientWidth;
  const feedsConsumer = lines.some(({ to }) => to === CONSUMER);
  return {
    boxes: feedsConsumer ? [...boxes, { id: CONSUMER_BOX, width: 118, height: 58 }] : boxes,
    lines: lines.map(({ id, from, to }) => ({
      id,
      from: String(from),
      to: to === CONSUMER ? CONSUMER_BOX : String(to),
      label: QUEUE,
    })),
    direction: 'right',
    // Rounded, so that the layout of a window a little wider is the same one.
    ...(isLong ? { aspect: Math.max(1, Math.round((2 * clientWidth) / clientHeight) / 2) } : {}),
  };
}

function edgeId(operator: number, number: number): string {
  return `${String(operator)}-${String(number)}`;
}

interface GraphParts {
  readonly update: (model: RunModel, numbers: boolean, selected: string | undefined) => void;
}

type Part = (model: RunModel, numbers: boolean, selected: string | undefined) => void;

function drawParts(
  plan: PlanInfo,
  layout: Layout,
  world: SVGGElement,
  events: GraphEvents,
  camera: { reveal: (place: { x: number; y: number; width: number; height: number }) => void },
): GraphParts {
  world.replaceChildren();
  const updates: Part[] = [];
  const [lines, badges] = [svg('g'), svg('g')];
  const queues: ((edge: EdgeView, numbers: boolean) => void)[] = [];
  // In the order in which the model lists the edges.
  for (const id of plan.operators.flatMap(({ index, edges }) =>
    edges.map((_, number) => edgeId(index, number)),
  )) {
    const route = layout.lines.get(id);
    if (route === undefined) continue;
    const line = svg('path', {
      class: 'edge',
      d: roundedPath(route.points),
      'marker-end': 'url(#arrow)',
    });
    lines.append(line);
    const queue = drawQueue(route.label ?? middleOf(route.points));
    badges.append(queue.root);
    queues.push((edge, numbers) => {
      queue.update(edge, numbers, line);
    });
  }
  updates.push((model, numbers) => {
    edgesOf(model).forEach((edge, index) => {
      const isFull = isHeldUp(model, edge);
      queues[index]?.(isFull ? { ...edge, fill: 1 } : edge, numbers);
    });
  });
  const cards = new Map<string, OperatorCard>();
  const cardLayer = svg('g');
  for (const { index, name, kind } of plan.operators) {
    const place = layout.boxes.get(String(index));
    if (place === undefined) continue;
    const card = drawCard(name, kind);
    attribute(card.root, 'transform', `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`);
    cards.set(name, card);
    cardLayer.append(card.root);
    updates.push((model, numbers, selected) => {
      card.update(model, numbers, name === selected);
    });
    card.button.addEventListener('focus', () => {
      camera.reveal(place);
    });
    card.root.addEventListener('click', () => {
      events.onSelect(name);
      card.button.focus();
    });
  }
  const place = layout.boxes.get(CONSUMER_BOX);
  if (place !== undefined) {
    const consumer = drawConsumer();
    attribute(consumer.root, 'transform', `translate(${place.x.toFixed(1)} ${place.y.toFixed(1)})`);
    cardLayer.append(consumer.root);
    updates.push(consumer.update);
  }
  world.append(lines, cardLayer, badges);
  walkWithKeys(plan, cards, events);
  return {
    update(model, numbers, selected) {
      for (const update of updates) update(model, numbers, selected);
    },
  };
}

function middleOf(points: readonly { x: number; y: number }[]): { x: number; y: number } {
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return { x: 0, y: 0 };
  return { x: (first.x + last.x - QUEUE.width) / 2, y: (first.y + last.y - QUEUE.height) / 2 };
}

/** One card is reached with Tab; arrows walk along the edges, and among neighbours. */
function walkWithKeys(
  plan: PlanInfo,
  cards: ReadonlyMap<string, OperatorCard>,
  events: GraphEvents,
): void {
  const names = plan.operators.map(({ name }) => name);
  const after = (index: number): number[] =>
    (plan.operators[index]?.edges ?? []).map(({ to }) => to).filter((to) => to >= 0);
  const before = (index: number): number[] =>
    names.flatMap((_, from) => (after(from).includes(index) ? [from] : []));
  const siblings = (index: number): number[] => {
    const beside = [...before(index).flatMap(after), ...after(index).flatMap(before)];
    const set = [...new Set(beside.length === 0 ? names.map((_, other) => other) : beside)];
    return set.sort((a, b) => a - b);
  };

  function focus(index: number | undefined): void {
    const card = cards.get(names[index ?? -1] ?? '');
    if (card === undefined) return;
    for (const other of cards.values()) attribute(other.button, 'tabindex', -1);
    attribute(card.button, 'tabindex', 0);
    card.button.focus();
  }

  names.forEach((name, index) => {
    const card = cards.get(name);
    if (card === undefined) return;
    if (index === 0) attribute(card.button, 'tabindex', 0);
    card.button.addEventListener('keydown', (event) => {
      const beside = siblings(index);
      const place = beside.indexOf(index);
      const targets: Partial<Record<string, number | undefined>> = {
        ArrowRight: after(index)[0],
        ArrowLeft: before(index)[0],
        ArrowDown: beside[place + 1],
        ArrowUp: beside[place - 1],
      };
      if (event.key === 'Enter' || event.key === ' ') events.onSelect(name);
      else if (event.key in targets) focus(targets[event.key]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  });
}

/** Whether the queue on an edge is what its sender waits for. */
function isHeldUp(model: RunModel, { from, to }: EdgeView): boolean {
  const limit = model.operators[from]?.denial?.limit;
  return limit === (to === CONSUMER ? 'demand' : 'queue');
}

function drawQueue({ x, y }: { x: number; y: number }): {
  readonly root: SVGGElement;
  readonly update: (edge: EdgeView, numbers: boolean, line: SVGPathElement) => void;
} {
  const width = QUEUE.width - 16;
  const box = svg('rect', { class: 'queue-box', width: QUEUE.width, height: QUEUE.height, rx: 7 });
  const text = svg('text', {
    class: 'queue-text',
    x: QUEUE.width / 2,
    y: 15,
    'text-anchor': 'middle',
  });
  const frame = svg('rect', { class: 'queue-frame', x: 8, y: 21, width, height: 5, rx: 2.5 });
  const fill = svg('rect', { class: 'queue-fill', x: 8, y: 21, width: 0, height: 5, rx: 2.5 });
  const title = svg('title');
  const root = svg(
    'g',
    { class: 'queue', transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})` },
    title,
    box,
    text,
    frame,
    fill,
  );
  return {
    root,
    update({ blocks, bytes: weight, fill: part, oldestMs }, numbers, line) {
      const level = part > 0.85 ? 'hot' : part > 0.6 ? 'warm' : blocks > 0 ? 'calm' : 'empty';
      attribute(root, 'class', `queue queue-${level}`);
      attribute(line, 'class', part >= 1 ? 'edge edge-full' : 'edge');
      attribute(fill, 'width', (width * part).toFixed(1));
      if (!numbers) return;
      const sign = level === 'hot' ? '! ' : '';
      write(text, level === 'empty' ? '' : `${sign}${count(blocks)} · ${bytes(weight)}`);
      const age = oldestMs === undefined ? '' : `, the oldest for ${duration(oldestMs)}`;
      write(
        title,
        `${plural(blocks, 'block')} waiting, ${bytes(weight)}, ${(100 * part).toFixed(0)} % full${age}`,
      );
    },
  };
}

function drawConsumer(): { readonly root: SVGGElement; readonly update: Part } {
  const title = svg('text', { class: 'card-title', x: 12, y: 23 }, 'consumer');
  const text = svg('text', { class: 'card-line', x: 12, y: 42 });
  const frame = svg('rect', { class: 'consumer-frame', width: 118, height: 58, rx: 29 });
  const root = svg('g', { class: 'consumer', role: 'img' }, frame, title, text);
  attribute(title, 'x', 59);
  attribute(text, 'x', 59);
  attribute(title, 'text-anchor', 'middle');
  attribute(text, 'text-anchor', 'middle');
  return {
    root,
    update({ consumer }, numbers) {
      if (!numbers) return;
      const doing = consumer.waits
        ? 'waits'
        : consumer.held > 0
          ? `holds ${count(consumer.held)}`
          : '';
      write(text, `${count(consumer.rows)} rows${doing === '' ? '' : ` · ${doing}`}`);
      attribute(
        root,
        'aria-label',
        `consumer, has got ${plural(consumer.rows, 'row')}${consumer.waits ? ', waits for more' : ''}`,
      );
    },
  };
}

function arrowHead(): SVGDefsElement {
  return svg(
    'defs',
    {},
    svg(
      'marker',
      {
        id: 'arrow',
        viewBox: '0 0 8 8',
        refX: 7,
        refY: 4,
        markerUnits: 'userSpaceOnUse',
        markerWidth: 10,
        markerHeight: 10,
        orient: 'auto',
      },
      svg('path', { d: 'M0 0L8 4L0 8z', class: 'arrow' }),
    ),
  );
}
