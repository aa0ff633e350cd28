/** What a transform of blocks yields, inferred from what it returns. */

/**
 * The type of a row, given what a transform returns: an array of rows, a promise of one, or any kind
 * of iterable of arrays of rows.
 */
export type RowsOf<R> =
  R extends PromiseLike<infer P>
    ? RowsOf<P>
    : R extends readonly (infer U)[]
      ? U
      : R extends AsyncIterable<infer B>
        ? RowsOf<B>
        : R extends Iterable<infer B>
          ? RowsOf<B>
          : never;
