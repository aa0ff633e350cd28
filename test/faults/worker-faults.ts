/** Functions that go wrong in worker threads, each in its own way. A row says which attempt it ruins. */
import type { TransformContext } from '../../actors/transform.ts';
import { statefulTransform } from '../../src/workers/stateful-transform.ts';

export interface Row {
  readonly id: number;
  /** It goes wrong up to and including this attempt. */
  readonly badUntil: number;
}

function isBad(rows: readonly Row[], { attempt }: TransformContext): boolean {
  return rows.some(({ badUntil }) => attempt <= badUntil);
}

const ids = (rows: readonly Row[]): number[] => rows.map(({ id }) => id);

class HttpError extends Error {
  readonly code = 'E_HTTP';
  readonly status: number;

  constructor(status: number, cause: unknown) {
    super(`status ${String(status)}`, { cause });
    this.status = status;
  }
}

export function throws(rows: readonly Row[], context: TransformContext): number[] {
  if (isBad(rows, context)) throw new HttpError(503, new RangeError('too far'));
  return ids(rows);
}

export function throwsUndefined(rows: readonly Row[], context: TransformContext): number[] {
  if (isBad(rows, context)) throw undefined;
  return ids(rows);
}

/** Work that nobody waits for fails, while the task goes on. */
export async function rejectsUnseen(
  rows: readonly Row[],
  context: TransformContext,
): Promise<number[]> {
  if (isBad(rows, context)) {
    void Promise.reject(undefined);
    await new Promise(() => undefined);
  }
  return ids(rows);
}

export function exits(rows: readonly Row[], context: TransformContext): number[] {
  if (isBad(rows, context)) process.exit(7);
  return ids(rows);
}

/** Ends its thread as soon as that is ready, before any message can be read. */
export const exitsWhenReady = statefulTransform({
  setup: () => {
    void exitSoon();
  },
  transform: (rows: readonly Row[]) => ids(rows),
});

async function exitSoon(): Promise<void> {
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  process.exit(9);
}

/** Ends its thread after the first of its blocks is out. */
export function* exitsHalfway(
  rows: readonly Row[],
  context: TransformContext,
): Generator<number[]> {
  for (const [index, id] of ids(rows).entries()) {
    if (index === 1 && isBad(rows, context)) process.exit(3);
    yield [id];
  }
}

export function fillsHeap(rows: readonly Row[], context: TransformContext): number[] {
  const hoard: unknown[] = [];
  while (isBad(rows, context)) hoard.push(Array.from({ length: 1000 }, (_, index) => ({ index })));
  return ids(rows);
}

const buffers: Uint8Array[] = [];

/** Keeps buffers outside of the heap, which the platform's limits do not see. */
export function* hoardsBuffers(
  rows: readonly Row[],
  context: TransformContext,
): Generator<number[]> {
  for (const id of ids(rows)) {
    if (isBad(rows, context)) buffers.push(new Uint8Array(32 * 1024 * 1024).fill(1));
    yield [id];
  }
}

/** The same, after its block is out. */
export function* hoardsLater(rows: readonly Row[]): Generator<number[]> {
  yield ids(rows);
  buffers.push(new Uint8Array(64 * 1024 * 1024).fill(1));
}

/** Needs buffers for a while, and keeps none. */
export function borrowsBuffers(rows: readonly Row[]): number[] {
  const borrowed = Array.from({ length: 4 }, () => new Uint8Array(8 * 1024 * 1024).fill(1));
  return ids(rows).map((id) => id + (borrowed[0]?.[0] ?? 0) - 1);
}

export function loops(rows: readonly Row[], context: TransformContext): number[] {
  if (isBad(rows, context)) context.log('loops');
  while (isBad(rows, context));
  return ids(rows);
}

/** A regular expression that takes for ever. */
export function backtracks(rows: readonly Row[], context: TransformContext): number[] {
  if (isBad(rows, context)) /^(a+)+$/.test(`${'a'.repeat(64)}!`);
  return ids(rows);
}

export function yieldsFunctions(rows: readonly Row[], context: TransformContext): unknown[] {
  return isBad(rows, context) ? [() => 1] : ids(rows);
}

export function yieldsSymbols(rows: readonly Row[], context: TransformContext): unknown[] {
  return isBad(rows, context) ? [{ symbol: Symbol('s') }] : ids(rows);
}

export function* yieldsSymbolsOneByOne(
  rows: readonly Row[],
  context: TransformContext,
): Generator<unknown[]> {
  for (const row of rows) yield yieldsSymbols([row], context);
}

/** Which thread it is: a worker that is kept keeps its number. */
const thread = `${String(Math.random())} ${String(process.hrtime.bigint())}`;

export function whichThread(): string[] {
  return [thread];
}

/** Throws for a row, and tells which thread it was. */
export function failsInThread(
  rows: readonly Row[],
  context: TransformContext,
): { thread: string; attempt: number }[] {
  if (isBad(rows, context)) throw new Error('bad');
  return [{ thread, attempt: context.attempt }];
}

/** Hears of its end only by asking, in a loop that never lets go of its thread. */
export function asksForEver(rows: readonly Row[], context: TransformContext): string[] {
  if (!isBad(rows, context)) return [thread];
  context.log(thread);
  while (!context.signal.aborted);
  throw context.signal.reason;
}

export function works(rows: readonly Row[]): number[] {
  return ids(rows);
}
