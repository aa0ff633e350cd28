/** A block of columns as it comes from another thread: nobody here has made its arrays. */
import { ColumnBlock, columnBlock } from '../../../actors/columns/column-block.ts';

/** Rows of one number, 7; `numbers` is the array behind them. */
export function columnsFromThread(rows: number): {
  readonly block: ColumnBlock<{ x: number }>;
  readonly numbers: Float64Array;
} {
  const message = structuredClone(columnBlock({ x: new Float64Array(rows).fill(7) }).toMessage());
  const block = new ColumnBlock<{ x: number }>(message, 1, true);
  return { block, numbers: block.column('x').values as Float64Array };
}
