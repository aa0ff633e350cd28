/**
 * Transforms of single rows, made into transforms of blocks. A row the function fails on goes to
 * `rowErrors`, which gives it up or throws again.
 */
import type { RowErrors, TransformContext } from '../transform.ts';

type RowFunction<T, R> = (row: T, context: TransformContext) => R;
type BlockFunction = (rows: never[], context: TransformContext, rowErrors: RowErrors) => unknown;

/** Rows a `flatMap` gathers before it yields them. */
const CHUNK_ROWS = 1024;

/** One row for each row. A function that returns promises is awaited row by row. */
export function mapRows<T>(map: RowFunction<T, unknown>): BlockFunction {
  return eachRow(map, (_row, value, mapped) => {
    mapped.push(value);
  });
}

/** The rows a predicate holds for. */
export function filterRows<T>(predicate: RowFunction<T, unknown>): BlockFunction {
  return eachRow(predicate, (row, verdict, kept) => {
    if (Boolean(verdict)) kept.push(row);
  });
}

/** Any number of rows for each row. */
export function flatMapRows<T>(
  flatMap: RowFunction<T, Iterable<unknown> | AsyncIterable<unknown>>,
): BlockFunction {
  return async function* (rows: readonly T[], context, rowErrors) {
    let chunk: unknown[] = [];
    for (const [index, row] of rows.entries()) {
      try {
        // A string is an iterable of its letters, and `in` is for objects only.
        const values = Object(flatMap(row, context)) as Iterable<unknown> | AsyncIterable<unknown>;
        if (rowErrors.mayGiveUp()) {
          for (const value of await gather(values)) chunk.push(value);
          if (chunk.length < CHUNK_ROWS) continue;
          yield chunk;
          chunk = [];
          // Both loops are needed: waiting for each value of a plain iterable would cost a turn.
        } else if (Symbol.iterator in values) {
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
      } catch (error) {
        rowErrors.handle(error, row, index);
      }
    }
    if (chunk.length > 0) yield chunk;
  };
}

async function gather(values: Iterable<unknown> | AsyncIterable<unknown>): Promise<unknown[]> {
  if (Symbol.iterator in values) return [...values];
  const gathered: unknown[] = [];
  for await (const value of values) gathered.push(value);
  return gathered;
}

/** Calls `call` for each row and lets `take` make of the value what it will. */
function eachRow<T>(
  call: RowFunction<T, unknown>,
  take: (row: T, value: unknown, taken: unknown[]) => void,
): BlockFunction {
  async function rest(
    rows: readonly T[],
    from: number,
    first: PromiseLike<unknown>,
    taken: unknown[],
    context: TransformContext,
    rowErrors: RowErrors,
  ): Promise<unknown[]> {
    let value: unknown = first;
    for (let index = from; index < rows.length; index++) {
      const row = rows[index] as T;
      try {
        if (index > from) value = call(row, context);
        take(row, await value, taken);
      } catch (error) {
        rowErrors.handle(error, row, index);
      }
    }
    return taken;
  }

  return (rows: readonly T[], context, rowErrors) => {
    const taken: unknown[] = [];
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index] as T;
      try {
        const value = call(row, context);
        // From the first promise on, one row after the other is awaited.
        if (isThenable(value)) return rest(rows, index, value, taken, context, rowErrors);
        take(row, value, taken);
      } catch (error) {
        rowErrors.handle(error, row, index);
      }
    }
    return taken;
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  );
}
