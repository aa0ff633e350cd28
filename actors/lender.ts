/**
 * Lends the blocks of a store to workers, in shared memory: a block that goes to several is copied into
 * a slab once, and lies there instead of where it was. Its slab is given back when the store has let go
 * of it, and everybody it was lent to.
 */
import type { Block } from './block.ts';
import { SlabBlock, toSlab, type SlabMessage } from './columns/slab-block.ts';
import { slabPool, type SlabPool } from './slabs.ts';

/** A block that somebody may read, until they give it back. */
export interface Loan {
  readonly message: SlabMessage;
  readonly giveBack: () => void;
}

export interface Lender {
  /** Lends a block, which is moved to a slab first; undefined when it is better copied. */
  readonly lend: (place: { block: Block<unknown> | undefined }) => Loan | undefined;
  /** Keeps the slab of a block, if it is in one, until what is returned is called. */
  readonly hold: (block: Block<unknown>) => () => void;
  /** The store lets go of a block. */
  readonly letGo: (block: Block<unknown> | undefined) => void;
  /** Bytes of the slabs that are taken. */
  readonly bytes: () => number;
}

export function createLender(pool: SlabPool = slabPool): Lender {
  /** Who has each block: the store, and readers. */
  const holders = new Map<Block<unknown>, number>();
  let bytes = 0;

  function letGo(block: Block<unknown> | undefined): void {
    if (!(block instanceof SlabBlock)) return;
    const count = holders.get(block);
    if (count === undefined) return;
    if (count > 1) {
      holders.set(block, count - 1);
      return;
    }
    holders.delete(block);
    bytes -= block.slab.buffer.byteLength;
    pool.give(block.slab);
  }

  function hold(block: Block<unknown>): () => void {
    if (!(block instanceof SlabBlock)) return () => undefined;
    holders.set(block, (holders.get(block) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (isHeld) letGo(block);
      isHeld = false;
    };
  }

  function moved(block: Block<unknown> | undefined): SlabBlock<unknown> | undefined {
    if (block === undefined || block instanceof SlabBlock) return block;
    const there = toSlab(block, pool);
    if (there === undefined) return undefined;
    holders.set(there, 1);
    bytes += there.slab.buffer.byteLength;
    return there;
  }

  return {
    lend(place) {
      const block = moved(place.block);
      if (block === undefined) return undefined;
      place.block = block;
      return { message: block.toMessage(), giveBack: hold(block) };
    },
    hold,
    letGo,
    bytes: () => bytes,
  };
}
