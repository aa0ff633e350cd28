import { describe, expect, test } from 'vitest';
import { StallError } from '../../../machines/errors.ts';
import type { OperatorView } from '../../../machines/operator/operator.protocol.ts';
import type { OperatorPlan, Plan } from '../../../machines/plan.ts';
import type { SupervisorContext } from '../../../machines/supervisor/supervisor.context.ts';
import { keepAlive } from '../../../machines/supervisor/supervisor.liveness.ts';
import { chain, operatorPlan, to } from '../support/plans.ts';
import { BLOCK_BYTES, desk } from '../support/supervisor.ts';

const waiting = (blocks = 1): Partial<OperatorView> => ({
  queuedBlocks: blocks,
  queuedPerPort: [blocks],
  startable: blocks,
});
const holding = (bytes: number, blocks = 1): Partial<OperatorView> => ({
  active: 1,
  holding: [{ slot: 0, task: 3, missing: { blocks, bytes } }],
  oldestTask: 3,
});
/** A consumer that waits for more. */
const hungry = { consumer: { held: 0, waits: true, burying: 0 }, demand: 4 };

function forced(
  plan: Plan,
  views: readonly Partial<OperatorView>[],
  parts: Partial<SupervisorContext> = {},
) {
  return keepAlive(desk(plan, views, { ...hungry, ...parts }).context).context?.asked;
}

describe('when something waits and nothing runs', () => {
  test('the most downstream operator that could start gets one task, by force', () => {
    expect(forced(chain({}, {}, {}), [waiting(), waiting(5), waiting(3)])).toEqual([
      {
        holder: 2,
        needs: { cpu: 1000 },
        firstBytes: 100,
        blockBytes: 100,
        blocks: 1,
        forced: true,
      },
    ]);
  });

  test('a task that holds gets one block, before another one starts', () => {
    const view = { ...waiting(), ...holding(-30) };
    expect(forced(chain({}, {}), [{}, view])).toEqual([
      { holder: 1, slot: 0, firstBytes: 70, blockBytes: 100, blocks: 1, forced: true },
    ]);
  });

  test('a task that holds a finished block back gets the bytes that are missing', () => {
    expect(forced(chain({}, {}), [{}, holding(40, 0)])).toMatchObject([{ firstBytes: 40 }]);
  });

  test('a sink needs no bytes', () => {
    const sink = { kind: 'sink', route: { kind: 'all', routes: [] }, destinations: [] } as const;
    expect(forced(chain({}, sink), [{}, waiting()])).toMatchObject([{ holder: 1, firstBytes: 0 }]);
  });

  test('a flush that waits counts as well', () => {
    expect(forced(chain({}, { serial: true }), [{}, { wantsFlush: true }])).toMatchObject([
      { holder: 1 },
    ]);
  });

  test('who has no room behind it is left out, unless the limit is one of our own', () => {
    const full = [waiting(), { ...waiting(99), freeSlots: 0 }];
    expect(forced(chain({}, {}), full)).toMatchObject([{ holder: 0 }]);
    expect(forced(chain({ queueBlocks: 4 }, {}), full)).toEqual([]);
  });

  test('who waits for the consumer is left out', () => {
    const views = [waiting(), { ...waiting(), outBlocks: 99 }];
    expect(forced(chain({}, {}), views)).toMatchObject([{ holder: 0 }]);
  });

  test('a source is left out while the budget of bytes is overdrawn', () => {
    expect(forced(chain({}, {}), [waiting()], { liveBytes: BLOCK_BYTES })).toMatchObject([
      { holder: 0 },
    ]);
    expect(forced(chain({}, {}), [waiting()], { liveBytes: BLOCK_BYTES + 1 })).toEqual([]);
  });

  test('anybody else is not', () => {
    expect(forced(chain({}, {}), [{}, waiting()], { liveBytes: 2 * BLOCK_BYTES })).toMatchObject([
      { holder: 1 },
    ]);
  });

  test('a consumer that has nothing, and for which nothing is ready, is no reason to wait', () => {
    const consumer = { held: 0, waits: false, burying: 0 };
    // What is ready for another operator is not for the consumer.
    const views = [{ outBlocks: 2 }, waiting(), {}];
    expect(forced(chain({}, {}, {}), views, { consumer })).toMatchObject([{ holder: 1 }]);
    expect(forced(chain({}, {}), [{}, waiting()], { consumer })).toMatchObject([{ holder: 1 }]);
  });

  test('of several that are as far downstream the first one goes on, wherever it stands', () => {
    const depths = chain({ depth: 2 }, { depth: 0 }, { depth: 0 }, { depth: 1 });
    const all = [waiting(), waiting(), waiting(), waiting()];
    expect(forced(depths, all)).toMatchObject([{ holder: 1 }]);
  });

  test('who runs as many tasks as it may is left out', () => {
    const plan = chain({}, { slots: 1 });
    expect(forced(plan, [{}, { ...waiting(), freeSlots: 0 }])).toEqual([]);
  });
});

