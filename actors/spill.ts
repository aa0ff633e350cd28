/**
 * Spilling: where blocks go when there are too many bytes in memory. The block store decides which
 * block goes and when it comes back; a `Spill` keeps them meanwhile, on a disk for instance.
 */
import type { SpillReport } from '../machines/hands.protocol.ts';
import type { Block } from './block.ts';

/** Keeps blocks outside of memory, for one run. */
export interface Spill {
  /** Bytes in memory above which blocks are spilled; undefined: half of `blockBytes`. */
  readonly highWater: number | undefined;
  /** Bytes that may be kept at most. */
  readonly maxBytes: number;
  /**
   * Keeps a block: what is in it, for the block itself may be gone when this is over.
   * @returns the bytes it takes there; undefined when the block is of a kind that cannot be kept, or
   * takes more than `room`. Nothing is left of it then.
   * @throws StoreError when it could not be written. Nothing is left of it then.
   */
  readonly write: (id: number, block: Block<unknown>, room: number) => Promise<number | undefined>;
  /**
   * The block as it was. It stays kept.
   * @throws StoreError when what was kept is not there, or not what was written.
   */
  readonly read: (id: number) => Promise<Block<unknown>>;
  /** Forgets a block. Never throws. */
  readonly remove: (id: number) => void;
  /** Forgets everything. Never throws. */
  readonly close: () => Promise<void>;
}

/** Opens a `Spill` for each run; what the option `store` of `start` takes. */
export interface SpillingStore {
  readonly open: (run: { readonly name: string }) => Spill;
}

/** What is kept outside of memory, and how that went. */
export interface SpillUsage extends SpillReport {
  /** Blocks that are not in memory now. */
  readonly blocks: number;
  /** Bytes these blocks would take in memory. */
  readonly bytes: number;
  /** Bytes that are kept outside of memory, those of blocks that are in memory again included. */
  readonly diskBytes: number;
}
