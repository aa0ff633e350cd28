/** Blocks of columns that lie in a slab. What is taken from one is a copy: nobody gets a view of a slab. */
import type { Block, BlockMessage, BlockTransfer } from '../block.ts';
import { checkSlab, MIN_SLAB_BYTES, partsOf, type Slab, type SlabPool } from '../slabs.ts';
import { ColumnBlock } from './column-block.ts';
import { arraysOf, bytesOfData, copyData } from './column-data.ts';
import type { Fields } from './column-types.ts';
import { Column } from './column.ts';

type ColumnsMessage = Extract<BlockMessage, { kind: 'columns' }>;

/** Columns in a slab, on their way to a worker. */
export interface SlabMessage extends ColumnsMessage {
  readonly slab: Slab;
}

export class SlabBlock<T> extends ColumnBlock<T> {
  readonly slab: Slab;

  constructor(message: SlabMessage) {
    super(message);
    this.slab = message.slab;
  }

  override get rows(): readonly T[] {
    return this.#read(() => super.rows);
  }

  override column<K extends keyof Fields<T> & string>(name: K): Column<Fields<T>[K]> {
    return this.#read(() => new Column(copyData(super.column(name).data)));
  }

  override slice(from: number, to: number): ColumnBlock<T> {
    // What is handed over is a copy: a slab is nobody's to move.
    const { message } = this.#read(() => super.slice(from, to).toTransfer());
    return new ColumnBlock(message as ColumnsMessage);
  }

  override toTransfer(): BlockTransfer {
    return this.copy().toTransfer();
  }

  /** It lies in the slab: whoever reads it sees to it that the slab is not given back meanwhile. */
  override toMessage(): SlabMessage {
    checkSlab(this.slab);
    return { ...super.toMessage(), slab: this.slab };
  }

  /** The same block in memory of its own. */
  copy(): ColumnBlock<T> {
    return this.slice(0, this.numRows);
  }

  /**
   * Reads the slab, at once.
   * @throws StoreError when it is given back before all is read: then it may be anything.
   */
  #read<R>(read: () => R): R {
    checkSlab(this.slab);
    try {
      return read();
    } finally {
      checkSlab(this.slab);
    }
  }
}

export function isInSlab(message: BlockMessage): message is SlabMessage {
  return 'slab' in message;
}

/** A block for code of the user, who may keep it for as long as they like. */
export function ownBlock<T>(block: Block<T>): Block<T> {
  return block instanceof SlabBlock ? (block as SlabBlock<T>).copy() : block;
}

/** A copy of a block in a slab; undefined when it is better copied for each who gets it. */
export function toSlab<T>(block: Block<T>, pool: SlabPool): SlabBlock<T> | undefined {
  if (!(block instanceof ColumnBlock) || block.sizeBytes < MIN_SLAB_BYTES) return undefined;
  const message = (block as ColumnBlock<T>).toMessage();
  let bytes = 0;
  for (const [, data] of message.columns) bytes += bytesOfData(data) + 8 * arraysOf(data).length;
  // A slice is charged a part of its dictionaries only, and would take all of each.
  if (bytes > MOST_OVERHEAD * block.sizeBytes) return undefined;
  const slab = pool.take(bytes);
  if (slab === undefined) return undefined;
  const part = partsOf(slab);
  const columns = message.columns.map(([name, data]) => [name, copyData(data, part)] as const);
  return new SlabBlock({ ...message, columns, slab });
}

/** How much more memory a slab may take than the block is charged for. */
const MOST_OVERHEAD = 1.25;
