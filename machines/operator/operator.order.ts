/** The reorder buffer: outputs leave in the order in which their tasks were started. */
import type { BlockRef } from '../block.ts';
import type { ParkedOutputs } from './operator.context.ts';

type Order = readonly ParkedOutputs[];

/** A task was started: its place is behind all that were started before. */
export function queueUp(order: Order, task: number): Order {
  return [...order, { task, refs: [], over: false }];
}

/** A task has yielded, and perhaps ended: what may leave now, and the order that is left. */
export function release(
  order: Order,
  task: number,
  refs: readonly BlockRef[],
  over: boolean,
): [leaving: readonly BlockRef[], order: Order] {
  const next = order.map((place) =>
    place.task === task ? { task, refs: [...place.refs, ...refs], over } : place,
  );
  const leaving: BlockRef[] = [];
  let first = 0;
  for (const place of next) {
    leaving.push(...place.refs);
    if (!place.over) break;
    first += 1;
  }
  const [head, ...rest] = next.slice(first);
  return [leaving, head === undefined ? [] : [{ ...head, refs: [] }, ...rest]];
}
