/** Functions that tests run in worker threads, some of which behave otherwise in a later worker. */
import type { TransformContext } from '../../../actors/transform.ts';
import { columnBlock } from '../../../actors/columns/column-block.ts';
import type { Block, Column } from '../../../src/index.ts';
import { statefulTransform } from '../../../src/workers/stateful-transform.ts';

export function double(rows: readonly number[]): number[] {
  return rows.map((row) => row * 2);
}

/** Each row as a block of its own. */
export function* oneByOne(rows: readonly number[]): Generator<number[]> {
  for (const row of rows) yield [row];
}

export function parse(rows: readonly string[]): number[] {
  return rows.map(Number);
}

/** Three blocks of columns of one. */
export function* inThirds(block: {
  column(name: 'x'): Column<number>;
}): Generator<Block<{ third: number }>> {
  for (const third of [1, 2, 3]) {
    yield columnBlock({
      third: Float64Array.from(block.column('x').toArray(), (x) => (x * third) / 3),
    });
  }
}

/** Tells where it is called, from the second attempt on. */
export function secondAttempts(
  _rows: readonly number[],
  { attempt, lineage }: TransformContext,
): string[] {
  if (attempt === 1) throw new Error('not yet');
  return [`${lineage} ${String(attempt)}`];
}

export function noTens(row: string): number {
  if (row.endsWith('0')) throw new Error('a bad row');
  return Number(row);
}

const numbered = { setup: (_options: undefined, { worker }: { worker: number }) => worker };

export const tellsWorker = statefulTransform({
  ...numbered,
  transform: (rows: readonly string[], { state }) => rows.map((row) => Number(row) + state),
});

export const throwsLater = statefulTransform({
  ...numbered,
  transform: (rows: readonly string[], { state }) => {
    if (state > 0) throw new RangeError('not again');
    return rows.map(Number);
  },
});

export const exitsLater = statefulTransform({
  ...numbered,
  transform: (rows: readonly string[], { state }) => {
    if (state > 0) process.exit(5);
    return rows.map(Number);
  },
});

/** Takes the thread and never gives it back. */
export const loopsLater = statefulTransform({
  ...numbered,
  transform: (rows: readonly string[], { state, log }) => {
    if (state > 0) log('loops');
    while (state > 0);
    return rows.map(Number);
  },
});

/** Waits for what never comes, and does not hear of its end. */
export const neverLater = statefulTransform({
  ...numbered,
  transform: async (rows: readonly string[], { state, log }) => {
    if (state > 0) {
      log('waits');
      await new Promise(() => undefined);
    }
    return rows.map(Number);
  },
});

export const hoardsLater = statefulTransform({
  ...numbered,
  transform: (rows: readonly string[], { state }) => {
    const hoard: unknown[] = [];
    while (state > 0) hoard.push(Array.from({ length: 1000 }, (_, index) => ({ index })));
    return rows.map(Number);
  },
});

export const startsOnce = statefulTransform({
  setup: (_options: undefined, { worker }) => {
    if (worker > 0) throw new Error('no second model');
  },
  transform: (rows: readonly string[]) => rows.map(Number),
});

export const hangsAtSecondStart = statefulTransform({
  setup: (_options: undefined, { worker, log }) => {
    if (worker === 0) return undefined;
    log('hangs');
    return new Promise(() => undefined);
  },
  transform: (rows: readonly string[]) => rows.map(Number),
});
