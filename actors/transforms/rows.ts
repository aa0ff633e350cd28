/** Transforms of single rows, made into transforms of blocks. */
import type { TransformContext } from '../transform.ts';

type RowFunction<T, R> = (row: T, context: TransformContext) => R;
type BlockFunction = (rows: never[], context: TransformContext) => unknown;

/** Rows a `flatMap` gathers before it yields them. */
const CHUNK_ROWS = 1024;

/** One row for each row. A function that returns promises is awaited row by row. */
export function mapRows<T>(map: RowFunction<T, unknown>): BlockFunction {
  return (rows: readonly T[], context) => {
    const mapped = new Array<unknown>(rows.length);
    for (let index = 0; index < rows.length; index++) {
      const value = map(rows[index] as T, context);
      if (isThenable(value)) return mapFrom(map, rows, context, mapped, index, value);
      mapped[index] = value;
    }
    return mapped;
  };
}

/** The rows a predicate holds for. */
export function filterRows<T>(predicate: RowFunction<T, unknown>): BlockFunction {
  const judge = mapRows(predicate);
  return (rows: readonly T[], context) => {
    const verdicts = judge(rows as never[], context);
    const keep = (kept: readonly unknown[]): T[] => rows.filter((_, index) => Boolean(kept[index]));
    return isThenable(verdicts)
      ? verdicts.then((kept) => keep(kept as unknown[]))
      : keep(verdicts as unknown[]);
  };
}

/** Any number of rows for each row. */
export function flatMapRows<T>(
  flatMap: RowFunction<T, Iterable<unknown> | AsyncIterable<unknown>>,
): BlockFunction {
  return async function* (rows: readonly T[], context) {
    let chunk: unknown[] = [];
    for (const row of rows) {
      const values = flatMap(row, context);
      if (Symbol.iterator in values) {
        for (const value of values) {
          chunk.push(value);
          if (chunk.length < CHUNK_ROWS) continue;
          yield chunk;
          chunk = [];
        }
      } else {
        for await (const value of values) {
          chunk.push(value);
          if (chunk.length < CHUNK_ROWS) continue;
          yield chunk;
          chunk = [];
        }
      }
    }
    if (chunk.length > 0) yield chunk;
  };
}

async function mapFrom<T>(
  map: RowFunction<T, unknown>,
  rows: readonly T[],
  context: TransformContext,
  mapped: unknown[],
  from: number,
  first: PromiseLike<unknown>,
): Promise<unknown[]> {
  mapped[from] = await first;
  for (let index = from + 1; index < rows.length; index++) {
    mapped[index] = await map(rows[index] as T, context);
  }
  return mapped;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
