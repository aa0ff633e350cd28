/** Tokens, rates, bytes: what may run, and how much may be live. */
import { expect, test } from 'vitest';
import { fair, leastMemory, mostDownstream, pipeline, type RunEvent } from '../../src/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';

const numbers = (count: number) =>
  pipeline('resources').from(
    Array.from({ length: count }, (_, index) => index),
    { rowsPerBlock: 1 },
  );

/** A transform that takes time, and knows how many of its kind run at once. */
function gauge(env: SimEnv, ms: number) {
  const seen = { active: 0, most: 0, starts: [] as number[] };
  const transform = async (rows: number[]): Promise<number[]> => {
    seen.active += 1;
    seen.most = Math.max(seen.most, seen.active);
    seen.starts.push(env.now());
    await env.sleep(ms);
    seen.active -= 1;
    return rows;
  };
  return { seen, transform };
}

test('F35: custom resources bound what runs; fractions add up exactly', async () => {
  const env = simEnv();
  const { seen, transform } = gauge(env, 10);
  const run = numbers(30)
    .mapBlocks(transform, { resources: { gpu: 0.1 } })
    .start({ env, budget: { cpu: 1, gpu: 0.3 } });
  await env.drive(run.collect());
  expect(seen.most).toBe(3);
  expect(run.snapshot().resources['gpu']).toEqual({ total: 0.3, used: 0 });
});

test('a vector is granted whole or not at all', async () => {
  const env = simEnv();
  const big = gauge(env, 10);
  const small = gauge(env, 10);
  const [left, right] = numbers(10).tee();
  const run = left
    .mapBlocks(big.transform, { resources: { cpu: 2, memory: 3 } })
    .union(right.mapBlocks(small.transform, { resources: { cpu: 1, memory: 1 } }))
    .start({ env, budget: { cpu: 3, memory: 4 } });
  await env.drive(run.collect());
  expect(big.seen.most).toBe(1);
  expect(small.seen.most).toBeLessThanOrEqual(3);
});

test('maxConcurrency bounds one operator', async () => {
  const env = simEnv();
  const { seen, transform } = gauge(env, 10);
  const run = numbers(20)
    .mapBlocks(transform, { maxConcurrency: 3, name: 'work' })
    .start({ env, budget: { cpu: 8 } });
  const rows = run.collect();
  await env.advance(5);
  expect(run.explain('work').denial).toMatchObject({ limit: 'maxConcurrency' });
  await env.drive(rows);
  expect(seen.most).toBe(3);
});

test('a rate is never overdrawn and its burst is used', async () => {
  const env = simEnv();
  const { seen, transform } = gauge(env, 1);
  const run = numbers(10)
    .mapBlocks(transform, { name: 'work', resources: { calls: 1 }, input: { blocks: 1 } })
    .start({ env, budget: { calls: { perSecond: 2, burst: 4 } } });
  const rows = run.collect();
  await env.advance(100);
  expect(run.explain('work').denial).toMatchObject({ limit: 'calls', asked: 1 });
  await env.drive(rows);
  expect(seen.starts).toHaveLength(10);
  expect(seen.starts.slice(0, 4)).toEqual([0, 0, 0, 0]);
  const later = seen.starts.slice(4);
  expect(later).toEqual([500, 1000, 1500, 2000, 2500, 3000]);
});

