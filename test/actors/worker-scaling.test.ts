/** How many workers an operator gets, and when: whole pipelines whose workers are played in virtual time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { simEnv, type SimEnv } from '../../actors/sim-env.ts';
import { pipeline, TaskError, WorkerError } from '../../src/index.ts';
import { workers } from '../../src/workers/index.ts';
import { virtualWorkers } from './support/virtual-workers.ts';

const each = { input: { blocks: 1 } } as const;
const countTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Rows that come in bursts: one, and after a while all others at once. */
function oneThen(env: SimEnv, others: readonly number[], pauseMs = 2000) {
  return async function* rows(): AsyncGenerator<number> {
    yield 0;
    await env.sleep(pauseMs);
    yield* others;
  };
}

describe('workers are started', () => {
  test('for all that is dispatched, in a pool that has just begun', async () => {
    const env = simEnv();
    const { module, startedAt } = virtualWorkers(env, { startMs: 500, runMs: 8 });
    const run = pipeline('cold')
      .from(countTo(100), { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo'), each)
      .start({ env, budget: { cpu: 8 } });
    expect(await env.drive(run.collect())).toHaveLength(100);
    expect(startedAt).toHaveLength(8);
    expect(Math.max(...startedAt)).toBeLessThan(10);
  });

  test('not for a burst that those there will be through with before', async () => {
    const env = simEnv();
    const { module, startedAt } = virtualWorkers(env, { startMs: 500, runMs: 8 });
    const run = pipeline('burst')
      .from(oneThen(env, countTo(40)), { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo'), each)
      .start({ env, budget: { cpu: 50 } });
    expect(await env.drive(run.collect())).toHaveLength(41);
    expect(startedAt).toEqual([0]);
  });

  test('at once for work that takes much longer than a start', async () => {
    const env = simEnv();
    const { module, startedAt } = virtualWorkers(env, { startMs: 500, runMs: 60_000 });
    const run = pipeline('long')
      .from(oneThen(env, countTo(3), 100_000), { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo', { idle: 1e6 }), each)
      .start({ env, budget: { cpu: 4 } });
    expect(await env.drive(run.collect())).toHaveLength(4);
    expect(startedAt).toHaveLength(3);
    expect(Math.max(...startedAt) - 100_000).toBeLessThan(10);
  });

  test('more and more of them while there is always more to do, up to `threads`', async () => {
    const env = simEnv();
    const { module, startedAt } = virtualWorkers(env, { startMs: 80, runMs: 8 });
    const run = pipeline('always')
      .from(oneThen(env, countTo(2000)), { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo', { threads: 6 }), { ...each, queue: { blocks: 50 } })
      .start({ env, budget: { cpu: 8 } });
    expect(await env.drive(run.collect())).toHaveLength(2001);
    const after = startedAt.map((at) => Math.round((at - 2000) / 80));
    expect(after).toEqual([-25, 1, 2, 2, 3, 3]);
  });

  test('one at once after all had gone, and no more for little', async () => {
    const env = simEnv();
    const { module, startedAt, alive } = virtualWorkers(env, { startMs: 80, runMs: 1 });
    let aliveInThePause = 1;
    async function* rows(): AsyncGenerator<number> {
      yield 0;
      await env.sleep(2000);
      aliveInThePause = alive();
      yield* countTo(8);
    }
    const run = pipeline('rest')
      .from(rows, { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo', { idle: 1000 }), each)
      .start({ env, budget: { cpu: 10 } });
    expect(await env.drive(run.collect())).toHaveLength(9);
    expect(aliveInThePause).toBe(0);
    expect(startedAt).toHaveLength(2);
    expect(alive()).toBe(0);
    await env.advance();
    expect(env.pending()).toBe(0);
  });
});

test('what was sent ahead to a worker that is held up is done by those that are not', async () => {
  const env = simEnv();
  const { module } = virtualWorkers(env, { startMs: 80, runMs: (row) => (row === 100 ? 5000 : 4) });
  const run = pipeline('held up')
    .from(countTo(200), { rowsPerBlock: 1 })
    .mapBlocks(workers(module, 'echo', { threads: 2 }), each)
    .start({ env, budget: { cpu: 16 } });
  expect((await env.drive(run.collect())).at(-1)).toBe(100);
});

test('however long tasks take and wherever they end up, each is begun once', async () => {
  const someRuns = fc.array(fc.constantFrom(0.1, 1, 4, 8, 11, 20, 500), { maxLength: 120 });
  const property = fc.asyncProperty(
    fc.record({ times: someRuns, threads: fc.integer({ min: 1, max: 4 }), seed: fc.nat() }),
    async ({ times, threads, seed }) => {
      const env = simEnv(seed);
      const begun: number[] = [];
      const { module } = virtualWorkers(env, {
        startMs: 80,
        runMs: (row) => {
          begun.push(row);
          return times[row] ?? 0;
        },
      });
      const rows = countTo(times.length);
      const run = pipeline('any')
        .from(rows, { rowsPerBlock: 1 })
        .mapBlocks(workers(module, 'echo', { threads }), each)
        .start({ env, budget: { cpu: 16 } });
      const byNumber = (list: number[]): number[] => list.sort((one, other) => one - other);
      expect(byNumber(await env.drive(run.collect()))).toEqual(rows);
      expect(byNumber(begun)).toEqual(rows);
    },
  );
  await fc.assert(property);
});

describe('a bottleneck whose workers take long to start', () => {
  test.for([
    { quick: 1, pauseMs: 0 },
    { quick: 3, pauseMs: 0 },
    { quick: 1, pauseMs: 2000 },
    { quick: 3, pauseMs: 2000 },
  ])('is not starved by those before it ($quick, $pauseMs)', async ({ quick, pauseMs }) => {
    const env = simEnv();
    const blocks = 300;
    const model = virtualWorkers(env, { startMs: 500, runMs: 100 });
    // After a pause the bottleneck has one worker, and knows what its runs and starts take.
    let flow = pipeline('slow start').from(oneThen(env, countTo(blocks), pauseMs), {
      rowsPerBlock: 1,
    });
    for (let stage = 0; stage < quick; stage++) {
      const { module } = virtualWorkers(env, { startMs: 10, runMs: 5 });
      flow = flow.mapBlocks(workers(module, 'echo'), { ...each, name: `quick${String(stage)}` });
    }
    const run = flow
      .mapBlocks(workers(model.module, 'echo'), { ...each, name: 'model' })
      .start({ env, budget: { cpu: 4 } });
    expect(await env.drive(run.collect())).toHaveLength(blocks + 1);
    // It has most of the tokens as soon as its workers can be there, and keeps them.
    expect(model.begunAt.filter((at) => at < pauseMs + 2000).length).toBeGreaterThanOrEqual(3);
    const { durationMs } = await run.done;
    const best = (blocks * (100 + 5 * quick)) / 4 + 500;
    expect(durationMs).toBeLessThan(pauseMs + 1.25 * best);
  });
});

describe('a worker that is lost between its start and its first task', () => {
  test('costs a task that was sent to it an attempt', async () => {
    const env = simEnv();
    const { module, startedAt } = virtualWorkers(env, {
      startMs: 80,
      runMs: 8,
      diesAtOnce: (worker) => worker === 0,
    });
    const run = pipeline('once')
      .from(countTo(4), { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo', { threads: 1 }), {
        ...each,
        name: 'work',
        retries: { count: 1, backoff: 0 },
      })
      .start({ env, budget: { cpu: 2 } });
    expect(await env.drive(run.collect())).toHaveLength(4);
    expect((await run.done).operators['work']).toMatchObject({ retried: 1, failed: 0 });
    expect(startedAt).toHaveLength(2);
  });

  test('ends the run when all of them are: as often as its `retries` say', async () => {
    const env = simEnv();
    const { module, startedAt, alive } = virtualWorkers(env, {
      startMs: 80,
      runMs: 8,
      diesAtOnce: () => true,
    });
    const run = pipeline('hopeless')
      .from(countTo(4), { rowsPerBlock: 1 })
      .mapBlocks(workers(module, 'echo', { threads: 1 }), {
        ...each,
        name: 'work',
        retries: { count: 2, backoff: 0 },
      })
      .start({ env, budget: { cpu: 1 } });
    const error: unknown = await env.drive(run.collect().catch((thrown: unknown) => thrown));
    expect(error).toBeInstanceOf(TaskError);
    expect((error as TaskError).cause).toBeInstanceOf(WorkerError);
    expect((error as TaskError).cause).toMatchObject({
      failure: 'exit',
      exitCode: 3,
      message: 'the worker of "work" was lost before its task began',
    });
    expect([startedAt.length, alive()]).toEqual([3, 0]);
  });
});
