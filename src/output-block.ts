/** A block as the consumer of a run gets it. */
import type { Block, BlockTransfer, Field } from '../actors/block.ts';
import type { BlockStore } from '../actors/block-store.types.ts';
import { ownBlock } from '../actors/columns/slab-block.ts';
import type { Fields } from '../actors/columns/column-types.ts';
import type { Column } from '../actors/columns/column.ts';
import type { BlockRef } from '../machines/block.ts';

export interface OutputBlock<T> extends Block<T> {
  /** Where it came from, by position; the same on every schedule and every retry. */
  readonly lineage: string;
}

class LabelledBlock<T> implements OutputBlock<T> {
  readonly kind: 'rows' | 'columns';
  readonly lineage: string;
  readonly numRows: number;
  readonly sizeBytes: number;
  readonly #block: Block<T>;

  constructor(block: Block<T>, lineage: string) {
    this.kind = block.kind;
    this.lineage = lineage;
    this.numRows = block.numRows;
    this.sizeBytes = block.sizeBytes;
    this.#block = block;
  }

  get rows(): readonly T[] {
    return this.#block.rows;
  }

  get schema(): readonly Field[] {
    return this.#block.schema;
  }

  column<K extends keyof Fields<T> & string>(name: K): Column<Fields<T>[K]> {
    return this.#block.column(name);
  }

  slice(from: number, to: number): Block<T> {
    return this.#block.slice(from, to);
  }

  toTransfer(): BlockTransfer {
    return this.#block.toTransfer();
  }
}

/** The block of a ref, as long as it is in memory. */
export function outputBlock<T>(
  store: Pick<BlockStore, 'get' | 'isShared'>,
  ref: BlockRef,
): OutputBlock<T> {
  const block = store.get(ref);
  // What others have, too, is not the consumer's to give away.
  const isLent = block.kind === 'columns' && store.isShared(ref);
  const own = isLent ? block.slice(0, block.numRows) : ownBlock(block);
  return new LabelledBlock(own as Block<T>, ref.lineage);
}
