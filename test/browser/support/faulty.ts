/** Five pipelines with a fault each: what an inspector is for. */
import { pipeline, type Flow } from '../../../src/index.ts';

/** Virtual or real time. */
export interface Sleeper {
  readonly sleep: (ms: number) => Promise<unknown>;
}

const ROWS = Array.from({ length: 40_000 }, (_, id) => id);

function stage(env: Sleeper, ms: number): (rows: readonly number[]) => Promise<readonly number[]> {
  return async (rows) => {
    await env.sleep(ms);
    return rows;
  };
}

/** One stage takes ten times as long as the rest. */
export function slowStage(env: Sleeper): Flow<number> {
  return pipeline('slow-stage')
    .from(ROWS, { rowsPerBlock: 20 })
    .mapBlocks(stage(env, 10), { name: 'parse', maxConcurrency: 2 })
    .mapBlocks(stage(env, 100), { name: 'geocode', maxConcurrency: 2 })
    .mapBlocks(stage(env, 10), { name: 'format', maxConcurrency: 2 });
}

/** The last stage could do four at a time, and the budget has enough for one. */
export function tightBudget(env: Sleeper): Flow<number> {
  return pipeline('tight-budget')
    .from(ROWS, { rowsPerBlock: 20 })
    .mapBlocks(stage(env, 20), { name: 'embed', resources: { cpu: 1 }, maxConcurrency: 4 })
    .mapBlocks(stage(env, 60), { name: 'rank', resources: { cpu: 1, gpu: 3 }, maxConcurrency: 4 });
}

/** One block fails whenever it is tried, and is tried for ever. */
export function poisonBlock(env: Sleeper): Flow<number> {
  return pipeline('poison-block')
    .from(ROWS, { rowsPerBlock: 20 })
    .mapBlocks(stage(env, 10), { name: 'read', maxConcurrency: 2 })
    .mapBlocks(
      async (rows: readonly number[]) => {
        await env.sleep(15);
        if (rows.includes(777)) throw new Error('row 777 has no price');
        return rows;
      },
      { name: 'price', maxConcurrency: 1, retries: { count: 1_000_000, backoff: 50 } },
    );
}

/** Nobody takes what comes out. */
export function deafConsumer(env: Sleeper): Flow<number> {
  return pipeline('deaf-consumer')
    .from(ROWS, { rowsPerBlock: 20 })
    .mapBlocks(stage(env, 10), { name: 'parse', maxConcurrency: 2 })
    .mapBlocks(stage(env, 10), { name: 'format', maxConcurrency: 2 });
}

/** Two inputs are zipped, and one of them is twenty times as slow. */
export function skewedFanIn(env: Sleeper): Flow<unknown> {
  const prices = pipeline('prices')
    .from(ROWS, { rowsPerBlock: 20 })
    .mapBlocks(stage(env, 200), { name: 'prices', maxConcurrency: 1 });
  return pipeline('skewed-fan-in')
    .from(ROWS, { rowsPerBlock: 20 })
    .mapBlocks(stage(env, 10), { name: 'orders', maxConcurrency: 2 })
    .zip(prices)
    .mapBlocks(
      async (rows: readonly unknown[]) => {
        await env.sleep(5);
        return rows;
      },
      { name: 'join' },
    );
}
