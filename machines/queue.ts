/**
 * An immutable first-in-first-out queue of block refs that knows its rows and bytes.
 *
 * A snapshot that holds a queue stays true for ever, and no transition copies one: batches that arrive
 * are kept as they came, and lined up when those before them are gone; taking moves an offset. Both ends
 * cost amortised O(1) a ref (the two-list queue of Okasaki, "Purely Functional Data Structures", 5.2,
 * with an array for its front: nothing old points at what is newer, which would make V8 keep it).
 */
import { bytesOf, rowsOf, type BlockRef } from './block.ts';

interface Batch {
  readonly refs: readonly BlockRef[];
  /** The batch that came before. */
  readonly before: Batch | undefined;
}

export interface RefQueue {
  readonly blocks: number;
  readonly rows: number;
  readonly bytes: number;
  /** Refs to take, oldest first, from `start` on. */
  readonly front: readonly BlockRef[];
  readonly start: number;
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
  front: [],
  start: 0,
  back: undefined,
};

/** The queue with `refs` behind what it has. */
export function push(queue: RefQueue, refs: readonly BlockRef[]): RefQueue {
  if (refs.length === 0) return queue;
  const isEmpty = queue.blocks === 0;
  return {
    blocks: queue.blocks + refs.length,
    rows: queue.rows + rowsOf(refs),
    bytes: queue.bytes + bytesOf(refs),
    front: isEmpty ? refs : queue.front,
    start: isEmpty ? 0 : queue.start,
    back: isEmpty ? undefined : { refs, before: queue.back },
  };
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
  let at = queue;
  let { start } = queue;
  while (taken.length < maxBlocks) {
    const ref = at.front[start];
    if (ref === undefined) {
      at = lineUp(at);
      start = 0;
      continue;
    }
    const fits = rows + ref.numRows <= maxRows && bytes + ref.sizeBytes <= maxBytes;
    if (!fits && taken.length > 0) break;
    taken.push(ref);
    rows += ref.numRows;
    bytes += ref.sizeBytes;
    start += 1;
  }
  if (taken.length === queue.blocks) return [taken, emptyQueue];
  const rest = {
    blocks: queue.blocks - taken.length,
    rows: queue.rows - rows,
    bytes: queue.bytes - bytes,
    front: at.front,
    start,
    back: at.back,
  };
  // What is used up is dropped at once: a snapshot would keep its refs alive.
  return [taken, start < rest.front.length ? rest : lineUp(rest)];
}

/** The queue, its front used up, with what came later for a front. */
function lineUp(queue: RefQueue): RefQueue {
  const batches: (readonly BlockRef[])[] = [];
  for (let batch = queue.back; batch !== undefined; batch = batch.before) batches.push(batch.refs);
  const [only = [], ...others] = batches;
  const front = others.length === 0 ? only : batches.reverse().flat();
  return { ...queue, front, start: 0, back: undefined };
}

/** Everything that is queued, oldest first. */
export function queued(queue: RefQueue): readonly BlockRef[] {
  return take(queue, {})[0];
}