describe('nothing is forced', () => {
  test.each<[string, readonly Partial<OperatorView>[], Partial<SupervisorContext>]>([
    ['while somebody runs', [{}, { ...waiting(), active: 1 }], {}],
    ['while the run is paused', [{}, waiting()], { paused: true }],
    ['while a rate is about to refill', [{}, waiting()], { refilling: true }],
    [
      'while blocks are on their way to the disk',
      [{}, waiting()],
      { spill: { ...desk(chain({}, {})).context.spill, writing: 1 } },
    ],
    ['when nothing waits', [{}, {}], {}],
    [
      'while the consumer has blocks and does not ask for more',
      [{}, waiting()],
      { consumer: { held: 1, waits: false, burying: 0 } },
    ],
    [
      'while dead letters keep blocks',
      [{}, waiting()],
      { consumer: { held: 0, waits: true, burying: 1 } },
    ],
    [
      'while blocks are ready for a consumer that does not ask',
      [waiting(), { outBlocks: 1 }],
      { consumer: { held: 0, waits: false, burying: 0 } },
    ],
  ])('%s', (_name, views, parts) => {
    const { context } = desk(chain({}, {}), views, { ...hungry, fruitless: 2, ...parts });
    expect(keepAlive(context)).toEqual({ context: { asked: [], fruitless: 0 } });
  });
});

describe('a stall', () => {
  /** A source that may not go on, because a batch keeps more than the budget allows. */
  const plan: Plan = {
    name: 'stalled',
    operators: [
      operatorPlan({ index: 0, name: 'source', kind: 'source', route: to(1), depth: 1 }),
      operatorPlan({ index: 1, name: 'zip', ports: 2, serial: true }),
    ],
  };
  const views = [waiting(), { queuedBlocks: 2, queuedPerPort: [2, 0] }];
  const overdrawn = { ...hungry, liveBytes: 2_000_000 };

  test('is declared after cycles in which nothing happened, not at once', () => {
    let { context } = desk(plan, views, overdrawn);
    for (let cycle = 1; cycle <= 2; cycle++) {
      const step = keepAlive(context);
      expect(step.context).toEqual({ asked: [], fruitless: cycle, stirred: true });
      context = { ...context, ...step.context };
    }
    const { ending } = { ...context, ...keepAlive(context).context };
    expect(ending).toMatchObject({ outcome: 'failed', operator: 1 });
    if (ending?.outcome !== 'failed') throw new Error('it did not fail');
    expect(ending.failure.error).toBeInstanceOf(StallError);
    expect((ending.failure.error as StallError).waiting).toEqual([
      'zip waits for more input, and keeps 2 blocks until then',
      'source waits for 100 of the 1000000 blockBytes, of which 2000000 are in use',
    ]);
  });

  test('is what follows when even a forced request was refused', () => {
    const { context } = desk(chain({}, {}), [{}, waiting()], { ...hungry, fruitless: 2 });
    expect(keepAlive(context, true).context?.ending).toMatchObject({ outcome: 'failed' });
    expect(keepAlive(context, false).context?.ending).toBeUndefined();
  });

  test('says who waits for room', () => {
    const stalled = chain({ queueBlocks: 1 }, {
      needs: { cpu: 1000 },
    } satisfies Partial<OperatorPlan>);
    const { context } = desk(stalled, [waiting(), { ...waiting(1), freeSlots: 0 }], {
      ...hungry,
      fruitless: 2,
    });
    const { ending } = { ...context, ...keepAlive(context).context };
    if (ending?.outcome !== 'failed') throw new Error('it did not fail');
    expect((ending.failure.error as StallError).waiting).toContain(
      'source waits for room in the queues behind it',
    );
  });
});
