/** What a transform of blocks yields, inferred from what it returns. */

import type { Block } from '../actors/block.ts';

/**
 * The type of a row, given what a transform returns: an array of rows or a block, a promise of one, or
 * any kind of iterable of them.
 */
export type RowsOf<R> =
  R extends PromiseLike<infer P>
    ? RowsOf<P>
    : R extends readonly (infer U)[]
      ? U
      : R extends Pick<Block<infer U>, 'rows' | 'toTransfer'>
        ? U
        : R extends AsyncIterable<infer B>
          ? RowsOf<B>
          : R extends Iterable<infer B>
            ? RowsOf<B>
            : never;
