/** All of the graph in SVG: drawn once for a layout, then what has changed is written. */
import { CONSUMER, edgesOf, type EdgeView, type RunModel } from '../../../../run-model/index.ts';
import type { Layout, Place } from '../../layout/layout.ts';
import { linkView, operatorOf, type GraphShape } from '../../view/folding.ts';
import { attribute, roundedPath, svg } from '../svg.ts';
import { drawCard } from './card.ts';
import { CONSUMER_BOX, linkId } from './plan-drawing.ts';
import { drawConsumer, drawQueue, QUEUE } from './queue.ts';
import { walkWithKeys } from './walk.ts';

export interface GraphParts {
  readonly update: (model: RunModel, numbers: boolean, selected: string | undefined) => void;
}

type Part = GraphParts['update'];

export function drawParts(
  shape: GraphShape,
  layout: Layout,
  world: SVGGElement,
  {
    pick,
    reveal,
  }: { readonly pick: (box: number) => void; readonly reveal: (place: Place) => void },
): GraphParts {
  const updates: Part[] = [];
  const [lines, cardLayer, badges] = [svg('g'), svg('g'), svg('g')];
  const moved = (element: SVGElement, { x, y }: Place): void => {
    attribute(element, 'transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
  };

  const queues = shape.links.flatMap((link, index) => {
    const route = layout.lines.get(linkId(index));
    if (route === undefined) return [];
    const line = svg('path', {
      class: 'edge',
      d: roundedPath(route.points),
      'marker-end': 'url(#arrow)',
    });
    const queue = drawQueue(route.label ?? middleOf(route.points));
    lines.append(line);
    badges.append(queue.root);
    return [{ link, line, queue }];
  });
  updates.push((model, numbers) => {
    const edges = edgesOf(model);
    for (const { link, line, queue } of queues) {
      const edge = linkView(link, edges);
      if (edge === undefined) continue;
      const isFull = link.edges.some((index) => isHeldUp(model, edges[index]));
      queue.update(isFull ? { ...edge, fill: 1 } : edge, numbers, line);
    }
  });

  const cards = shape.nodes.map((node, box) => {
    const place = layout.boxes.get(String(box));
    if (place === undefined) return undefined;
    const card = drawCard(node);
    moved(card.root, place);
    cardLayer.append(card.root);
    updates.push((model, numbers, selected) => {
      const operator = operatorOf(model, node);
      if (operator === undefined) return;
      const isSelected = node.members.some((index) => model.operators[index]?.name === selected);
      card.update(model, operator, numbers, isSelected);
    });
    card.button.addEventListener('focus', () => {
      reveal(place);
    });
    card.root.addEventListener('click', () => {
      pick(box);
      card.button.focus();
    });
    return card;
  });

  const place = layout.boxes.get(CONSUMER_BOX);
  if (place !== undefined) {
    const consumer = drawConsumer();
    moved(consumer.root, place);
    cardLayer.append(consumer.root);
    updates.push(consumer.update);
  }
  world.replaceChildren(lines, cardLayer, badges);
  walkWithKeys(shape, cards, pick);
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

/** Whether the queue on an edge is what its sender waits for. */
function isHeldUp(model: RunModel, edge: EdgeView | undefined): boolean {
  const limit = model.operators[edge?.from ?? -1]?.denial?.limit;
  return limit === (edge?.to === CONSUMER ? 'demand' : 'queue');
}
