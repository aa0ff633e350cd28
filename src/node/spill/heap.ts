/**
 * The heap while blocks of rows go through it. V8 lets dead memory lie until there is a multiple of what
 * lives; rows that were spilled are dead memory, and it would keep most of what spilling has gained.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes the heap may grow by before its garbage is collected. */
const MOST_GARBAGE = 24 * 1024 * 1024;
/** A heap in which more lives is V8's own business: a collection would hold the thread for too long. */
const LARGE_HEAP = 256 * 1024 * 1024;

/**
 * Makes what collects garbage if there is much of it: a third of what lives at least, so that collecting
 * stays cheap beside what makes the garbage.
 */
export function createTrimmer(used: () => number, collect: () => void): () => void {
  /** What was in use after the last collection, by whomever. */
  let floor = Infinity;
  return () => {
    const now = used();
    if (now < floor) floor = now;
    if (floor > LARGE_HEAP || now - floor < Math.max(MOST_GARBAGE, floor / 3)) return;
    collect();
    floor = used();
  };
}

let collectAll: (() => void) | undefined;

/** Rows have become dead memory, or will: collects it if there is much. */
export const trimHeap = createTrimmer(
  () => getHeapStatistics().used_heap_size,
  () => {
    collectAll ??= exposeCollector();
    collectAll();
  },
);

function exposeCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
