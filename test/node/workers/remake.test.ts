/** Blocks that worker threads have made, lost where they were spilled to, and made again. */
import { readdirSync, rmSync } from 'node:fs';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  columnBlock,
  pipeline,
  StoreError,
  TimeoutError,
  WorkerError,
  type Flow,
  type OperatorOptions,
  type Run,
  type StartOptions,
} from '../../../src/index.ts';
import { workerModule, workers, type WorkersOptions } from '../../../src/node/index.ts';
import type * as againOps from './again-ops.ts';
import { createGate } from './gate.ts';
import type * as gateModule from './gate.ts';
import { losingStore, type LosingStore } from './losing-store.ts';
import { counted, type Threads } from './threads.ts';

const AGAIN: OperatorOptions = {
  retries: { count: 1, backoff: 0 },
  queue: { blocks: 100 },
  preserveOrder: true,
};
/** Blocks of numbers are lost; what they are made from is text. */
const onlyNumbers = (): LosingStore => losingStore(([row]) => typeof row === 'number');
const BLOCKS = Array.from({ length: 6 }, (_, block) => [block * 10 + 1, block * 10 + 2]);

const TEXTS = BLOCKS.map((rows) => rows.map(String));

const countedOps = () =>
  counted(workerModule<typeof againOps>(new URL('./again-ops.ts', import.meta.url)));

function startLosing<T>(
  flow: Flow<T>,
  store: LosingStore,
  options: StartOptions = { budget: { cpu: 2 } },
): Run<T> {
  const run = flow.start({ store, ...options });
  run.done.catch(() => undefined);
  onTestFinished(async () => {
    await run.cancel('the test is over');
    rmSync(store.directory, { recursive: true, force: true });
  });
  return run;
}

/** The rows of a run that is left alone until so many blocks are on disk. */
async function collectLosing<T>(
  flow: Flow<T>,
  written: number,
  store = losingStore(),
): Promise<[readonly T[], Run<T>]> {
  const run = startLosing(flow, store);
  await store.written(written);
  return [await run.collect(), run];
}

test('a chain through this thread and two kinds of workers is run again', async () => {
  const blocks = BLOCKS.slice(0, 3);
  const [first, firstThreads] = countedOps();
  const [second, secondThreads] = countedOps();
  const flow = pipeline('chain')
    .fromBlocks(blocks)
    .map((row) => row + 1, AGAIN)
    .mapBlocks(workers(first, 'double'), AGAIN)
    .mapBlocks(workers(second, 'oneByOne'), AGAIN)
    .map((row) => -row, AGAIN);
  const [rows, run] = await collectLosing(flow, 2 * blocks.length);
  expect(rows).toEqual(blocks.flat().map((row) => -2 * (row + 1)));
  const report = await run.done;
  expect(report.spill.remade).toBeGreaterThan(0);
  // What is made again is no task, and its blocks are not counted twice.
  expect(report.operators['oneByOne']).toMatchObject({ retried: 0, blocksOut: 2 * blocks.length });
  expect([firstThreads.alive, secondThreads.alive]).toEqual([0, 0]);
});

test('the lineage and the attempt are those of the first time', async () => {
  const [ops] = countedOps();
  const flow = pipeline('place')
    .fromBlocks(BLOCKS)
    .mapBlocks(workers(ops, 'secondAttempts'), { ...AGAIN, retries: { count: 2, backoff: 0 } });
  const store = losingStore(([row]) => typeof row === 'string');
  const [rows, run] = await collectLosing(flow, BLOCKS.length, store);
  expect(rows).toEqual(BLOCKS.map((_, block) => `0.${String(block)} 2`));
  expect(run.snapshot().spill.remade).toBeGreaterThan(0);
});

test('columns that go to a worker again stay here: other outputs are made from them as well', async () => {
  const [ops] = countedOps();
  const flow = pipeline('columns')
    .fromBlocks([3, 6].map((x) => columnBlock({ x: Float64Array.of(x, x) })))
    .mapBlocks(workers(ops, 'inThirds'), { ...AGAIN, format: 'columns' });
  const store = losingStore(([row]) => Object.hasOwn(row as object, 'third'));
  const [rows, run] = await collectLosing(flow, 6, store);
  expect(rows.map(({ third }) => third)).toEqual([1, 1, 2, 2, 3, 3, 2, 2, 4, 4, 6, 6]);
  expect(run.snapshot().spill.remade).toBeGreaterThan(3);
});

