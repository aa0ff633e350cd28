/** The program this design grew from: two operators, four blocks, a budget of three. */
import { expect, test } from 'vitest';
import { pipeline, type RunEvent } from '../../src/index.ts';
import { simEnv } from '../../src/testing.ts';

const blocks = [
  [1, 2, 3],
  [4, 5, 6],
  [7, 8, 9],
  [10, 11, 12],
];
const perTask = { resources: { cpu: 1, memory: 1000 }, maxConcurrency: 2 };

function start() {
  const env = simEnv();
  const events: RunEvent[] = [];
  const run = pipeline('demo')
    .fromBlocks(blocks)
    .mapBlocks(
      async function* (rows) {
        await env.sleep(100);
        yield rows.map((x) => x * 2);
      },
      { name: 'MultiplyOperator', ...perTask },
    )
    .mapBlocks(
      async function* (rows) {
        await env.sleep(100);
        yield rows.map((x) => x + 10);
      },
      { name: 'AddOperator', ...perTask },
    )
    .start({ env, budget: { cpu: 3, memory: 3000 }, onEvent: (event) => events.push(event) });
  return { env, run, events };
}

test('yields 2 * x + 10 for every x, block by block', async () => {
  const { env, run } = start();
  const yielded = new Map<string, readonly number[]>();
  await env.drive(
    (async () => {
      for await (const block of run.blocks()) yielded.set(block.lineage, block.rows);
    })(),
  );
  const expected = blocks.map((rows, index) => [
    `0.${String(index)}.0.0`,
    rows.map((x) => 2 * x + 10),
  ]);
  expect([...yielded].sort()).toEqual(expected);
});

test('never runs more than three tasks at once, and overlaps the two operators', async () => {
  const { env, run, events } = start();
  await env.drive(run.collect());
  let active = 0;
  let most = 0;
  for (const event of events) {
    if (!('operator' in event) || event.operator === 'source') continue;
    if (event.type === 'task.started') most = Math.max(most, ++active);
    if (event.type === 'task.ended') active -= 1;
  }
  expect(most).toBe(3);
  expect(active).toBe(0);
  const firstAdd = events.findIndex(
    (event) => event.type === 'task.started' && event.operator === 'AddOperator',
  );
  const lastMultiply = events.findLastIndex(
    (event) => event.type === 'task.ended' && event.operator === 'MultiplyOperator',
  );
  expect(firstAdd).toBeGreaterThan(0);
  expect(firstAdd).toBeLessThan(lastMultiply);
});

test('takes four rounds of 100 ms: no slot waits for a poll', async () => {
  const { env, run } = start();
  await env.drive(run.collect());
  expect(env.now()).toBe(400);
});

test("status() has the seed's format, without the source", async () => {
  const { env, run } = start();
  const rows = run.collect();
  await env.advance(150);
  expect(run.status()).toBe(
    'MultiplyOperator[in=1 act=1 out=0 done=2] | AddOperator[in=0 act=2 out=0 done=0]',
  );
  await env.drive(rows);
  expect(run.status()).toBe(
    'MultiplyOperator[in=0 act=0 out=0 done=4] | AddOperator[in=0 act=0 out=0 done=4]',
  );
});

test('every token that is granted comes back once', async () => {
  const { env, run, events } = start();
  await env.drive(run.collect());
  const granted = events.flatMap((event) => (event.type === 'token.granted' ? [event.token] : []));
  const released = events.flatMap((event) =>
    event.type === 'token.released' ? [event.token] : [],
  );
  expect(granted).toHaveLength(9);
  expect(new Set(granted).size).toBe(9);
  expect(released.sort()).toEqual(granted.sort());
  expect(run.snapshot().resources).toEqual({
    cpu: { total: 3, used: 0 },
    memory: { total: 3000, used: 0 },
  });
});