test('F40: live bytes stay within the budget and one block, however slow the consumer is', async () => {
  const env = simEnv();
  const run = pipeline('bytes')
    .from(
      Array.from({ length: 200 }, () => new Uint8Array(1000)),
      { rowsPerBlock: 1 },
    )
    .map((row) => row.slice(), { resources: { cpu: 1 } })
    .start({ env, budget: { cpu: 4, blockBytes: 20_000 } });
  let count = 0;
  await env.drive(
    (async () => {
      for await (const block of run.blocks()) {
        count += block.numRows;
        await env.sleep(10);
      }
    })(),
  );
  expect(count).toBe(200);
  expect(run.snapshot().blockBytes.peak).toBeLessThanOrEqual(21_024);
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('a slow operator holds back a fast one by its queue', async () => {
  const env = simEnv();
  let made = 0;
  const run = numbers(1000)
    .map((row) => (made++, row), { name: 'fast' })
    .mapBlocks(async (rows) => (await env.sleep(100), rows), { name: 'slow', maxConcurrency: 1 })
    .start({ env, budget: { cpu: 2 } });
  const rows = run.collect();
  await env.advance(1000);
  expect(made).toBeLessThan(40);
  expect(run.snapshot().operators['fast']).toMatchObject({ state: 'backpressured' });
  expect(run.explain('fast').denial).toMatchObject({ limit: 'queue' });
  const cancelled = run.cancel();
  await env.drive(rows.catch(() => undefined));
  await env.drive(cancelled);
});

test('an explicit queue is kept', async () => {
  const env = simEnv();
  const most = { waiting: 0 };
  const run = numbers(50)
    .map((row) => row, { queue: { blocks: 2 }, name: 'first', input: { blocks: 1 } })
    .mapBlocks(async (rows) => (await env.sleep(10), rows), { maxConcurrency: 1, name: 'second' })
    .start({
      env,
      budget: { cpu: 4 },
      onEvent: (event) => {
        // The first events come before there is a run to ask.
        if (event.type !== 'blocks.moved') return;
        most.waiting = Math.max(most.waiting, run.snapshot().operators['second']?.in ?? 0);
      },
    });
  await env.drive(run.collect());
  expect(most.waiting).toBe(2);
});

test('F39: if nothing can run within the budget, exactly one task runs over it', async () => {
  const env = simEnv();
  // Both tasks of `make` hold for bytes; `eat` could free some, but there is no core left for it.
  const run = pipeline('liveness')
    .from([1, 2], { rowsPerBlock: 1 })
    .mapBlocks(
      function* () {
        for (let index = 0; index < 50; index++) yield [new Uint8Array(100)];
      },
      { name: 'make' },
    )
    .mapBlocks(async (rows) => (await env.sleep(1), rows.map((row) => row.length)), { name: 'eat' })
    .start({ env, budget: { cpu: 2, blockBytes: 1000 } });
  expect(await env.drive(run.collect())).toEqual(Array(100).fill(100));
});

test.each([
  ['leastMemory', leastMemory],
  ['mostDownstream', mostDownstream],
  ['fair', fair],
])('ranking %s runs a pipeline to its end', async (_, ranking) => {
  const env = simEnv();
  const run = numbers(50)
    .mapBlocks(gauge(env, 3).transform, { resources: { cpu: 1, memory: 2 } })
    .mapBlocks(gauge(env, 5).transform, { resources: { cpu: 1, memory: 1 } })
    .start({ env, ranking, budget: { cpu: 3, memory: 6 } });
  expect(await env.drive(run.collect())).toHaveLength(50);
});

test('a ranking of one’s own decides who goes first', async () => {
  const env = simEnv();
  const events: RunEvent[] = [];
  const [left, right] = numbers(20).tee();
  const run = left
    .mapBlocks(gauge(env, 10).transform, { name: 'last' })
    .union(right.mapBlocks(gauge(env, 10).transform, { name: 'first' }))
    .start({
      env,
      budget: { cpu: 1 },
      ranking: (candidates) =>
        [...candidates].sort((a, b) => Number(b.name === 'first') - Number(a.name === 'first')),
      onEvent: (event) => events.push(event),
    });
  await env.drive(run.collect());
  const order = events.flatMap((event) =>
    event.type === 'task.started' && event.operator !== 'source' ? [event.operator] : [],
  );
  expect(order.indexOf('last')).toBeGreaterThan(6);
});

test('a ranking that throws fails the run with its error', async () => {
  const env = simEnv();
  const [left, right] = numbers(5).tee();
  const run = left
    .map((row) => row)
    .union(right.map((row) => row))
    .start({
      env,
      ranking: () => {
        throw new Error('no idea');
      },
    });
  await expect(env.drive(run.collect())).rejects.toThrow('the ranking policy failed: no idea');
  await env.advance();
  expect(run.snapshot().blockBytes.live).toBe(0);
});