test('rows that were given up are given up again, and handed out once', async () => {
  const [ops] = countedOps();
  const store = onlyNumbers();
  const letters: unknown[] = [];
  const run = startLosing(
    pipeline('rows')
      .fromBlocks(TEXTS.map((rows, block) => [String(block * 10), ...rows]))
      .map(workers(ops, 'noTens'), { ...AGAIN, onRowError: 'deadLetter' }),
    store,
    {
      budget: { cpu: 2 },
      onDeadLetter: ({ rows }) => {
        letters.push(...rows);
      },
    },
  );
  await store.written(BLOCKS.length);
  expect(await run.collect()).toEqual(BLOCKS.flat());
  const report = await run.done;
  expect(report.spill.remade).toBeGreaterThan(0);
  expect(letters.map(Number).sort((a, b) => a - b)).toEqual(BLOCKS.map((_, block) => block * 10));
  expect(report.operators['noTens']?.rowsDropped).toBe(BLOCKS.length);
});

test('a worker of its own makes it, when all others are busy until it is there', async () => {
  const [ops, threads] = counted(
    workerModule<typeof gateModule>(new URL('./gate.ts', import.meta.url)),
  );
  const gate = createGate();
  const values = [51, 52, 53, 54];
  const store = losingStore(([row]) => Number(row) > 100);
  const run = startLosing(
    pipeline('busy')
      .fromBlocks([...values, 0].map((row) => [row]))
      .mapBlocks(workers(ops, 'waitsAtGate', { threads: 1, options: gate.cells }), {
        ...AGAIN,
        input: { blocks: 1 },
        maxConcurrency: 1,
      }),
    store,
  );
  onTestFinished(gate.open);
  await store.written(values.length);
  const rows: number[] = [];
  for await (const row of run) {
    rows.push(row);
    // Only now does the thread go on that has been held up in the last task.
    if (rows.length === values.length) gate.open();
  }
  expect(rows).toEqual([...values, 0].map((row) => row * 2));
  expect((await run.done).spill.remade).toBe(values.length);
  // One at a time, besides the one there may be.
  expect(threads.most).toBe(2);
  expect(threads).toMatchObject({ alive: 0, made: 1 + values.length });
});

test.each<[string, OperatorOptions]>([
  ['has no retries', { retries: 0 }],
  ['is atomic', { atomic: true }],
  ['needs a rate', { resources: { calls: 1 } }],
])('a worker of an operator that %s makes nothing again', async (_why, options) => {
  const [ops, threads] = countedOps();
  const store = onlyNumbers();
  const run = startLosing(
    pipeline('once')
      .fromBlocks(TEXTS)
      .mapBlocks(workers(ops, 'parse', { threads: 1 }), { ...AGAIN, ...options }),
    store,
    { budget: { cpu: 1, calls: { perSecond: 1000, burst: 1000 } } },
  );
  await store.written(BLOCKS.length);
  await expect(run.collect()).rejects.toThrow(StoreError);
  expect(run.snapshot().spill.remade).toBe(0);
  expect(threads.made).toBe(1);
});

type Later =
  | 'tellsWorker'
  | 'throwsLater'
  | 'exitsLater'
  | 'loopsLater'
  | 'hoardsLater'
  | 'startsOnce'
  | 'hangsAtSecondStart';

/** A run whose only worker does what it should; one that is started later does not. */
async function startLater(
  name: Later,
  options: OperatorOptions = {},
  workersOptions: WorkersOptions = {},
): Promise<[Run<number>, Threads]> {
  const [ops, threads] = countedOps();
  const store = onlyNumbers();
  const run = startLosing(
    pipeline('later')
      .fromBlocks(TEXTS)
      .mapBlocks(workers(ops, name, { threads: 1, ...workersOptions }), { ...AGAIN, ...options }),
    store,
  );
  await store.written(BLOCKS.length);
  return [run, threads];
}

/** What the consumer of such a run gets. */
async function errorOf(...parts: Parameters<typeof startLater>): Promise<StoreError> {
  const [run, threads] = await startLater(...parts);
  const error: unknown = await run.collect().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(StoreError);
  expect(run.snapshot().spill.remade).toBe(0);
  await threads.gone();
  return error as StoreError;
}

const causes = ({ cause }: StoreError): readonly unknown[] => (cause as AggregateError).errors;

describe('the block stays lost, with its cause, and no thread is left, when', () => {
  test('the transform yields something else', async () => {
    const error = await errorOf('tellsWorker');
    expect(error.message).toContain('what its source and transforms yield now is not the same');
  });

  test('the transform throws', async () => {
    expect(causes(await errorOf('throwsLater'))).toEqual([
      expect.any(StoreError),
      new RangeError('not again'),
    ]);
  });

  test('the worker ends itself', async () => {
    const [, why] = causes(await errorOf('exitsLater'));
    expect(why).toBeInstanceOf(WorkerError);
    expect(why).toMatchObject({ failure: 'exit', exitCode: 5 });
  });

  test('the worker needs more memory than it may', async () => {
    const memory = { memoryBytes: 32 * 1024 * 1024 };
    const [, why] = causes(await errorOf('hoardsLater', {}, memory));
    expect(why).toMatchObject({ name: 'WorkerError', failure: 'memory' });
  });

  test('the worker cannot be set up', async () => {
    const [, why] = causes(await errorOf('startsOnce'));
    expect(why).toMatchObject({
      name: 'WorkerError',
      failure: 'start',
      cause: new Error('no second model'),
    });
  });

  test('the worker is not ready in time', async () => {
    const [, why] = causes(await errorOf('hangsAtSecondStart', {}, { startTimeout: 3000 }));
    expect(why).toMatchObject({ name: 'WorkerError', failure: 'start' });
  });

  test('the transform takes longer than it may', async () => {
    const [, why] = causes(await errorOf('loopsLater', { timeout: 2000 }));
    expect(why).toBeInstanceOf(TimeoutError);
  });
});

