/** What a block store does for those who use it. */
import type { BlockRef } from '../machines/block.ts';
import type { SpillReport } from '../machines/hands.protocol.ts';
import type { Block } from './block.ts';
import type { Loan } from './lender.ts';
import type { Making } from './origin.ts';
import type { SpillUsage } from './spill.ts';

export interface BlockStore {
  /**
   * Puts a block in, with one holder.
   * @param made how it was made, if that may be repeated when it is lost where it was spilled to;
   * `split` for what a source is to read.
   */
  readonly put: (
    block: Block<unknown>,
    lineage: string,
    producer: number,
    made?: Making | 'split',
  ) => BlockRef;
  /**
   * The block a ref stands for, if it is in memory: one that is in use is.
   * @throws StoreError when it was released by all its holders, or is not in memory.
   */
  readonly get: (ref: BlockRef) => Block<unknown>;
  /**
   * The block, for a holder that is going to use it: until it is released it stays in memory. A promise
   * if it has to be brought back first.
   * @throws StoreError when it was released by all its holders, or cannot be brought back.
   */
  readonly load: (ref: BlockRef) => Block<unknown> | Promise<Block<unknown>>;
  /** Whether anybody else has the block, or has had it: what they were shown of it they may have kept. */
  readonly isShared: (ref: BlockRef) => boolean;
  /**
   * The block in shared memory, for a worker; undefined when it is better copied. It stays there until it
   * is given back and released.
   */
  readonly lend: (ref: BlockRef) => Loan | undefined;
  /** Adds holders. */
  readonly retain: (ref: BlockRef, holders?: number) => void;
  /** Its holder goes on holding it: the next release does not count. */
  readonly extend: (ref: BlockRef) => void;
  /**
   * Takes one holder away.
   * @throws StoreError when there was none left.
   */
  readonly release: (ref: BlockRef) => void;
  /**
   * Its holder needs nothing of the block any more and is about to release it: if it is the only one that
   * there has been, and the block is of columns that nobody can have kept, their memory is given back at
   * once, instead of when it is collected.
   */
  readonly spend: (ref: BlockRef) => void;
  /** What may be in memory changes: half of it is where spilling begins, unless the spill says otherwise. */
  readonly setLimit: (blockBytes: number) => void;
  /** Lets go of everything, whoever holds it: the run is gone, and later releases mean nothing. */
  readonly clear: () => void;
  /**
   * Nothing more will come, and nothing more is spilled: resolves when the last block that is not in
   * memory was loaded or released, and everything outside of memory is removed.
   */
  readonly close: () => Promise<void>;
  /** Bytes freed since the last call, by producer; less than none when blocks came back. */
  readonly takeReleased: () => ReadonlyMap<number, number>;
  /** Calls back when memory was freed, once until `takeReleased` is called. */
  readonly onReleased: (callback: () => void) => void;
  /** Tells of every block that goes, until the function that is returned is called. */
  readonly watchFreed: (listener: (id: number) => void) => () => void;
  /** How spilling went so far. */
  readonly spillReport: () => SpillReport;
  readonly usage: StoreUsage;
}

export interface StoreUsage {
  readonly blocks: number;
  /** Bytes in memory. */
  readonly bytes: number;
  /** The most bytes there have ever been in memory at once. */
  readonly peakBytes: number;
  /** Bytes of the largest block there has ever been. */
  readonly largestBytes: number;
  /** Bytes of shared memory for blocks that are, or were, lent to workers. */
  readonly slabBytes: number;
  readonly spill: SpillUsage;
}
