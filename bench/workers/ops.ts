/** What the benchmark of workers has done in threads by Sluice. */
import type { ColumnBlock } from '../../src/index.ts';
import { statefulTransform } from '../../src/workers/index.ts';
import { burn } from './burn.ts';

/** Each row says how much work it is; what comes back is the number of the worker that has done it. */
export const burnRows = statefulTransform({
  setup: (_options: undefined, { worker }) => worker,
  transform: (rows: readonly number[], { state: worker }) => {
    return rows.map((steps) => (burn(steps) === 0 ? -1 : worker));
  },
});

/** A block of columns goes through as it is. */
export function through(block: ColumnBlock<{ x: number }>): ColumnBlock<{ x: number }> {
  return block;
}

/** Looks at one number of a block. */
export function firstOf(block: ColumnBlock<{ x: number }>): number[] {
  return [block.column('x').values[0] ?? 0];
}

/** Looks at each of a few large texts. */
export function lengthsOf(rows: readonly { readonly text: string }[]): number[] {
  return [rows.reduce((sum, { text }) => sum + text.length, 0)];
}
