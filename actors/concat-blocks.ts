/** Puts parts of blocks behind one another: columns stay columns if all of them have the same. */
import { rowBlock, type Block } from './block.ts';
import { ColumnBlock, concatColumnBlocks } from './columns/column-block.ts';

/** The rows of a block from `from` up to, but not including, `to`. */
export interface BlockPart<T> {
  readonly block: Block<T>;
  readonly from: number;
  readonly to: number;
}

/** More bytes of strings than this cannot be counted by the offsets of a column. */
const MAX_BYTES = 2 ** 31 - 1;

/**
 * The rows of some parts as one block, which owns what it is made of. Parts of blocks of columns become
 * one of columns if these have the same columns in the same order, and of the same types; nothing but
 * nulls is of any type. Otherwise it is a block of rows.
 */
export function concatBlocks<T>(parts: readonly BlockPart<T>[]): Block<T> {
  return concatOfColumns(parts) ?? rowBlock(rowsOf(parts));
}

function rowsOf<T>(parts: readonly BlockPart<T>[]): readonly T[] {
  const all: T[] = [];
  for (const { block, from, to } of parts) {
    const { rows } = block;
    for (let row = from; row < to; row++) all.push(rows[row] as T);
  }
  return all;
}

function concatOfColumns<T>(parts: readonly BlockPart<T>[]): Block<T> | undefined {
  const columns: ColumnBlock<T>[] = [];
  let bytes = 0;
  for (const { block, from, to } of parts) {
    if (!(block instanceof ColumnBlock)) return undefined;
    const whole: ColumnBlock<T> = block;
    const part = whole.slice(from, to);
    columns.push(part);
    bytes += part.sizeBytes;
  }
  return columns.length === 0 || bytes > MAX_BYTES ? undefined : concatColumnBlocks(columns);
}
