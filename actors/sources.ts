/** Sources: what a pipeline reads. */
import type { Observable } from 'rxjs';
import { isBlock, type Block } from './block.ts';
import { GRACE_MS, macrotask, type Env } from './env.ts';
import type { SourceTools, SourceTransform, TransformContext } from './transform.ts';

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
  /**
   * A split can be read again at any time, and gives the same blocks: then blocks that are lost on the
   * disk they were spilled to are read again. Default: false, each split is read once.
   */
  readonly rereadable?: boolean;
  /** Listed once, before anything is read. */
  splits(signal: AbortSignal): readonly S[] | Promise<readonly S[]>;
  read(
    split: S,
    context: TransformContext,
  ): Iterable<readonly T[] | Block<T>> | AsyncIterable<readonly T[] | Block<T>>;
}

/** Reads rows, gathered into blocks. A function is called once for each run. */
export function rowsSource<T>(
  rows: RowsInput<T> | (() => RowsInput<T>),
  rowsPerBlock: number,
): SourceTransform {
  return {
    kind: 'source',
    keepsRows: true,
    isRereadable: Array.isArray(rows),
    splits: () => [undefined],
    read: (_split: never, { signal }, tools) => {
      const input = typeof rows === 'function' ? rows() : rows;
      return Symbol.iterator in input
        ? chunk(input, rowsPerBlock, tools.finishing)
        : chunkAsync(iterate(input), rowsPerBlock, signal, tools);
    },
  };
}

/** Reads blocks that are there already. A function is called once for each run. */
export function blocksSource<T>(blocks: BlocksInput<T> | (() => BlocksInput<T>)): SourceTransform {
  const copy = (block: readonly T[] | Block<T>): readonly T[] | Block<T> => {
    // What a transform does to the rows of a block must not reach the caller's.
    if (!isBlock(block)) return block.slice();
    return block.kind === 'rows' ? block.rows.slice() : block.slice(0, block.numRows);
  };
  return {
    kind: 'source',
    keepsRows: false,
    isRereadable: Array.isArray(blocks),
    splits: () => [undefined],
    read: () => {
      const input = typeof blocks === 'function' ? blocks() : blocks;
      return Symbol.iterator in input ? mapSync(input, copy) : mapAsync(input, copy);
    },
  };
}

export function readerSource<T, S>(source: Source<T, S>): SourceTransform {
  return {
    kind: 'source',
    keepsRows: false,
    isRereadable: source.rereadable === true,
    splits: (signal) => source.splits(signal),
    read: (split: S, context) => source.read(split, context),
  };
}

/** Stands for the rows that are given when a run starts. */
export const inputSource: SourceTransform = {
  kind: 'source',
  keepsRows: true,
  isInput: true,
  splits: () => [],
  read: () => [],
};

function* mapSync<T, U>(values: Iterable<T>, map: (value: T) => U): Generator<U> {
  for (const value of values) yield map(value);
}

async function* mapAsync<T, U>(values: AsyncIterable<T>, map: (value: T) => U): AsyncGenerator<U> {
  for await (const value of values) yield map(value);
}

function* chunk<T>(rows: Iterable<T>, size: number, finishing: AbortSignal): Generator<T[]> {
  let block: T[] = [];
  for (const row of rows) {
    block.push(row);
    if (block.length < size) continue;
    yield block;
    block = [];
    if (finishing.aborted) return;
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
  signal: AbortSignal,
  { env, finishing }: SourceTools,
): AsyncGenerator<T[]> {
  let block: T[] = [];
  const reading: Reading = { pulling: false, end: undefined, wake: () => undefined };
  const onAbort = (): void => {
    reading.wake();
  };
  signal.addEventListener('abort', onAbort);
  finishing.addEventListener('abort', onAbort);
  const isOver = (): boolean => reading.end !== undefined || finishing.aborted;

  async function pull(): Promise<void> {
    reading.pulling = true;
    try {
      while (block.length < size && !isOver()) {
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
      if (!reading.pulling && !isOver()) void pull();
      if (block.length === 0 && !isOver() && !signal.aborted) await woken(reading);
      if (signal.aborted) return;
      // What has been asked for is still waited for, a while: it would be lost.
      if (finishing.aborted && reading.pulling) await answer(reading, env);
      if (block.length < size && !isOver()) await macrotask(env);
      const ready = block;
      block = [];
      if (ready.length > 0) yield ready;
      if (!isOver() || block.length > 0) continue;
      if (reading.end !== undefined && 'error' in reading.end) throw reading.end.error;
      return;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    finishing.removeEventListener('abort', onAbort);
    // Left early. A source that does not answer any more must not hold up the end.
    if (reading.end === undefined) {
      reading.end = {};
      rows.return?.(signal.reason).then(undefined, () => undefined);
    }
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

/** Waits until a pending read is answered, or for as long as it may take. */
async function answer(reading: Reading, env: Env): Promise<void> {
  let late = false;
  const stop = env.setTimer(GRACE_MS, () => {
    late = true;
    reading.wake();
  });
  const isLate = (): boolean => late;
  while (reading.pulling && !isLate()) await woken(reading);
  stop();
}

function iterate<T>(input: Exclude<RowsInput<T>, Iterable<T>>): AsyncIterator<T> {
  if ('getReader' in input) return iterateStream(input);
  if ('subscribe' in input) return iterateObservable(input);
  const rows = input[Symbol.asyncIterator]();
  return isDestroyable(input) ? destroyedOnReturn(rows, input) : rows;
}

/** A stream of Node's: its iterator cannot be returned from while a read is pending. */
function destroyedOnReturn<T>(rows: AsyncIterator<T>, stream: Destroyable): AsyncIterator<T> {
  return {
    next: () => rows.next(),
    return() {
      stream.destroy();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

interface Destroyable {
  destroy(): void;
}

function isDestroyable(input: object): input is Destroyable {
  return 'destroy' in input && typeof input.destroy === 'function';
}

/** A reader of our own: the stream's iterator cannot be returned from while a read is pending. */
function iterateStream<T>(stream: ReadableStream<T>): AsyncIterator<T> {
  const reader = stream.getReader();
  return {
    async next() {
      const step = await reader.read();
      return step.done ? { done: true, value: undefined } : { done: false, value: step.value };
    },
    async return(reason: unknown) {
      await reader.cancel(reason);
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
