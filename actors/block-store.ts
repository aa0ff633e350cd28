/**
 * The block store: where the rows of a run live, once, under counted references. A block goes when its
 * last holder lets go; nothing waits for the garbage collector.
 */
import type { BlockRef } from '../machines/block.ts';
import { StoreError } from '../machines/errors.ts';
import type { Block } from './block.ts';

export interface BlockStore {
  /** Puts a block in, with one holder. */
  readonly put: (block: Block<unknown>, lineage: string, producer: number) => BlockRef;
  /**
   * The block a ref stands for.
   * @throws StoreError when it was released by all its holders.
   */
  readonly get: (ref: BlockRef) => Block<unknown>;
  /** Whether more than one holder has the block. */
  readonly isShared: (ref: BlockRef) => boolean;
  /** Adds holders. */
  readonly retain: (ref: BlockRef, holders?: number) => void;
  /**
   * Takes one holder away.
   * @throws StoreError when there was none left.
   */
  readonly release: (ref: BlockRef) => void;
  /** Lets go of everything, whoever holds it: the run is gone, and later releases mean nothing. */
  readonly clear: () => void;
  /** Bytes freed since the last call, by producer. */
  readonly takeReleased: () => ReadonlyMap<number, number>;
  /** Calls back when something is released, once until `takeReleased` is called. */
  readonly onReleased: (callback: () => void) => void;
  /** Tells of every block that goes, until the function that is returned is called. */
  readonly watchFreed: (listener: (id: number) => void) => () => void;
  readonly usage: StoreUsage;
}

export interface StoreUsage {
  readonly blocks: number;
  readonly bytes: number;
  /** The most bytes there have ever been at once. */
  readonly peakBytes: number;
  /** Bytes of the largest block there has ever been. */
  readonly largestBytes: number;
}

interface Entry {
  readonly block: Block<unknown>;
  readonly producer: number;
  holders: number;
}

export function createBlockStore(): BlockStore {
  const entries = new Map<number, Entry>();
  let released = new Map<number, number>();
  let nextId = 1;
  let bytes = 0;
  let peakBytes = 0;
  let largestBytes = 0;
  let notify: () => void = () => undefined;
  let notified = false;
  let cleared = false;
  const watchers = new Set<(id: number) => void>();

  function find(ref: BlockRef): Entry {
    const entry = entries.get(ref.id);
    if (entry === undefined) {
      throw new StoreError(
        `block ${String(ref.id)} (${ref.lineage}) is not in the store: it was released, or belongs to another run`,
      );
    }
    return entry;
  }

  return {
    put(block, lineage, producer) {
      const id = nextId++;
      const { numRows, sizeBytes } = block;
      entries.set(id, { block, producer, holders: 1 });
      bytes += sizeBytes;
      if (bytes > peakBytes) peakBytes = bytes;
      if (sizeBytes > largestBytes) largestBytes = sizeBytes;
      return { id, lineage, producer, numRows, sizeBytes };
    },
    get: (ref) => find(ref).block,
    isShared: (ref) => find(ref).holders > 1,
    retain(ref, holders = 1) {
      find(ref).holders += holders;
    },
    release(ref) {
      if (cleared) return;
      const entry = find(ref);
      entry.holders -= 1;
      if (entry.holders > 0) return;
      entries.delete(ref.id);
      for (const watcher of watchers) watcher(ref.id);
      const { sizeBytes } = entry.block;
      bytes -= sizeBytes;
      if (entry.producer < 0 || sizeBytes === 0) return;
      released.set(entry.producer, (released.get(entry.producer) ?? 0) + sizeBytes);
      if (notified) return;
      notified = true;
      notify();
    },
    clear() {
      cleared = true;
      for (const id of entries.keys()) for (const watcher of watchers) watcher(id);
      entries.clear();
      bytes = 0;
    },
    takeReleased() {
      const taken = released;
      released = new Map();
      notified = false;
      return taken;
    },
    onReleased(callback) {
      notify = callback;
    },
    watchFreed(listener) {
      watchers.add(listener);
      return () => {
        watchers.delete(listener);
      };
    },
    get usage() {
      return { blocks: entries.size, bytes, peakBytes, largestBytes };
    },
  };
}
