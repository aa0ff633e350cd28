/** Blocks: rows held once, in the block store. */
import { estimateBytes } from './row-size.ts';

/** One field of the rows of a block. */
export interface Field {
  readonly name: string;
  readonly type: string;
}

export interface Block<T> {
  readonly kind: 'rows';
  readonly numRows: number;
  /** Estimated bytes. */
  readonly sizeBytes: number;
  /** The fields of the first row; one field called `value` when rows are not objects. */
  readonly schema: readonly Field[];
  readonly rows: readonly T[];
  /** The rows from `from` up to, but not including, `to`, as a block of their own. */
  slice(from: number, to: number): Block<T>;
}

class RowBlock<T> implements Block<T> {
  readonly kind = 'rows';
  readonly rows: readonly T[];
  readonly sizeBytes: number;

  constructor(rows: readonly T[], sizeBytes: number) {
    this.rows = rows;
    this.sizeBytes = sizeBytes;
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

  slice(from: number, to: number): Block<T> {
    return rowBlock(this.rows.slice(from, to));
  }
}

/** A block of any JavaScript values. The rows are not copied: they belong to the block from now on. */
export function rowBlock<T>(rows: readonly T[], sizeBytes = estimateBytes(rows)): Block<T> {
  return new RowBlock(rows, sizeBytes);
}

/** Whether a value is a block of ours. */
export function isBlock(value: unknown): value is Block<unknown> {
  return value instanceof RowBlock;
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  if (Array.isArray(value)) return 'list';
  if (value instanceof Date) return 'timestamp';
  return ArrayBuffer.isView(value) || value instanceof ArrayBuffer ? 'binary' : 'object';
}
