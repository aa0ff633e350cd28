/** Sources: what a pipeline reads. */
import type { Observable } from 'rxjs';
import { isBlock, type Block } from './block.ts';
import { macrotask, type Env } from './env.ts';
import type { SourceTransform, TransformContext } from './transform.ts';

/** Rows in any of the forms in which programs hand them out. */
export type RowsInput<T> =
  Iterable<T> | AsyncIterable<T> | ReadableStream<T> | Pick<Observable<T>, 'subscribe'>;

/** Blocks: arrays of rows, or blocks. */
export type BlocksInput<T> =
  Iterable<readonly T[] | Block<T>> | AsyncIterable<readonly T[] | Block<T>>;

/**
 * A reader: says what there is to read, in splits that can be read independently of each other, and
 * reads one split as blocks of rows.
 */
export interface Source<T, S = unknown> {
  readonly name?: string;
  /** Listed once, before anything is read. */
  splits(signal: AbortSignal): readonly S[] | Promise<readonly S[]>;
  read(split: S, context: TransformContext): Iterable<readonly T[]> | AsyncIterable<readonly T[]>;
}

/** Reads rows, gathered into blocks. A function is called once for each run. */
export function rowsSource<T>(
  rows: RowsInput<T> | (() => RowsInput<T>),
  rowsPerBlock: number,
): SourceTransform {
  return {
    kind: 'source',
    splits: () => [undefined],
    read: (_split: never, { signal }, env) => {
      const input = typeof rows === 'function' ? rows() : rows;
      return Symbol.iterator in input
        ? chunk(input, rowsPerBlock)
        : chunkAsync(iterate(input), rowsPerBlock, env, signal);
    },
  };
}

/** Reads blocks that are there already. A function is called once for each run. */
export function blocksSource<T>(blocks: BlocksInput<T> | (() => BlocksInput<T>)): SourceTransform {
  const rowsOf = (block: readonly T[] | Block<T>): readonly T[] =>
    isBlock(block) ? block.rows : block;
  return {
    kind: 'source',
    splits: () => [undefined],
    read: () => {
      const input = typeof blocks === 'function' ? blocks() : blocks;
      return Symbol.iterator in input ? mapSync(input, rowsOf) : mapAsync(input, rowsOf);
    },
  };
}

export function readerSource<T, S>(source: Source<T, S>): SourceTransform {
  return {
    kind: 'source',
    splits: (signal) => source.splits(signal),
    read: (split: S, context) => source.read(split, context),
  };
}

function* mapSync<T, U>(values: Iterable<T>, map: (value: T) => U): Generator<U> {
  for (const value of values) yield map(value);
}

async function* mapAsync<T, U>(values: AsyncIterable<T>, map: (value: T) => U): AsyncGenerator<U> {
  for await (const value of values) yield map(value);
}

function* chunk<T>(rows: Iterable<T>, size: number): Generator<T[]> {
  let block: T[] = [];
  for (const row of rows) {
    block.push(row);
    if (block.length < size) continue;
    yield block;
    block = [];
  }
  if (block.length > 0) yield block;
}

/**
 * Gathers rows that come over time. A block ends when it is full or when nothing more has come by the
 * end of a macrotask: a slow source is passed on as it comes, a fast one in full blocks. It reads at
 * most one block ahead.
 */
async function* chunkAsync<T>(
  rows: AsyncIterator<T>,
  size: number,
  env: Env,
  signal: AbortSignal,
): AsyncGenerator<T[]> {
  let block: T[] = [];
  const reading: Reading = { pulling: false, end: undefined, wake: () => undefined };
  const onAbort = (): void => {
    reading.wake();
  };
  signal.addEventListener('abort', onAbort);

  async function pull(): Promise<void> {
    reading.pulling = true;
    try {
      while (block.length < size && reading.end === undefined) {
        const step = await rows.next();
        if (step.done === true) reading.end = {};
        else block.push(step.value);
        reading.wake();
      }
    } catch (error) {
      reading.end = { error };
    } finally {
      reading.pulling = false;
      reading.wake();
    }
  }

  try {
    for (;;) {
      if (!reading.pulling && reading.end === undefined) void pull();
      if (block.length === 0 && reading.end === undefined && !signal.aborted) await woken(reading);
      if (signal.aborted) return;
      if (block.length < size && reading.end === undefined) await macrotask(env);
      const ready = block;
      block = [];
      if (ready.length > 0) yield ready;
      if (reading.end === undefined || block.length > 0) continue;
      if ('error' in reading.end) throw reading.end.error;
      return;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Left early. A source that does not answer any more must not hold up the end.
    if (reading.end === undefined) rows.return?.().then(undefined, () => undefined);
  }
}

/** How far the reading of something that comes over time is. */
interface Reading {
  pulling: boolean;
  end: { readonly error?: unknown } | undefined;
  /** Wakes whoever waits for more. */
  wake: () => void;
}

function woken(reading: Reading): Promise<void> {
  return new Promise((resolve) => {
    reading.wake = resolve;
  });
}

function iterate<T>(input: Exclude<RowsInput<T>, Iterable<T>>): AsyncIterator<T> {
  if (Symbol.asyncIterator in input) return input[Symbol.asyncIterator]();
  return 'subscribe' in input ? iterateObservable(input) : iterateStream(input);
}

/** For browsers whose streams are no async iterables. */
function iterateStream<T>(stream: ReadableStream<T>): AsyncIterator<T> {
  const reader = stream.getReader();
  return {
    async next() {
      const step = await reader.read();
      return step.done ? { done: true, value: undefined } : { done: false, value: step.value };
    },
    async return() {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** An observable cannot be held back: what it emits before it is asked for waits here, unbounded. */
function iterateObservable<T>(observable: Pick<Observable<T>, 'subscribe'>): AsyncIterator<T> {
  let arriving: T[] = [];
  let leaving: T[] = [];
  let left = 0;
  const reading: Reading = { pulling: false, end: undefined, wake: () => undefined };
  const subscription = observable.subscribe({
    next: (value) => {
      arriving.push(value);
      reading.wake();
    },
    error: (error: unknown) => {
      reading.end = { error };
      reading.wake();
    },
    complete: () => {
      reading.end ??= {};
      reading.wake();
    },
  });
  return {
    async next() {
      while (left === leaving.length && arriving.length === 0 && reading.end === undefined) {
        await woken(reading);
      }
      if (left === leaving.length) {
        [leaving, arriving] = [arriving, []];
        left = 0;
      }
      if (left < leaving.length) return { done: false, value: leaving[left++] as T };
      if (reading.end !== undefined && 'error' in reading.end) throw reading.end.error;
      return { done: true, value: undefined };
    },
    return() {
      reading.end ??= {};
      subscription.unsubscribe();
      reading.wake();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}
