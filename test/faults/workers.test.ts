/** Faults of workers, memory and time, on real threads. What is said about a fault is in its name. */
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { pipeline, TaskError, TimeoutError, WorkerError } from '../../src/index.ts';
import type { OperatorOptions, Run } from '../../src/index.ts';
import { workerModule, workers, type WorkersOptions } from '../../src/node/index.ts';
import type * as failsAtStart from './fails-at-start.ts';
import type * as hangsAtStart from './hangs-at-start.ts';
import { counted } from '../node/workers/threads.ts';
import type * as workerFaults from './worker-faults.ts';
import type { Row } from './worker-faults.ts';

type Faults = typeof workerFaults;
type Fault = keyof Faults;

const faults = workerModule<Faults>(new URL('./worker-faults.ts', import.meta.url));

const MIB = 1024 * 1024;
/** Blocks of one row each; the second goes wrong in its first attempt. */
const ONE_BAD: readonly (readonly Row[])[] = [0, 1, 2, 3].map((id) => [
  { id, badUntil: id === 1 ? 1 : 0 },
]);
const ALWAYS_BAD = ONE_BAD.map((rows) => rows.map((row) => ({ ...row, badUntil: row.id * 99 })));
const ONCE_MORE: OperatorOptions = { retries: { count: 1, backoff: 0 } };

function start(
  fault: Fault,
  blocks: readonly (readonly Row[])[],
  options: OperatorOptions = {},
  workersOptions: WorkersOptions = {},
): Run<unknown> {
  const run = pipeline('faults')
    .fromBlocks(blocks)
    .mapBlocks(workers(faults, fault as 'works', workersOptions), {
      name: 'work',
      input: { blocks: 1 },
      ...options,
    })
    .map((row): unknown => row)
    .start({ budget: { cpu: 2 } });
  onTestFinished(() => run.cancel('the test is over'));
  return run;
}

async function sorted<T>(run: Run<T>): Promise<number[]> {
  return ((await run.collect()) as number[]).sort((a, b) => a - b);
}

/** What the run has failed with. */
async function failure<T>(run: Run<T>): Promise<unknown> {
  const error: unknown = await run.collect().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof TaskError)) throw new Error('it has not failed', { cause: error });
  expect(error.operator).toBe('work');
  return error.cause;
}

/** Waits until a task has noted this. */
function logged<T>(run: Run<T>, text: string): Promise<void> {
  return new Promise((resolve) => {
    run.trace.subscribe((event) => {
      if (event.type === 'log' && event.text === text) resolve();
    });
  });
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** The fault costs the task an attempt; nothing else is lost, nothing comes twice. */
async function costsAnAttempt(
  fault: Fault,
  options: OperatorOptions = {},
  workersOptions: WorkersOptions = {},
): Promise<void> {
  const run = start(fault, ONE_BAD, { ...ONCE_MORE, ...options }, workersOptions);
  expect(await sorted(run)).toEqual([0, 1, 2, 3]);
  const { operators } = await run.done;
  expect(operators['work']).toMatchObject({ retried: 1, failed: 0, tasks: 4 });
}

describe('F19: a worker throws', () => {
  test('F19: an error costs an attempt, and keeps its worker', async () => {
    await costsAnAttempt('throws');
  });

  test('F19: an error comes back with its class, code, own fields, stack and cause', async () => {
    const error = (await failure(start('throws', ALWAYS_BAD))) as Error;
    expect(error).toMatchObject({
      name: 'HttpError',
      message: 'status 503',
      code: 'E_HTTP',
      status: 503,
    });
    expect(error).toBeInstanceOf(Error);
    expect(error.stack).toContain('worker-faults');
    expect(error.cause).toBeInstanceOf(RangeError);
  });

  test('F19: undefined can be thrown', async () => {
    await costsAnAttempt('throwsUndefined');
    const run = start('throwsUndefined', ALWAYS_BAD);
    expect(await failure(run)).toBeUndefined();
  });

  test('F19: what fails outside of any task costs an attempt, even when it is undefined', async () => {
    await costsAnAttempt('rejectsUnseen');
    const error = await failure(start('rejectsUnseen', ALWAYS_BAD));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ code: 'WORKER', failure: 'exit' });
  });
});

