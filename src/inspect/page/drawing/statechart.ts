/** A statechart, drawn from its machine: the current state lit, the last transition marked. */
import type { MachineDefinition } from '../../../../machines/machine-definition.ts';
import type { ActorModel } from '../../../run-model/index.ts';
import { layOut, type Layout, type Place } from '../layout/layout.ts';
import { count, duration, plain } from '../view/format.ts';
import { lookOfState } from '../view/state-look.ts';
import { createCamera } from './camera.ts';
import {
  activeStates,
  ANY_STATE,
  chartParts,
  LINE_HEIGHT,
  stateNotes,
  type Arrow,
  type ChartParts,
} from './statechart-parts.ts';
import { attribute, roundedPath, svg, write } from './svg.ts';

export interface ChartDrawing {
  readonly update: (
    machine: MachineDefinition | undefined,
    actor: ActorModel | undefined,
    at: number,
    numbers: boolean,
  ) => void;
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly destroy: () => void;
}

/** Below this the words are too small. */
const READABLE_SCALE = 0.66;

type Part = (active: ReadonlySet<string>, actor: ActorModel, at: number, numbers: boolean) => void;

export function mountStatechart(element: HTMLElement): ChartDrawing {
  const world = svg('g');
  const root = svg(
    'svg',
    { class: 'chart', role: 'img', 'aria-label': 'Statechart' },
    svg('defs', {}, arrowHead('chart-arrow', 'arrow'), arrowHead('chart-arrow-last', 'arrow-last')),
    world,
  );
  element.append(root);
  const camera = createCamera(root, world);
  let drawn = '';
  let parts: readonly Part[] = [];
  let size: Layout | undefined;
  let shown: { readonly actor: ActorModel; readonly at: number } | undefined;
  let destroyed = false;

  async function draw(machine: MachineDefinition, key: string): Promise<void> {
    const chart = chartParts(machine);
    const layout = await roomiest(chart, element);
    // Another chart may have been asked for meanwhile.
    if (destroyed || drawn !== key) return;
    size = layout;
    parts = drawChart(chart, layout, world);
    if (shown !== undefined) writeParts(shown.actor, shown.at, true);
    fitAround();
    element.dataset['drawn'] = machine.id;
  }

  function writeParts(actor: ActorModel, at: number, numbers: boolean): void {
    const active = activeStates(actor.state);
    for (const part of parts) part(active, actor, at, numbers);
  }

  const fit = (): void => {
    if (size !== undefined) camera.fit(size.width, size.height);
  };
  /** All of it; of a large chart the part around the current state. */
  function fitAround(): void {
    if (size === undefined) return;
    const here = shown?.actor.state.split(' ')[0];
    const place = here === undefined ? undefined : size.boxes.get(here);
    camera.fitReadable(size.width, size.height, place);
  }

  const resized = new ResizeObserver(fitAround);
  resized.observe(element);

  return {
    update(machine, actor, at, numbers) {
      const key = machine === undefined ? '' : keyOf(machine);
      shown = actor === undefined ? undefined : { actor, at };
      if (key !== drawn) {
        drawn = key;
        parts = [];
        size = undefined;
        world.replaceChildren();
        delete element.dataset['drawn'];
        if (machine !== undefined) {
          draw(machine, key).catch((error: unknown) => {
            element.dataset['failed'] = String(error);
          });
        }
      }
      if (actor === undefined) return;
      if (numbers) attribute(root, 'aria-label', labelOf(actor, at));
      writeParts(actor, at, numbers);
    },
    fit,
    zoom: camera.zoom,
    destroy() {
      destroyed = true;
      resized.disconnect();
      camera.destroy();
      root.remove();
    },
  };
}

/** Downwards, unless that is so tall that it could not be read, and sideways is better. */
async function roomiest(
  { drawing }: ChartParts,
  { clientWidth, clientHeight }: HTMLElement,
): Promise<Layout> {
  const scaleOf = ({ width, height }: Layout): number =>
    Math.min(1, clientWidth / width, clientHeight / height);
  const down = await layOut(drawing);
  if (scaleOf(down) > READABLE_SCALE) return down;
  const right = await layOut({ ...drawing, direction: 'right' });
  return scaleOf(right) > scaleOf(down) ? right : down;
}

const keys = new WeakMap<MachineDefinition, string>();

/** The same for equal definitions: those of another moment are copies. */
function keyOf(machine: MachineDefinition): string {
  let key = keys.get(machine);
  if (key === undefined) {
    key = JSON.stringify(machine);
    keys.set(machine, key);
  }
  return key;
}

function labelOf({ id, machine, state, stateSince, stoppedAt }: ActorModel, at: number): string {
  const is = stoppedAt === undefined ? 'is in' : 'stopped in';
  return `Statechart of ${plain(machine)}: ${plain(id)} ${is} ${plain(state)} for ${duration(Math.max(0, at - stateSince))}`;
}

