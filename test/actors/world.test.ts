import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import { simEnv, type SimEnv } from '../../actors/sim-env.ts';
import { blocksSource } from '../../actors/sources.ts';
import { createWorld, storeUsage } from '../../actors/world.ts';
import type { TransformContext } from '../../actors/transform.ts';
import type { DeadLetter } from '../../machines/hands.protocol.ts';
import { mostDownstream } from '../../machines/ranking.ts';
import type { OperatorPlan } from '../../machines/plan.ts';
import { chain } from '../machines/support/plans.ts';
import { programOf } from './support/runner.ts';

type Work = (rows: number[], context: TransformContext) => unknown;

/** A source of three blocks, one operator, and the world they live in. */
function start(
  work: (env: SimEnv) => Work,
  {
    plan = {},
    parts = {},
  }: { plan?: Partial<OperatorPlan>; parts?: Parameters<typeof programOf>[1] } = {},
) {
  const env = simEnv();
  const buried: [DeadLetter, readonly unknown[]][] = [];
  const world = createWorld({
    env,
    name: 'demo',
    spillingStore: undefined,
    blockBytes: 1_000_000,
    programs: [
      programOf(blocksSource([[1], [2], [3]]), { index: 0, name: 'source' }),
      programOf(work(env), { index: 1, name: 'work', ...parts }),
    ],
    onDeadLetter: (letter, rows) => {
      buried.push([letter, rows]);
    },
    onLog: () => undefined,
    onProgress: () => undefined,
  });
  const actor = createActor(world.machine, {
    input: {
      plan: chain({}, { name: 'work', ...plan }),
      budget: { resources: { cpu: { amount: 2000 } }, blockBytes: 10_000 },
      ranking: mostDownstream,
      now: 0,
    },
  });
  actor.start();
  const { store } = actor.getSnapshot().context.staff;
  return { env, world, actor, buried, usage: () => storeUsage(store) };
}

describe('the world of a run', () => {
  test('gives the charts hands: what they ask for happens', async () => {
    const { env, world, actor, usage } = start(() => (rows) => rows.map((row) => 2 * row));
    world.outlet.consume({ kind: 'pull' });
    const rows: unknown[] = [];
    for (let block = 0; block < 3; block++) {
      const ref = await env.drive(Promise.resolve(world.outlet.take()));
      if (ref === undefined) throw new Error('a block is missing');
      rows.push(...world.store.get(ref).rows);
      world.outlet.release(ref);
    }
    expect(await env.drive(Promise.resolve(world.outlet.take()))).toBeUndefined();
    await env.advance();
    expect(rows.sort()).toEqual([2, 4, 6]);
    expect(actor.getSnapshot()).toMatchObject({ status: 'done', value: 'done' });
    expect(usage()).toMatchObject({ blocks: 0, bytes: 0 });
    expect(usage().peakBytes).toBeGreaterThan(0);
  });

  test('tells the supervisor when blocks are let go of, so that the run goes on', async () => {
    const { env, world, actor } = start(() => (rows) => rows);
    world.outlet.consume({ kind: 'drain' });
    await env.advance();
    expect(actor.getSnapshot().status).toBe('done');
  });

  test('hands out dead letters with their rows', async () => {
    const { env, world, buried, usage } = start(
      () => () => {
        throw new Error('bad');
      },
      { plan: { onError: 'deadLetter' } },
    );
    world.outlet.consume({ kind: 'drain' });
    await env.advance();
    expect(buried.map(([letter, rows]) => [letter.lineage, rows])).toEqual([
      ['0.0', [1]],
      ['0.1', [2]],
      ['0.2', [3]],
    ]);
    expect(usage().blocks).toBe(0);
  });

  test('hands out single rows that were given up', async () => {
    const { env, world, buried } = start(() => (rows) => rows, {
      parts: {
        onRowError: 'deadLetter',
        transform: {
          kind: 'blocks',
          call: (rows: number[], _context, errors) => {
            errors.handle(new Error('bad'), rows[0], 0);
            return [];
          },
        },
      },
    });
    world.outlet.consume({ kind: 'drain' });
    await env.advance();
    expect(buried.map(([letter, rows]) => [letter.row, rows])).toEqual([
      [0, [1]],
      [0, [2]],
      [0, [3]],
    ]);
  });
});

describe('a world that is disposed of', () => {
  test('in the middle of a run stops what runs, and leaves no block and no timer', async () => {
    const signals: AbortSignal[] = [];
    const { env, world, actor, usage } = start((sim) => async (rows, { signal }) => {
      signals.push(signal);
      await sim.sleep(100);
      return rows;
    });
    world.outlet.consume({ kind: 'pull' });
    const waiting = Promise.resolve(world.outlet.take());
    await env.advance(50);
    actor.stop();
    void world.dispose('gone');
    expect(await env.drive(waiting)).toBeUndefined();
    expect(signals.map(({ reason }) => reason as unknown)).toEqual(['gone', 'gone']);
    await env.advance();
    expect(usage()).toMatchObject({ blocks: 0, bytes: 0 });
    expect(env.pending()).toBe(0);
  });

  test('after the end of its run leaves to the consumer what was delivered', async () => {
    const { env, world } = start(() => (rows) => rows);
    world.outlet.consume({ kind: 'pull' });
    await env.advance();
    void world.dispose('gone');
    const ref = await env.drive(Promise.resolve(world.outlet.take()));
    expect(ref === undefined ? undefined : world.store.get(ref).numRows).toBe(1);
  });
});

test('an actor that is no store has nothing', () => {
  const { actor } = start(() => (rows) => rows);
  expect(storeUsage(actor as never)).toMatchObject({ blocks: 0, bytes: 0, peakBytes: 0 });
});
