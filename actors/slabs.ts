/**
 * A pool of slabs: shared memory in which blocks of columns are lent to several workers. Shared memory
 * that is dropped is not collected under pressure, so what one block has left is used by the next.
 */
import { StoreError } from '../machines/errors.ts';

/** One use of a piece of shared memory. */
export interface Slab {
  readonly buffer: SharedArrayBuffer;
  /** What stands at the head of the memory as long as it is used for this. */
  readonly generation: number;
}

export interface SlabUsage {
  /** Slabs that are taken, and their bytes. */
  readonly taken: number;
  readonly takenBytes: number;
  readonly idleBytes: number;
}

export interface SlabPool {
  /**
   * Memory for so many bytes. Undefined when they are too few or too many for a slab, and where memory
   * cannot be shared.
   */
  readonly take: (bytes: number) => Slab | undefined;
  /**
   * Gives a slab back, when nobody reads it any more.
   * @throws StoreError when it was given back already.
   */
  readonly give: (slab: Slab) => void;
  readonly usage: () => SlabUsage;
}

/** Less is copied in no time. */
export const MIN_SLAB_BYTES = 64 * 1024;
/** More would fill the pool with few slabs. */
const MAX_BYTES = 32 * 1024 * 1024;
/** What is kept of slabs that nobody uses. */
const MAX_IDLE_BYTES = 128 * 1024 * 1024;
/** The head: the generation, alone on a line of the cache. */
const HEAD_BYTES = 64;
/**
 * What a slab has beside the bytes of its class: its head, and room for the gaps between columns, so that
 * a block of exactly as many bytes as a class has does not need the next one.
 */
const EXTRA_BYTES = 4096;
/** Every array begins at a multiple of this. */
const ALIGN = 8;

export function createSlabPool(maxIdleBytes = MAX_IDLE_BYTES): SlabPool {
  /** The one that was given back last is the last. */
  const idle: SharedArrayBuffer[] = [];
  let idleBytes = 0;
  let taken = 0;
  let takenBytes = 0;

  function reuse(byteLength: number): SharedArrayBuffer | undefined {
    const index = idle.findLastIndex((buffer) => buffer.byteLength === byteLength);
    if (index < 0) return undefined;
    idleBytes -= byteLength;
    return idle.splice(index, 1)[0];
  }

  return {
    take(bytes) {
      if (bytes < MIN_SLAB_BYTES || bytes > MAX_BYTES) return undefined;
      if (typeof SharedArrayBuffer === 'undefined') return undefined;
      const byteLength = classOf(bytes) + EXTRA_BYTES;
      const buffer = reuse(byteLength) ?? new SharedArrayBuffer(byteLength);
      taken += 1;
      takenBytes += byteLength;
      return { buffer, generation: nextGeneration(buffer) };
    },
    give(slab) {
      checkSlab(slab);
      const { buffer } = slab;
      const { byteLength } = buffer;
      nextGeneration(buffer);
      taken -= 1;
      takenBytes -= byteLength;
      idle.push(buffer);
      idleBytes += byteLength;
      while (idleBytes > maxIdleBytes) idleBytes -= idle.shift()?.byteLength ?? idleBytes;
    },
    usage: () => ({ taken, takenBytes, idleBytes }),
  };
}

/** The pool of all runs of this thread: a later one uses what an earlier one has left. */
export const slabPool = createSlabPool();

/** @throws StoreError when the slab was given back, and may be used for something else. */
export function checkSlab({ buffer, generation }: Slab): void {
  if (Atomics.load(headOf(buffer), 0) === generation) return;
  throw new StoreError('the block is not in shared memory any more: it was released');
}

/** @returns what gives parts of a slab, one behind the other. */
export function partsOf({ buffer }: Slab): (bytes: number) => Uint8Array {
  let at = HEAD_BYTES;
  return (bytes) => {
    const part = new Uint8Array(buffer, at, bytes);
    at += Math.ceil(bytes / ALIGN) * ALIGN;
    return part;
  };
}

/** The smallest class for so many bytes: four to each power of two, so that a fifth is lost at most. */
function classOf(bytes: number): number {
  const withoutGaps = Math.max(MIN_SLAB_BYTES, bytes - (EXTRA_BYTES - HEAD_BYTES));
  const step = 2 ** (31 - Math.clz32(withoutGaps) - 2);
  return Math.ceil(withoutGaps / step) * step;
}

function nextGeneration(buffer: SharedArrayBuffer): number {
  return (Atomics.add(headOf(buffer), 0, 1) + 1) | 0;
}

function headOf(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer, 0, 1);
}
