/**
 * What a worker and its pool see at the same time, in memory that they share: who has the thread, and which
 * of the runs that were sent ahead have begun. A run that has not can be taken back while the worker is busy
 * and reads no messages: it begins or is taken back, whichever side writes first.
 */

/** Most runs that a worker has at a time. */
export const PLACES = 32;

/**
 * The number of the run that has the thread, 0 for none; then, for each place, that of the run that may
 * begin there, 0 once it has begun or was taken back. Numbers are not used twice.
 */
export type Board = Int32Array;

/** Undefined where memory cannot be shared: then no run is taken back. */
export function createBoard(): Board | undefined {
  if (typeof SharedArrayBuffer === 'undefined') return undefined;
  return new Int32Array(new SharedArrayBuffer((1 + PLACES) * Int32Array.BYTES_PER_ELEMENT));
}

export function setHolder(board: Board | undefined, id: number): void {
  if (board !== undefined) Atomics.store(board, 0, id);
}

/** Who has the thread; undefined when nobody can tell. */
export function holderOf(board: Board | undefined): number | undefined {
  return board === undefined ? undefined : Atomics.load(board, 0);
}

/** The run may begin, or be taken back. */
export function offer(board: Board | undefined, place: number, id: number): void {
  if (board !== undefined) Atomics.store(board, 1 + place, id);
}

/** Whether the run has neither begun nor been taken back. */
export function isOffered(board: Board | undefined, place: number, id: number): boolean {
  return board === undefined || Atomics.load(board, 1 + place) === id;
}

/** Begins the run, or takes it back: whether the other side has not come before. */
export function claim(board: Board | undefined, place: number, id: number): boolean {
  return board === undefined || Atomics.compareExchange(board, 1 + place, id, 0) === id;
}