describe('F20: process.exit in a worker', () => {
  test('F20: costs the task an attempt, and nobody else anything', async () => {
    await costsAnAttempt('exits');
  });

  test('F20: without attempts left the run fails, with the exit code', async () => {
    const error = await failure(start('exits', ALWAYS_BAD));
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({ failure: 'exit', exitCode: 7 });
  });

  test('F20: between the start and the first task of every worker costs tasks that were sent to them', async () => {
    const [counting, threads] = counted(faults);
    const run = pipeline('faults')
      .fromBlocks(ONE_BAD)
      .mapBlocks(workers(counting, 'exitsWhenReady', { threads: 1 }), {
        name: 'work',
        input: { blocks: 1 },
        retries: { count: 2, backoff: 0 },
      })
      .start({ budget: { cpu: 1 } });
    onTestFinished(() => run.cancel('the test is over'));
    const error = await failure(run);
    expect(error).toBeInstanceOf(WorkerError);
    expect(error).toMatchObject({
      failure: 'exit',
      exitCode: 9,
      message: 'the worker of "work" was lost before its task began',
    });
    expect((await run.done.catch(() => undefined)) ?? 'failed').toBe('failed');
    expect(threads.alive).toBe(0);
  });

  test('F20: what was yielded before the end is not yielded again', async () => {
    const rows = [0, 1, 2].map((id) => ({ id, badUntil: 1 }));
    const run = start('exitsHalfway', [rows], ONCE_MORE);
    expect(await run.collect()).toEqual([0, 1, 2]);
    expect((await run.done).operators['work']).toMatchObject({ retried: 1, blocksOut: 3 });
  });

  test('F20: tasks that wait in the lost worker go on in another, without losing an attempt', async () => {
    const rows = [{ id: 0, badUntil: 1 }].concat(
      [1, 2, 3, 4, 5, 6, 7].map((id) => ({ id, badUntil: 0 })),
    );
    const run = start(
      'exits',
      rows.map((row) => [row]),
      { ...ONCE_MORE, resources: { cpu: 0.25 } },
      { threads: 1 },
    );
    expect(await sorted(run)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect((await run.done).operators['work']).toMatchObject({ retried: 1, tasks: 8 });
  });

  test('F20: the right one of many quick tasks pays, also when those before it were not told of yet', async () => {
    const ids = Array.from({ length: 400 }, (_, id) => id);
    const quick: OperatorOptions = { resources: { cpu: 1 / 16 } };
    const startWith = (badUntil: number, options: OperatorOptions): Run<unknown> =>
      start(
        'exits',
        ids.map((id) => [{ id, badUntil: id === 200 ? badUntil : 0 }]),
        { ...quick, ...options },
        { threads: 1 },
      );
    const retried = startWith(1, ONCE_MORE);
    expect(await sorted(retried)).toEqual(ids);
    expect((await retried.done).operators['work']).toMatchObject({ retried: 1, tasks: 400 });
    const skipped = startWith(99, { onError: 'skip' });
    expect(await sorted(skipped)).toEqual(ids.filter((id) => id !== 200));
    expect((await skipped.done).operators['work']?.dropped).toMatchObject([{ lineage: '0.200' }]);
  });

  test('F20: a block that always ends its worker is given up, the others are not', async () => {
    const run = start('exits', ALWAYS_BAD.slice(0, 2), { ...ONCE_MORE, onError: 'skip' });
    expect(await sorted(run)).toEqual([0]);
    const { operators } = await run.done;
    expect(operators['work']).toMatchObject({ retried: 1 });
    expect(operators['work']?.dropped).toMatchObject([{ attempts: 2, lineage: '0.1' }]);
  });
});

describe('F21: a worker runs out of heap', () => {
  test('F21: costs the task an attempt', async () => {
    await costsAnAttempt('fillsHeap', {}, { memoryBytes: 48 * MIB });
  });

  test('F21: without attempts left the run fails and says what to raise', async () => {
    const run = start('fillsHeap', ALWAYS_BAD, {}, { memoryBytes: 48 * MIB });
    const error = (await failure(run)) as Error;
    expect(error).toMatchObject({ name: 'WorkerError', failure: 'memory' });
    expect(error.message).toContain('memoryBytes');
    expect(error.cause).toMatchObject({ code: 'ERR_WORKER_OUT_OF_MEMORY' });
  });
});

describe('F22: buffers outside of the heap', () => {
  test('F22: are counted with each block: too many cost the task an attempt and the worker its life', async () => {
    const rows = [0, 1, 2, 3, 4, 5].map((id) => ({ id, badUntil: 1 }));
    const run = start('hoardsBuffers', [rows], ONCE_MORE, { memoryBytes: 100 * MIB });
    expect(await run.collect()).toEqual([0, 1, 2, 3, 4, 5]);
    expect((await run.done).operators['work']).toMatchObject({ retried: 1, blocksOut: 6 });
  });

  test('F22: a worker that keeps too many between its tasks is replaced, and no task pays for it', async () => {
    const run = start('hoardsLater', ONE_BAD, {}, { memoryBytes: 40 * MIB, threads: 1 });
    expect(await sorted(run)).toEqual([0, 1, 2, 3]);
    expect((await run.done).operators['work']).toMatchObject({ retried: 0, tasks: 4 });
  });

  test('F22: buffers that are garbage already do not count', async () => {
    const blocks = Array.from({ length: 12 }, (_, id) => [{ id, badUntil: 0 }]);
    const run = start('borrowsBuffers', blocks, {}, { memoryBytes: 40 * MIB, threads: 1 });
    expect(await sorted(run)).toHaveLength(12);
  });
});

describe('F23: a worker that never lets go of its thread', () => {
  test('F23: an endless loop costs the task an attempt after its timeout', async () => {
    await costsAnAttempt('loops', { timeout: 300 });
  });

  test('F23: so does a regular expression', async () => {
    await costsAnAttempt('backtracks', { timeout: 300 });
  });

  test('F23: without attempts left the run fails with the timeout', async () => {
    const error = await failure(start('loops', ALWAYS_BAD, { timeout: 200 }));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject({ timeoutMs: 200 });
  });

  test('F23: cancel ends a run whose worker does not listen', async () => {
    const run = start('loops', ALWAYS_BAD.slice(1, 2));
    const looping = logged(run, 'loops');
    const first = run.rows().next();
    void first.catch(() => undefined);
    await looping;
    await run.cancel('enough');
    await expect(first).rejects.toThrow('enough');
    expect((await run.done).status).toBe('cancelled');
    expect(run.snapshot().blockBytes.live).toBe(0);
  });

  test('F23: a loop that asks its signal hears of the cancel, and its worker lives on', async () => {
    const run = start('asksForEver', ONE_BAD.slice(1, 2), { ...ONCE_MORE, timeout: 200 });
    const noted: string[] = [];
    run.trace.subscribe((event) => {
      if (event.type === 'log') noted.push(event.text);
    });
    const rows = await run.collect();
    expect(rows).toEqual(noted);
    expect((await run.done).operators['work']).toMatchObject({ retried: 1 });
  });
});

describe('F24: rows that cannot be sent', () => {
  test.for(['yieldsFunctions', 'yieldsSymbols'] as const)(
    'F24: %s costs the task an attempt',
    async (fault) => {
      await costsAnAttempt(fault);
    },
  );

  test.for(['yieldsFunctions', 'yieldsSymbolsOneByOne'] as const)(
    'F24: %s in the middle of a task of many blocks loses and doubles none of the others',
    async (fault) => {
      const blocks = [0, 1, 2, 3, 4, 5].map((id) => [{ id, badUntil: id === 3 ? 1 : 0 }]);
      const run = start(fault, blocks, { ...ONCE_MORE, input: { blocks: 6 } });
      expect(await sorted(run)).toEqual([0, 1, 2, 3, 4, 5]);
      expect((await run.done).operators['work']).toMatchObject({ retried: 1, blocksOut: 6 });
    },
  );

  test('F24: the error says what rows must be', async () => {
    const error = await failure(start('yieldsFunctions', ALWAYS_BAD));
    expect(error).toMatchObject({ name: 'WorkerError', failure: 'message' });
    expect((error as Error).message).toMatch(/structuredClone/);
  });

  test('F24: so does the error about an input', async () => {
    const run = pipeline('faults')
      .fromBlocks([[{ id: 0, badUntil: 0, call: () => 1 }]])
      .mapBlocks(workers(faults, 'works'), { name: 'work' })
      .start();
    const error = await failure(run);
    expect(error).toMatchObject({ name: 'WorkerError', failure: 'message' });
  });

  test('F24: the worker is kept', async () => {
    const blocks = [1, 0, 0].map((badUntil, id) => [{ id, badUntil }]);
    const run = start('failsInThread', blocks, { ...ONCE_MORE, maxConcurrency: 1 }, { threads: 1 });
    const rows = (await run.collect()) as { thread: string }[];
    expect(new Set(rows.map(({ thread }) => thread)).size).toBe(1);
  });
});

describe('F25: a worker that cannot start', () => {
  test('F25: a module that is not there is told before anything runs', async () => {
    const missing = workerModule<Faults>(new URL('./no-such-module.ts', import.meta.url));
    const read = vi.fn(() => [[{ id: 0, badUntil: 0 }]]);
    const run = pipeline('faults')
      .fromSource({ name: 'read', splits: () => [0], read })
      .mapBlocks(workers(missing, 'works'), { name: 'work' })
      .start();
    const error = await failure(run);
    expect(error).toMatchObject({ name: 'WorkerError', failure: 'start' });
    expect((error as Error).message).toContain('no-such-module.ts');
    expect(read).not.toHaveBeenCalled();
  });

  test('F25: so is a function that is not there, with those that are', async () => {
    const run = start('nothing' as Fault, ONE_BAD);
    const error = (await failure(run)) as Error;
    expect(error.message).toContain('"nothing"');
    expect(error.message).toContain('works');
  });

  test('F25: a module that never loads is given up', async () => {
    const hanging = workerModule<typeof hangsAtStart>(
      new URL('./hangs-at-start.ts', import.meta.url),
    );
    const run = pipeline('faults')
      .from([1])
      .mapBlocks(workers(hanging, 'works', { startTimeout: 1500 }), { name: 'work' })
      .start();
    const error = (await failure(run)) as Error;
    expect(error).toMatchObject({ failure: 'start' });
    expect(error.message).toContain('1500 ms');
  });

  test('F25: a setup that fails fails its tasks, with its own error as the cause', async () => {
    const failing = workerModule<typeof failsAtStart>(
      new URL('./fails-at-start.ts', import.meta.url),
    );
    const run = pipeline('faults')
      .from([1])
      .mapBlocks(workers(failing, 'fails'), { name: 'work' })
      .start();
    const error = (await failure(run)) as Error;
    expect(error).toMatchObject({ failure: 'start' });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(error.message).toContain('no model');
  });
});

describe('F26: a storm of restarts', () => {
  test('F26: more failures within a while than restarts allow end the run, whatever retries are left', async () => {
    const run = start('exits', ALWAYS_BAD.slice(1), {
      retries: { count: 1000, backoff: 0 },
      restarts: { count: 3, within: 60_000 },
    });
    const error = await failure(run);
    expect(error).toMatchObject({ name: 'RestartLimitError' });
    expect((await run.done.catch(() => undefined)) ?? 'failed').toBe('failed');
  });
});

describe('F29: the clock of the wall jumps', () => {
  test('F29: back and forth by an hour, and no task times out', async () => {
    let hours = 0;
    const now = Date.now.bind(Date);
    vi.spyOn(Date, 'now').mockImplementation(
      () => now() + (hours++ % 2 === 0 ? 1 : -1) * 3_600_000,
    );
    const run = start('works', ONE_BAD, { timeout: 60_000 });
    expect(await sorted(run)).toEqual([0, 1, 2, 3]);
    expect((await run.done).durationMs).toBeLessThan(3_600_000);
  });
});

describe('F30: this thread is blocked', () => {
  test('F30: a worker that was done in time has not timed out', async () => {
    let tasks = 0;
    const run = pipeline('faults')
      .fromBlocks(ONE_BAD)
      .mapBlocks(workers(faults, 'works'), { name: 'work', timeout: 400, input: { blocks: 1 } })
      .start({
        budget: { cpu: 1 },
        onEvent: (event) => {
          if (event.type !== 'task.started' || ++tasks !== 3) return;
          // The worker is warm: it has long been done when this thread comes to hear of it.
          setImmediate(() => {
            const until = performance.now() + 900;
            while (performance.now() < until);
          });
        },
      });
    expect(await sorted(run)).toEqual([0, 1, 2, 3]);
    expect((await run.done).operators['work']).toMatchObject({ retried: 0, failed: 0 });
  });
});

describe('F32: several runs at a time', () => {
  test('F32: of one flow, one of them failing: neither sees the other', async () => {
    const flow = (blocks: readonly (readonly Row[])[]): Run<number> =>
      pipeline('faults')
        .fromBlocks(blocks)
        .mapBlocks(workers(faults, 'exits'), { name: 'work' })
        .start({ budget: { cpu: 1 } });
    const bad = flow(ALWAYS_BAD);
    const good = flow(ALWAYS_BAD.slice(0, 1));
    expect(await failure(bad)).toMatchObject({ exitCode: 7 });
    expect(await good.collect()).toEqual([0]);
  });
});

describe('F33: an observer throws', () => {
  test('F33: a listener that throws for everything a worker says does not hurt the run', async () => {
    const run = pipeline('faults')
      .fromBlocks(ONE_BAD)
      .mapBlocks(workers(faults, 'works'), { name: 'work' })
      .start({
        onEvent: () => {
          throw new Error('the observer');
        },
      });
    expect(await sorted(run)).toEqual([0, 1, 2, 3]);
    expect(run.callbackErrors.count).toBeGreaterThan(0);
  });
});
