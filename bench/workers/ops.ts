/** What the benchmark of workers has done in threads by Sluice. */
import type { ColumnBlock } from '../../src/index.ts';
import { burn } from './burn.ts';

/** Each row says how much work it is. */
export function burnRows(rows: readonly number[]): number[] {
  return rows.map(burn);
}

/** A block of columns goes through as it is. */
export function through(block: ColumnBlock<{ x: number }>): ColumnBlock<{ x: number }> {
  return block;
}
