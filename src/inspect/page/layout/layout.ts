/**
 * Places boxes and routes lines between them, in a worker (ELK). A layout depends on what there is, never
 * on what it holds, so it is made once for each topology and kept.
 */
import type { ElkExtendedEdge, ElkLabel, ElkNode } from 'elkjs/lib/elk-api.js';
import elkWorkerUrl from 'elkjs/lib/elk-worker.min.js?url';
import { startElk, type Elk } from './elk.ts';

export interface BoxToPlace {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Boxes inside of it. */
  readonly children?: readonly BoxToPlace[];
  /** Room above the children, for a title. */
  readonly headroom?: number;
  /** Where in the flow it belongs when that is known. */
  readonly rank?: 'first' | 'last';
}

export interface LineToRoute {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly label?: { readonly width: number; readonly height: number };
}

export interface Drawing {
  readonly boxes: readonly BoxToPlace[];
  readonly lines: readonly LineToRoute[];
  readonly direction: 'right' | 'down';
  /** Width to height that is wished for: long chains wrap into rows to come near it. */
  readonly aspect?: number;
}

export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Route {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** Where its label is; undefined when it has none. */
  readonly label: Place | undefined;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Place>;
  readonly lines: ReadonlyMap<string, Route>;
}

const known = new Map<string, Promise<Layout>>();
let engine: Elk | undefined;
let workerUrl: string | undefined;

/** Where the layout worker is loaded from, when not from beside this module. */
export function setLayoutWorker(url: string): void {
  workerUrl = url;
}

/** Where it is loaded from. */
export function layoutWorkerUrl(): string {
  return workerUrl ?? elkWorkerUrl;
}

/** The layout of a drawing; the same promise for the same topology. */
export function layOut(drawing: Drawing): Promise<Layout> {
  const key = JSON.stringify(drawing);
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = run(drawing);
  known.set(key, made);
  // A failure is not remembered: the worker may be there the next time.
  made.catch(() => known.delete(key));
  return made;
}

async function run(drawing: Drawing): Promise<Layout> {
  engine ??= startElk(layoutWorkerUrl(), () => {
    engine = undefined;
  });
  const { direction, aspect } = drawing;
  const options: Record<string, string> = {
    'elk.algorithm': 'layered',
    'elk.direction': direction === 'right' ? 'RIGHT' : 'DOWN',
    'elk.edgeRouting': 'ORTHOGONAL',
    'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
    'elk.layered.spacing.nodeNodeBetweenLayers': direction === 'right' ? '26' : '34',
    'elk.layered.spacing.edgeNodeBetweenLayers': '18',
    'elk.spacing.nodeNode': '34',
    'elk.spacing.edgeNode': '18',
    'elk.spacing.edgeEdge': '12',
    'elk.spacing.edgeLabel': '4',
    'elk.layered.edgeLabels.sideSelection': 'SMART_DOWN',
    'elk.layered.cycleBreaking.strategy': 'MODEL_ORDER',
    'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
    'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
    'elk.padding': '[top=24,left=24,bottom=24,right=24]',
  };
  if (aspect !== undefined) {
    options['elk.aspectRatio'] = String(aspect);
    options['elk.layered.wrapping.strategy'] = 'MULTI_EDGE';
    // Wrapping does not go with children inside of boxes.
    delete options['elk.hierarchyHandling'];
  }
  const graph = {
    id: 'root',
    layoutOptions: options,
    children: drawing.boxes.map(toElk),
    edges: drawing.lines.map(({ id, from, to, label }) => ({
      id,
      sources: [from],
      targets: [to],
      ...(label === undefined ? {} : { labels: [labelOf(id, label, direction)] }),
    })),
  };
  return read(await engine.layout(graph));
}

/** On its line in a graph, beside it in a chart. */
function labelOf(
  id: string,
  size: { readonly width: number; readonly height: number },
  direction: Drawing['direction'],
): ElkLabel {
  const layoutOptions = { 'elk.edgeLabels.inline': String(direction === 'right') };
  return { id: `${id}:label`, text: ' ', ...size, layoutOptions };
}

function toElk({ id, width, height, children, headroom, rank }: BoxToPlace): ElkNode {
  const layoutOptions: Record<string, string> = {
    'elk.padding': `[top=${String(headroom ?? 12)},left=14,bottom=14,right=14]`,
  };
  if (rank === 'first') layoutOptions['elk.layered.layering.layerConstraint'] = 'FIRST';
  if (rank === 'last') layoutOptions['elk.layered.layering.layerConstraint'] = 'LAST';
  if (children === undefined || children.length === 0) return { id, width, height, layoutOptions };
  layoutOptions['elk.nodeSize.constraints'] = 'MINIMUM_SIZE';
  layoutOptions['elk.nodeSize.minimum'] = `(${String(width)},${String(height)})`;
  return { id, layoutOptions, children: children.map(toElk) };
}

function read(root: ElkNode): Layout {
  const boxes = new Map<string, Place>();
  const lines = new Map<string, Route>();
  const origins = new Map<string, { x: number; y: number }>([['root', { x: 0, y: 0 }]]);

  function readBoxes(parent: ElkNode, x0: number, y0: number): void {
    for (const child of parent.children ?? []) {
      const [x, y] = [x0 + (child.x ?? 0), y0 + (child.y ?? 0)];
      boxes.set(child.id, { x, y, width: child.width ?? 0, height: child.height ?? 0 });
      origins.set(child.id, { x, y });
      readBoxes(child, x, y);
    }
  }
  readBoxes(root, 0, 0);
  for (const edge of root.edges ?? []) lines.set(edge.id, routeOf(edge, origins));
  return { width: root.width ?? 0, height: root.height ?? 0, boxes, lines };
}

/** Coordinates of an edge are relative to the box it is contained in. */
function routeOf(
  edge: ElkExtendedEdge & { container?: string },
  origins: ReadonlyMap<string, { x: number; y: number }>,
): Route {
  const { x, y } = origins.get(edge.container ?? 'root') ?? { x: 0, y: 0 };
  const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints, endPoint }) =>
    [startPoint, ...(bendPoints ?? []), endPoint].map((point) => ({
      x: x + point.x,
      y: y + point.y,
    })),
  );
  const [label] = edge.labels ?? [];
  return {
    points,
    label:
      label?.x === undefined || label.y === undefined
        ? undefined
        : { x: x + label.x, y: y + label.y, width: label.width ?? 0, height: label.height ?? 0 },
  };
}