/** Waits until a worker has noted this. */
function logged<T>(run: Run<T>, text: string): Promise<void> {
  return new Promise((resolve) => {
    run.trace.subscribe((event) => {
      if (event.type === 'log' && event.text === text) resolve();
    });
  });
}

/** Waits until the run is in this state. */
function entered<T>(run: Run<T>, state: string): Promise<void> {
  return new Promise((resolve) => {
    run.trace.subscribe((event) => {
      if (event.type === 'state.entered' && event.actor === run.name && event.state === state) {
        resolve();
      }
    });
  });
}

test.each<[Later, string]>([
  ['loopsLater', 'loops'],
  ['hangsAtSecondStart', 'hangs'],
])('a cancel ends the worker that makes a block again (%s)', async (name, text) => {
  const [run, threads] = await startLater(name);
  const begun = logged(run, text);
  const rows = run.collect().catch((thrown: unknown) => thrown);
  await begun;
  await run.cancel('enough');
  expect(threads.alive).toBe(0);
  expect(await rows).toMatchObject({ name: 'CancelledError' });
});

describe('a run that waits for a block that is made again for ever', () => {
  type Ending = 'its handle' | 'its signal' | 'its disposal';
  const ENDINGS: readonly Ending[] = ['its handle', 'its signal', 'its disposal'];

  /** Few blocks: all of them are handed to the consumer in advance. */
  async function startForEver({ isHeld = false } = {}) {
    const [ops, threads] = countedOps();
    const store = onlyNumbers();
    const abort = new AbortController();
    const flow = pipeline('for ever')
      .fromBlocks(TEXTS.slice(0, 3))
      .mapBlocks(workers(ops, 'neverLater', { threads: 1 }), AGAIN);
    let onBegun = (): void => undefined;
    const begun = new Promise<void>((resolve) => {
      onBegun = resolve;
    });
    // Nothing comes of it, but the run does not close before a block is being made.
    const held = pipeline('held').from(async function* (): AsyncGenerator<number> {
      if (isHeld) await begun;
      yield* [];
    });
    const { signal } = abort;
    const run = startLosing(flow.union(held), store, { budget: { cpu: 2 }, signal });
    await store.written(3);
    void logged(run, 'waits').then(onBegun);
    const closing = entered(run, 'closing');

    async function endBy(ending: Ending): Promise<void> {
      if (ending === 'its handle') await run.cancel('enough');
      else if (ending === 'its disposal') await run[Symbol.asyncDispose]();
      else {
        abort.abort('enough');
        await run.done;
      }
    }

    return { run, threads, store, begun, closing, endBy };
  }

  test.for(ENDINGS)('is ended by %s while it closes: it was cancelled', async (ending) => {
    const { run, threads, store, begun, closing, endBy } = await startForEver({ isHeld: true });
    const first = run.rows().next();
    first.catch(() => undefined);
    await Promise.all([begun, closing]);
    await endBy(ending);
    const reason = ending === 'its disposal' ? 'disposed' : 'enough';
    expect(await run.done).toMatchObject({ status: 'cancelled', reason });
    await expect(first).rejects.toMatchObject({ name: 'CancelledError', cause: reason });
    expect([threads.alive, readdirSync(store.directory)]).toEqual([0, []]);
  });

  test.for(ENDINGS)('is ended by %s after it was done, and stays done', async (ending) => {
    const { run, threads, store, endBy } = await startForEver();
    const rows = run.rows();
    await run.done;
    const first = rows.next();
    first.catch(() => undefined);
    await threads.reached(2);
    await endBy(ending);
    const reason = ending === 'its disposal' ? 'disposed' : 'enough';
    await expect(first).rejects.toMatchObject({ name: 'CancelledError', cause: reason });
    expect((await run.done).status).toBe('done');
    // Nobody can wait for what an abort ends, but for a cancel, which has nothing left to do.
    await run.cancel('too late');
    expect([threads.alive, readdirSync(store.directory)]).toEqual([0, []]);
  });

  test('is ended by stopping its actor', async () => {
    const { run, threads, begun, closing } = await startForEver({ isHeld: true });
    const first = run.rows().next();
    first.catch(() => undefined);
    await Promise.all([begun, closing]);
    run.actor.stop();
    await expect(first).rejects.toThrow();
    await threads.gone();
  });
});
