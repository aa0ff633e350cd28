/** What of a pipeline is to be laid out: boxes, and lines with room for their queues. */
import { CONSUMER } from '../../../../run-model/index.ts';
import type { Drawing } from '../../layout/layout.ts';
import type { GraphShape } from '../../view/folding.ts';
import { CARD } from './card.ts';
import { CONSUMER_SIZE, QUEUE } from './queue.ts';

export const CONSUMER_BOX = 'consumer';
/** Room a box takes with the line behind it. */
const STRIDE = CARD.width + 150;
/** A row that would have to be drawn smaller than this is wrapped. */
const SMALLEST_SCALE = 0.8;

export function linkId(index: number): string {
  return `link ${String(index)}`;
}

/** Boxes are named by their index. */
export function drawingOf(
  { nodes, links }: GraphShape,
  { clientWidth, clientHeight }: HTMLElement,
): Drawing {
  const boxes = nodes.map((_, index) => ({ id: String(index), ...CARD }));
  const isLong = longestWay({ nodes, links }) * STRIDE * SMALLEST_SCALE > clientWidth;
  const feedsConsumer = links.some(({ to }) => to === CONSUMER);
  return {
    boxes: feedsConsumer ? [...boxes, { id: CONSUMER_BOX, ...CONSUMER_SIZE }] : boxes,
    lines: links.map(({ from, to }, index) => ({
      id: linkId(index),
      from: String(from),
      to: to === CONSUMER ? CONSUMER_BOX : String(to),
      label: QUEUE,
    })),
    direction: 'right',
    // Rounded, so that the layout of a window a little wider is the same one.
    ...(isLong ? { aspect: Math.max(1, Math.round((2 * clientWidth) / clientHeight) / 2) } : {}),
  };
}

/** Boxes on the longest way through the graph. Ways back, which folding may make, do not count. */
function longestWay({ nodes, links }: GraphShape): number {
  const lengths = nodes.map(() => 1);
  for (const { from, to } of links) {
    if (to > from) lengths[to] = Math.max(lengths[to] ?? 1, (lengths[from] ?? 1) + 1);
  }
  return Math.max(0, ...lengths);
}