function drawChart(chart: ChartParts, layout: Layout, world: SVGGElement): readonly Part[] {
  const parts: Part[] = [];
  const [boxes, lines, labels] = [svg('g'), svg('g'), svg('g')];
  for (const [id, state] of chart.states) {
    const place = layout.boxes.get(id);
    if (place === undefined) continue;
    const box = drawState(id, state.name, state.type === 'final', stateNotes(state), place);
    boxes.append(box.root);
    parts.push(box.update);
  }
  for (const dot of chart.dots) {
    const place = layout.boxes.get(dot);
    if (place === undefined) continue;
    boxes.append(svg('circle', { class: 'initial', cx: place.x + 6, cy: place.y + 6, r: 5 }));
  }
  const any = layout.boxes.get(ANY_STATE);
  if (any !== undefined) {
    boxes.append(
      svg('text', { class: 'arrow-label', x: any.x + 6, y: any.y + 18 }, 'in any state'),
    );
  }
  for (const arrow of chart.arrows) {
    const route = layout.lines.get(arrow.id);
    if (route === undefined) continue;
    const line = svg('path', { class: 'transition', d: roundedPath(route.points) });
    lines.append(line);
    const label = drawLabel(arrow, route.label);
    if (label !== undefined) labels.append(label);
    parts.push((active, actor) => {
      const isLast = arrow.transitions.some(({ id }) => actor.lastTransitions.includes(id));
      const isNext = active.has(arrow.from) || arrow.from === ANY_STATE;
      const classes = `transition${isLast ? ' last' : ''}${isNext ? ' next' : ''}`;
      attribute(line, 'class', classes);
      attribute(line, 'marker-end', `url(#${isLast ? 'chart-arrow-last' : 'chart-arrow'})`);
      if (label !== undefined)
        attribute(label, 'class', `arrow-label${isLast ? ' last' : ''}${isNext ? ' next' : ''}`);
    });
  }
  world.replaceChildren(boxes, lines, labels);
  return parts;
}

function drawState(
  id: string,
  name: string,
  isFinal: boolean,
  notes: readonly string[],
  place: Place,
): { readonly root: SVGGElement; readonly update: Part } {
  const { x, y, width, height } = place;
  const frame = svg('rect', { class: 'state-frame', width, height, rx: 8 });
  const title = svg('text', { class: 'state-title', x: 12, y: 20 }, plain(name, 60));
  const facts = svg('text', { class: 'state-facts', x: 12, y: 34 });
  const root = svg(
    'g',
    {
      class: 'chart-state',
      transform: `translate(${x.toFixed(1)} ${y.toFixed(1)})`,
      'data-state': id,
    },
    frame,
    title,
    facts,
    ...notes.map((note, index) =>
      svg('text', { class: 'state-note', x: 12, y: 34 + (index + 1) * LINE_HEIGHT }, note),
    ),
  );
  if (isFinal) {
    root.append(
      svg('rect', {
        class: 'state-final',
        x: 3,
        y: 3,
        width: width - 6,
        height: height - 6,
        rx: 5,
      }),
    );
  }
  return {
    root,
    update(active, actor, at, numbers) {
      const isActive = active.has(id);
      const look = lookOfState(id).look;
      attribute(root, 'class', `chart-state state-${look}${isActive ? ' active' : ''}`);
      if (!numbers && !isActive) return;
      const visits = actor.visits[id] ?? 0;
      const isHere = actor.state.split(' ').includes(id);
      const times = visits === 0 ? '' : `${count(visits)}×`;
      const since = isHere ? `● ${duration(Math.max(0, at - actor.stateSince))}` : '';
      if (numbers) write(facts, [since, times].filter((part) => part !== '').join('  '));
    },
  };
}

function drawLabel(arrow: Arrow, place: Place | undefined): SVGTextElement | undefined {
  if (place === undefined || arrow.lines.length === 0) return undefined;
  const text = svg('text', { class: 'arrow-label', x: place.x + 4, y: place.y });
  for (const line of arrow.lines)
    text.append(svg('tspan', { x: place.x + 4, dy: LINE_HEIGHT }, line));
  const words = arrow.transitions
    .map(({ description, actions, event }) => [
      event,
      description,
      actions.length > 0 ? `does ${actions.join(', ')}` : undefined,
    ])
    .map((facts) => facts.filter((fact) => fact !== undefined && fact !== '').join(': '));
  text.append(svg('title', {}, plain(words.join('\n'), 800)));
  return text;
}

function arrowHead(id: string, className: string): SVGMarkerElement {
  return svg(
    'marker',
    {
      id,
      viewBox: '0 0 8 8',
      refX: 7,
      refY: 4,
      markerUnits: 'userSpaceOnUse',
      markerWidth: 9,
      markerHeight: 9,
      orient: 'auto',
    },
    svg('path', { d: 'M0 0L8 4L0 8z', class: className }),
  );
}
