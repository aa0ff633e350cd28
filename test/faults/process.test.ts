/** Faults of the process and of time. The ids are those of the table in docs/reliability.md. */
import { expect, test } from 'vitest';
import { pipeline, type Env, type Flow } from '../../src/index.ts';
import { simEnv } from '../../src/testing.ts';
import { remainsOf } from '../simulation/remains.ts';
import { program } from '../cli/child.ts';
import { ended, numbers, sorted } from './support.ts';

test.each([3_600_000, -3_600_000])(
  'F29: a clock that jumps by %i ms makes no time-outs and no shares that do not add up',
  async (jump) => {
    const sim = simEnv();
    let reads = 0;
    let offset = 0;
    const env: Env = {
      ...sim,
      now: () => {
        if (++reads % 50 === 0) offset += jump;
        return sim.now() + offset;
      },
    };
    const run = pipeline('jumps')
      .from(numbers(40), { rowsPerBlock: 1 })
      .map(
        async (row) => {
          await sim.sleep(5);
          return row;
        },
        { name: 'work', timeout: 50 },
      )
      .start({ env, budget: { cpu: 2 } });
    expect(sorted(await sim.drive(run.collect()))).toEqual(numbers(40));
    const { shares, retried } = (await run.done).operators['work'] ?? { shares: {} };
    expect(retried).toBe(0);
    const parts = Object.values(shares);
    expect(parts.every((part) => part >= 0)).toBe(true);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(100);
    await sim.advance();
    expect(remainsOf(run, sim.pending())).toEqual([]);
  },
);

test('F30: a thread that was blocked for long fails no transform that is ready by then', async () => {
  const sim = simEnv();
  let blockedMs = 0;
  const env: Env = { ...sim, now: () => sim.now() + blockedMs };
  const run = pipeline('blocked')
    .from([1, 2], { rowsPerBlock: 1 })
    .map(
      async (row) => {
        await sim.sleep(49);
        // Somebody's synchronous work, while the timer of the other one was due.
        if (row === 1) blockedMs += 5000;
        return row;
      },
      { timeout: 50 },
    )
    .start({ env, budget: { cpu: 2 } });
  expect(sorted(await sim.drive(run.collect()))).toEqual([1, 2]);
});

test('F31: a chain of a hundred and fifty operators runs, without overflowing the stack', async () => {
  const { rows } = await ended((env) => {
    let flow: Flow<number> = pipeline('chain').from(numbers(3), { rowsPerBlock: 1 });
    for (let index = 0; index < 150; index++) flow = flow.map((row) => row + 1);
    return flow.start({ env, budget: { cpu: 8 } });
  });
  expect(sorted(rows)).toEqual([150, 151, 152]);
});

test('F31: a fan-out over two hundred branches runs, and comes together again', async () => {
  const { rows } = await ended((env) => {
    const [first, ...others] = pipeline('fan').from([1, 2]).tee(200);
    if (first === undefined) throw new Error('there is a branch');
    return first
      .union(...others)
      .map((row) => row)
      .start({ env });
  });
  expect(rows).toHaveLength(400);
});

test('a process ends by itself when its runs are over, however they ended', async () => {
  const { code, stdout, stderr } = await program('test/faults/fixtures/ends.ts').ended;
  const lines = ['3', 'TaskError: operator "fails" failed on block 0.0.0 (attempt 1): no'];
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([...lines, 'CancelledError', '']);
});
