/** The pipeline as a graph: operators as cards, queues on the lines between them. */
import type { RunModel } from '../../../../run-model/index.ts';
import { layOut, type Layout } from '../../layout/layout.ts';
import { shapeOf, type GraphShape } from '../../view/folding.ts';
import { createCamera } from '../camera.ts';
import { paced } from '../paced.ts';
import { attribute, svg } from '../svg.ts';
import { boxAt, drawOverview, overviewLabel } from './overview.ts';
import { drawParts, type GraphParts } from './parts.ts';
import { drawingOf } from './plan-drawing.ts';

/** With more boxes than this, words are left out where they could not be read anyway. */
export const MANY_BOXES = 120;
const READABLE_SCALE = 0.4;
/** What moves farther, in pixels, is no click. */
const DRAG = 4;
/** From far away it is drawn anew after so many times as long as drawing it took. */
const REST = 12;

export interface GraphEvents {
  readonly onSelect: (operator: string) => void;
  /** Somebody wants to see what is in a group. */
  readonly onUnfold: (group: string) => void;
}

export interface GraphScene {
  readonly model: RunModel;
  /** Name of the operator that is selected. */
  readonly selected: string | undefined;
  /** Groups that are one box each. */
  readonly folded: ReadonlySet<string>;
}

export interface GraphDrawing {
  readonly update: (scene: GraphScene, numbers: boolean) => void;
  readonly fit: () => void;
  readonly zoom: (factor: number) => void;
  readonly destroy: () => void;
}

interface Drawn {
  readonly shape: GraphShape;
  readonly layout: Layout;
}

export function mountGraph(element: HTMLElement, events: GraphEvents): GraphDrawing {
  const canvas = document.createElement('canvas');
  canvas.className = 'overview';
  const world = svg('g');
  const root = svg('svg', { class: 'graph' }, arrowHead(), world);
  element.append(canvas, root);
  const camera = createCamera(root, world, show);
  const stop = new AbortController();
  let topology = '';
  let drawn: Drawn | undefined;
  let parts: GraphParts | undefined;
  let scene: GraphScene | undefined;

  const isFar = (): boolean =>
    drawn !== undefined &&
    drawn.shape.nodes.length > MANY_BOXES &&
    camera.view().scale < READABLE_SCALE;

  const overview = paced(() => {
    if (scene === undefined || drawn === undefined || !isFar()) return;
    drawOverview(canvas, { ...drawn, ...scene, view: camera.view() });
  }, REST);

  /** Cards or the canvas, whichever is right from this far away. */
  function show(): void {
    if (scene === undefined || drawn === undefined) return;
    const far = isFar();
    const detail = far ? 'low' : 'full';
    if (far) overview.now();
    if (element.dataset['detail'] === detail) return;
    element.dataset['detail'] = detail;
    canvas.hidden = !far;
    attribute(world, 'display', far ? 'none' : 'inline');
    attribute(root, 'role', far ? 'img' : 'group');
    if (far) attribute(root, 'tabindex', 0);
    else root.removeAttribute('tabindex');
    // Nothing was written while it was not seen.
    write(true);
  }

  /** Cards are made when they are first seen. */
  function write(numbers: boolean): void {
    if (scene === undefined || drawn === undefined) return;
    const { model, selected } = scene;
    if (isFar()) {
      if (numbers) attribute(root, 'aria-label', overviewLabel(drawn.shape, model));
      overview.soon();
      return;
    }
    attribute(root, 'aria-label', 'Operators of the pipeline');
    parts ??= drawParts(drawn.shape, drawn.layout, world, { pick, reveal: camera.reveal });
    parts.update(model, numbers, selected);
  }

  function pick(box: number): void {
    const node = drawn?.shape.nodes[box];
    if (node?.isGroup === true) events.onUnfold(node.name);
    else if (node !== undefined) events.onSelect(node.name);
  }

  /** Lays out anew, unless it is the same plan told again. */
  function reshape({ model: { plan }, folded }: GraphScene): void {
    const names = plan.operators.map(({ name, edges }) => [name, edges]);
    const key = JSON.stringify([names, [...folded]]);
    if (key === topology) return;
    topology = key;
    drawn = undefined;
    parts = undefined;
    draw(shapeOf(plan, folded), key).catch((error: unknown) => {
      element.dataset['failed'] = String(error);
    });
  }

  async function draw(shape: GraphShape, key: string): Promise<void> {
    const layout = await layOut(drawingOf(shape, element));
    // Another one may have been asked for meanwhile.
    if (stop.signal.aborted || topology !== key) return;
    drawn = { shape, layout };
    world.replaceChildren();
    camera.fit(layout.width, layout.height);
    show();
    write(true);
    element.dataset['drawn'] = 'true';
  }

  function fit(): void {
    if (drawn !== undefined) camera.fit(drawn.layout.width, drawn.layout.height);
  }

  function boxUnder(event: MouseEvent): number | undefined {
    if (drawn === undefined || !isFar()) return undefined;
    const { left, top } = root.getBoundingClientRect();
    return boxAt(drawn.layout, camera.view(), event.clientX - left, event.clientY - top);
  }

  let pressedAt: readonly [number, number] = [0, 0];
  root.addEventListener(
    'pointerdown',
    ({ clientX, clientY }) => {
      pressedAt = [clientX, clientY];
    },
    { signal: stop.signal },
  );
  root.addEventListener(
    'click',
    (event) => {
      const [x, y] = pressedAt;
      const isDrag = Math.hypot(event.clientX - x, event.clientY - y) > DRAG;
      const box = isDrag ? undefined : boxUnder(event);
      if (box !== undefined) pick(box);
    },
    { signal: stop.signal },
  );
  root.addEventListener(
    'pointermove',
    (event) => {
      // From far away there are no names: the browser shows that of what is under the pointer.
      element.title = drawn?.shape.nodes[boxUnder(event) ?? -1]?.name ?? '';
    },
    { signal: stop.signal },
  );
  const resized = new ResizeObserver(fit);
  resized.observe(element);

  return {
    update(next, numbers) {
      const isKnown = scene?.model.plan === next.model.plan && scene.folded === next.folded;
      scene = next;
      if (!isKnown) reshape(next);
      write(numbers);
    },
    fit,
    zoom: camera.zoom,
    destroy() {
      stop.abort();
      overview.cancel();
      resized.disconnect();
      camera.destroy();
      root.remove();
      canvas.remove();
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
