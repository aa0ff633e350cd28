/** Functions that tests run in worker threads. */
import type { TransformContext } from '../../../actors/transform.ts';
import type { Block, Column } from '../../../src/index.ts';
import { columnBlock } from '../../../actors/columns/column-block.ts';
import { statefulTransform } from '../../../src/workers/stateful-transform.ts';

export function double(rows: readonly number[]): number[] {
  return rows.map((row) => row * 2);
}

export async function later(rows: readonly number[]): Promise<number[]> {
  return Promise.resolve(rows.map((row) => row + 1));
}

/** Yields each row as a block of its own. */
export function* oneByOne(rows: readonly number[]): Generator<number[]> {
  for (const row of rows) yield [row];
}

export function square(row: number): number {
  return row * row;
}

export function isOdd(row: number): boolean {
  return row % 2 === 1;
}

export function* repeat(row: number): Generator<number> {
  yield row;
  yield row;
}

export function sum(row: Float64Array): number {
  return row.reduce((total, value) => total + value, 0);
}

export function fail(): number[] {
  throw new Error('on purpose');
}

export function describeTask(
  rows: readonly number[],
  { attempt, lineage, operator, log, progress }: TransformContext,
): { attempt: number; lineage: string; operator: string }[] {
  log('rows', rows.length);
  progress(0.5);
  return [{ attempt, lineage, operator }];
}

export const counting = statefulTransform({
  setup: async ({ from }: { from: number }, { operator, worker, log }) => {
    log(`set up for ${operator} in worker ${String(worker)}`);
    return Promise.resolve({ count: from });
  },
  transform: (rows: readonly number[], { state }) => {
    state.count += rows.length;
    return [state.count];
  },
  teardown: (state) => {
    state.count = 0;
  },
});

export const adding = statefulTransform({
  setup: (amount: number) => amount,
  transform: (row: number, { state }) => row + state,
});

export const slowStart = statefulTransform({
  setup: () => new Promise<string>((resolve) => setTimeout(resolve, 300, 'model')),
  transform: (rows: readonly number[], { state }) => rows.map((row) => `${state} ${String(row)}`),
});

export function halve(block: { column(name: 'x'): Column<number> }): Block<{ x: number }> {
  return columnBlock({ x: Float64Array.from(block.column('x').toArray(), (x) => x / 2) });
}

let last: Uint8Array | undefined;

export function buffers(): { data: Uint8Array; before: number | undefined }[] {
  const before = last?.length;
  last = new Uint8Array(100_000);
  return [{ data: last, before }];
}

/** Passes on what it gets, and says how much of it there was. */
export function measure({ id, data }: { readonly id: number; readonly data: Uint8Array }): {
  id: number;
  data: Uint8Array;
  seen: number;
} {
  return { id, data, seen: data.length };
}

/** So many blocks, of about a kilobyte each. */
export function* kilobytes([count = 0]: readonly number[]): Generator<string[]> {
  for (let block = 0; block < count; block++) yield ['x'.repeat(1000)];
}
