/** Runs in virtual time that must come to an end, and leave nothing behind. */
import { expect } from 'vitest';
import { TaskError, type Run } from '../../src/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';
import { remainsOf } from '../simulation/remains.ts';

/** No run of these tests has a reason to take longer, in milliseconds of virtual time. */
const LONGEST_MS = 60_000;

export interface Ended<T> {
  readonly env: SimEnv;
  readonly run: Run<T>;
  readonly rows: readonly T[];
  /** What its consumer got thrown. */
  readonly error: unknown;
}

/**
 * Starts a run, takes its rows, and checks its end. A hang is an error of `drive`, and an unhandled
 * rejection one of the test runner.
 */
export async function ended<T>(
  start: (env: SimEnv) => Run<T>,
  consume: (run: Run<T>, env: SimEnv) => Promise<readonly T[]> = (run) => run.collect(),
): Promise<Ended<T>> {
  const env = simEnv();
  const run = start(env);
  const done = run.done.catch(() => undefined);
  let rows: readonly T[] = [];
  let error: unknown;
  try {
    rows = await env.drive(consume(run, env));
  } catch (thrown) {
    error = thrown;
  }
  await env.drive(done);
  expect(env.now()).toBeLessThan(LONGEST_MS);
  await env.advance();
  expect(remainsOf(run, env.pending())).toEqual([]);
  return { env, run, rows, error };
}

/** The same for a run that must fail by a task. */
export async function failed<T>(
  start: (env: SimEnv) => Run<T>,
  consume?: (run: Run<T>, env: SimEnv) => Promise<readonly T[]>,
): Promise<Ended<T> & { readonly error: TaskError }> {
  const end = await ended(start, consume);
  expect(end.error).toBeInstanceOf(TaskError);
  return { ...end, error: end.error as TaskError };
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

export function sorted(rows: readonly number[]): number[] {
  return [...rows].sort((a, b) => a - b);
}
