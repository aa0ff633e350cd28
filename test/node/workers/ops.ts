/** Functions that tests run in worker threads. */
import type { TransformContext } from '../../../actors/transform.ts';

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

export function describeTask(
  rows: readonly number[],
  { attempt, lineage, operator, log, progress }: TransformContext,
): { attempt: number; lineage: string; operator: string }[] {
  log('rows', rows.length);
  progress(0.5);
  return [{ attempt, lineage, operator }];
}
