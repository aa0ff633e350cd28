/**
 * An immutable first-in-first-out queue of block refs that knows its rows and bytes.
 *
 * A snapshot that holds a queue stays true for ever, and no transition copies one: refs arrive in
 * batches, a batch is kept as it came, and taking from the front moves an offset. Both ends cost
 * amortised O(1) a batch (the two-list queue of Okasaki, "Purely Functional Data Structures", 5.2).
 */
import { bytesOf, rowsOf, type BlockRef } from './block.ts';

interface Batch {
  readonly refs: readonly BlockRef[];
  /** Index of the first ref that is still queued. */
  readonly start: number;
  readonly next: Batch | undefined;
}

export interface RefQueue {
  readonly blocks: number;
  readonly rows: number;
  readonly bytes: number;
  /** Batches to take from, oldest first. */
  readonly front: Batch | undefined;
  /** Batches that came later, newest first. */
  readonly back: Batch | undefined;
}

/** How much to take at once. What is missing does not limit. */
export interface TakeLimits {
  readonly blocks?: number | undefined;
  readonly rows?: number | undefined;
  readonly bytes?: number | undefined;
}

export const emptyQueue: RefQueue = {
  blocks: 0,
  rows: 0,
  bytes: 0,
  front: undefined,
  back: undefined,
};

/** The queue with `refs` behind what it has. */
export function push(queue: RefQueue, refs: readonly BlockRef[]): RefQueue {
  if (refs.length === 0) return queue;
  const totals = {
    blocks: queue.blocks + refs.length,
    rows: queue.rows + rowsOf(refs),
    bytes: queue.bytes + bytesOf(refs),
  };
  return queue.front === undefined
    ? { ...totals, front: { refs, start: 0, next: undefined }, back: undefined }
    : { ...totals, front: queue.front, back: { refs, start: 0, next: queue.back } };
}

/**
 * Takes refs off the front while they fit the limits. The first ref is taken even when it alone
 * exceeds the limit of rows or bytes, so that a large block can never block a queue.
 */
export function take(
  queue: RefQueue,
  limits: TakeLimits,
): [taken: readonly BlockRef[], rest: RefQueue] {
  const maxBlocks = Math.min(limits.blocks ?? Infinity, queue.blocks);
  if (maxBlocks < 1) return [[], queue];
  const maxRows = limits.rows ?? Infinity;
  const maxBytes = limits.bytes ?? Infinity;
  const taken: BlockRef[] = [];
  let rows = 0;
  let bytes = 0;
  let { front, back } = queue;
  let start = front?.start ?? 0;
  while (front !== undefined && taken.length < maxBlocks) {
    const ref = front.refs[start];
    if (ref === undefined) {
      [front, back] = afterFirst(front, back);
      start = front?.start ?? 0;
      continue;
    }
    const fits = rows + ref.numRows <= maxRows && bytes + ref.sizeBytes <= maxBytes;
    if (!fits && taken.length > 0) break;
    taken.push(ref);
    rows += ref.numRows;
    bytes += ref.sizeBytes;
    start += 1;
  }
  if (taken.length === queue.blocks || front === undefined) return [taken, emptyQueue];
  // A batch that is used up is dropped at once: a snapshot would keep its refs alive.
  [front, back] =
    start < front.refs.length
      ? [{ refs: front.refs, start, next: front.next }, back]
      : afterFirst(front, back);
  const rest = { blocks: queue.blocks - taken.length, rows: queue.rows - rows };
  return [taken, { ...rest, bytes: queue.bytes - bytes, front, back }];
}

/** The two lists without the first batch, turned round when the front has run out. */
function afterFirst(
  front: Batch,
  back: Batch | undefined,
): [front: Batch | undefined, back: Batch | undefined] {
  return front.next === undefined ? [reverse(back), undefined] : [front.next, back];
}

/** Everything that is queued, oldest first. */
export function queued(queue: RefQueue): readonly BlockRef[] {
  return take(queue, {})[0];
}

function reverse(batch: Batch | undefined): Batch | undefined {
  let reversed: Batch | undefined;
  for (let at = batch; at !== undefined; at = at.next) {
    reversed = { refs: at.refs, start: at.start, next: reversed };
  }
  return reversed;
}
