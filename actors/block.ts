/** Blocks: some rows, held once. As any JavaScript values, or as typed columns. */
import { buildColumn } from './columns/column-builder.ts';
import { ColumnBlock, rowsToColumns } from './columns/column-block.ts';
import type { ColumnData } from './columns/column-data.ts';
import type { ColumnTypes, Fields } from './columns/column-types.ts';
import { Column } from './columns/column.ts';
import { isInSlab, ownBlock, SlabBlock } from './columns/slab-block.ts';
import { dense } from './dense.ts';
import { estimateBytes } from './row-size.ts';

/** One field of the rows of a block. */
export interface Field {
  readonly name: string;
  readonly type: string;
}

export interface Block<T> {
  /** `rows` are any JavaScript values; `columns` are typed, and cross threads without a copy. */
  readonly kind: 'rows' | 'columns';
  readonly numRows: number;
  /** Bytes it takes: exact for columns, estimated for rows. */
  readonly sizeBytes: number;
  /** The fields of the rows; one field called `value` when rows are no records. */
  readonly schema: readonly Field[];
  /** The rows as an array. A block of columns makes it when it is asked. */
  readonly rows: readonly T[];
  /**
   * One field of all rows. A block of rows makes the column each time it is asked.
   * @throws ColumnError when there is no such field, or its values are not of one type.
   */
  column<K extends keyof Fields<T> & string>(name: K): Column<Fields<T>[K]>;
  /** The rows from `from` up to, but not including, `to`, as a block of their own. */
  slice(from: number, to: number): Block<T>;
  /**
   * Hands the block over to another thread, for `postMessage(message, transfer)`. Columns are moved,
   * and the block cannot be used here any more; rows are cloned by `postMessage`.
   */
  toTransfer(): BlockTransfer;
}

export interface BlockTransfer {
  readonly message: BlockMessage;
  readonly transfer: ArrayBuffer[];
}

/** A block on its way between threads or to a disk: what structured cloning can carry. */
export type BlockMessage =
  | { readonly kind: 'rows'; readonly rows: readonly unknown[]; readonly sizeBytes: number }
  | {
      readonly kind: 'columns';
      readonly numRows: number;
      readonly sizeBytes: number;
      /** Rows are the values of the only column, and no records. */
      readonly isPlain: boolean;
      readonly columns: readonly (readonly [name: string, data: ColumnData])[];
    };

class RowBlock<T> implements Block<T> {
  readonly kind = 'rows';
  readonly rows: readonly T[];
  readonly sizeBytes: number;
  /** It came in a message: nobody but who holds it knows of the buffers in its rows. */
  readonly isAlone: boolean;

  constructor(rows: readonly T[], sizeBytes: number, isAlone: boolean) {
    this.rows = rows;
    this.sizeBytes = sizeBytes;
    this.isAlone = isAlone;
  }

  get numRows(): number {
    return this.rows.length;
  }

  get schema(): readonly Field[] {
    const [first] = this.rows;
    const type = typeName(first);
    if (type !== 'object') return [{ name: 'value', type }];
    return Object.entries(first as object).map(([name, value]) => ({
      name,
      type: typeName(value),
    }));
  }

  column<K extends keyof Fields<T> & string>(name: K): Column<Fields<T>[K]> {
    const values = this.rows.map((row) =>
      typeof row === 'object' && row !== null
        ? (row as Readonly<Record<string, unknown>>)[name]
        : name === 'value'
          ? row
          : undefined,
    );
    return new Column(buildColumn(name, values));
  }

  slice(from: number, to: number): Block<T> {
    return rowBlock(this.rows.slice(from, to));
  }

  toTransfer(): BlockTransfer {
    const { rows, sizeBytes } = this;
    return { message: { kind: 'rows', rows: dense(rows), sizeBytes }, transfer: [] };
  }
}

/** A block of any JavaScript values. The rows are not copied: they belong to the block from now on. */
export function rowBlock<T>(rows: readonly T[], sizeBytes = estimateBytes(rows)): Block<T> {
  return new RowBlock(rows, sizeBytes, false);
}

/** Whether a value is a block of ours. */
export function isBlock(value: unknown): value is Block<unknown> {
  return value instanceof RowBlock || value instanceof ColumnBlock;
}

/** Whether the buffers in the rows of a block are nobody else's: they may be given away with it. */
export function ownsBuffers(block: Block<unknown>): boolean {
  return block instanceof RowBlock && block.isAlone;
}

/**
 * The block as columns: itself, if it is one of columns of its own.
 * @throws ColumnError when its rows do not fit into columns.
 */
export function asColumns<T>(block: Block<T>, types?: ColumnTypes<T>): ColumnBlock<T> {
  const own = ownBlock(block);
  return own instanceof ColumnBlock ? own : rowsToColumns(own.rows, types);
}

/** The block that another thread has handed over, or lent. */
export function blockFromMessage(message: BlockMessage): Block<unknown> {
  if (message.kind === 'rows') return new RowBlock(message.rows, message.sizeBytes, true);
  return isInSlab(message) ? new SlabBlock(message) : new ColumnBlock(message, 1, true);
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  if (Array.isArray(value)) return 'list';
  if (value instanceof Date) return 'timestamp';
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? 'binary' : 'object';
}
