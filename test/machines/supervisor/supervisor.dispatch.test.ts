import { describe, expect, test } from 'vitest';
import { RunError } from '../../../machines/errors.ts';
import type { OperatorView } from '../../../machines/operator/operator.protocol.ts';
import type { Plan } from '../../../machines/plan.ts';
import type { Decision, Grant } from '../../../machines/resource/ledger.ts';
import type { SupervisorContext } from '../../../machines/supervisor/supervisor.context.ts';
import { dispatch, request } from '../../../machines/supervisor/supervisor.dispatch.ts';
import { chain } from '../support/plans.ts';
import { desk } from '../support/supervisor.ts';

const waiting = (blocks: number): Partial<OperatorView> => ({
  queuedBlocks: blocks,
  queuedPerPort: [blocks],
  startable: blocks,
});

/** Whom the supervisor asks tokens and credit for, in which order. */
function asked(
  plan: Plan,
  views: readonly Partial<OperatorView>[],
  parts: Partial<SupervisorContext> = {},
) {
  const { context } = request(desk(plan, views, { demand: 100, ...parts }).context);
  return context?.asked ?? [];
}

function decided(parts: Partial<Decision>): { readonly type: 'resource.decision' } & Decision {
  const nothing = { grants: [], refusals: [], refillAt: undefined, liveBytes: 0 };
  return { type: 'resource.decision', ...nothing, ...parts };
}

function grantOf(parts: Partial<Grant>): Grant {
  const credit = { blocks: 1, bytes: 100 };
  return { holder: 1, token: 0, slot: undefined, credit, inputs: 1, forced: false, ...parts };
}

const refusal = (limit: string, holder = 1) => ({
  holder,
  slot: undefined,
  denial: { limit, asked: 1, free: 0, since: 50 },
});

describe('asking for tasks', () => {
  test('asks once for each task that could start, in one message', () => {
    const { context, read } = desk(chain({}, {}), [{}, waiting(3)], { demand: 100 });
    const step = request(context);
    expect(step.context?.asked).toHaveLength(3);
    expect(read(step.send)).toMatchObject([
      { to: 'resource', event: { type: 'resource.request', now: 50 } },
    ]);
    expect(step.context?.asked?.[0]).toEqual({
      holder: 1,
      needs: { cpu: 1000 },
      firstBytes: 100,
      blockBytes: 100,
      blocks: 1,
      inputs: 1,
      keepBytes: 0,
    });
  });

  test('shares what waits evenly over the tasks that start together, in full bundles', () => {
    const inputsOf = (startable: number, bundle: number, freeSlots = 4): unknown[] => {
      const view = { ...waiting(startable), bundle, freeSlots };
      return asked(chain({}, {}), [{}, view]).map(({ inputs }) => inputs);
    };
    expect(inputsOf(7, 64)).toEqual([7]);
    expect(inputsOf(8, 2)).toEqual([2, 2, 2, 2]);
    expect(inputsOf(5, 4)).toEqual([3, 2]);
    expect(inputsOf(9, 4, 2)).toEqual([4, 4]);
  });

  test('gives all threads something when little waits, in tasks of two milliseconds at least', () => {
    const inputsOf = (startable: number, bundle: number): unknown[] => {
      const view = { ...waiting(startable), bundle, freeSlots: 4 };
      const remote = chain({}, { taskMs: 8 });
      return asked(remote, [{}, view]).map(({ inputs }) => inputs);
    };
    expect(inputsOf(64, 64)).toEqual([16, 16, 16, 16]);
    expect(inputsOf(30, 64)).toEqual([15, 15]);
    expect(inputsOf(16, 64)).toEqual([16]);
    expect(inputsOf(300, 64)).toEqual([64, 64, 64, 64]);
    expect(inputsOf(3, 1)).toEqual([1, 1, 1]);
  });

  test('asks nothing when nothing waits', () => {
    const { context, read } = desk(chain({}, {}));
    const step = request(context);
    expect([step.context?.asked, read(step.send)]).toEqual([[], []]);
  });

  test('asks for one task beyond what the budget has free, to learn why', () => {
    expect(asked(chain({}, { slots: 99 }), [{}, { ...waiting(50), freeSlots: 99 }])).toHaveLength(
      5,
    );
  });

  test('asks for no more tasks than may run', () => {
    expect(asked(chain({}, { slots: 2 }), [{}, { ...waiting(50), freeSlots: 2 }])).toHaveLength(2);
  });

  test('follows the ranking policy, which sees each grant as if it were made', () => {
    const fewest = (views: readonly OperatorView[]): readonly OperatorView[] =>
      [...views].sort((a, b) => a.active - b.active);
    const plan = chain({}, {}, {});
    const order = asked(plan, [waiting(2), waiting(2), waiting(2)], { ranking: fewest });
    expect(
      order
        .map(({ holder }) => holder)
        .slice(0, 3)
        .sort(),
    ).toEqual([0, 1, 2]);
  });

  test('breaks ties in favour of who has started the fewest tasks', () => {
    const plan = chain({}, {}, {});
    const views = [{}, { ...waiting(1), done: 9 }, { ...waiting(1), done: 2 }];
    const order = asked(plan, views, { ranking: (candidates) => candidates });
    expect(order.map(({ holder }) => holder)).toEqual([2, 1]);
  });

  test('serves who has been passed over for long, even if the policy never would', () => {
    const plan = chain({}, {}, {});
    const views = [{}, waiting(1), waiting(1)];
    const last = asked(plan, views, { passedOver: [0, 0, 0] });
    expect(last[0]?.holder).toBe(2);
    const patient = asked(plan, views, { passedOver: [0, 6, 0] });
    expect(patient[0]?.holder).toBe(1);
  });

  test('counts who was passed over, and forgets it when it is served', () => {
    const { context } = desk(chain({}, {}, {}), [{}, waiting(1), waiting(1)], {
      demand: 100,
      passedOver: [4, 5, 3],
      budget: { resources: { cpu: { amount: 0 } }, blockBytes: 1000 },
    });
    // Operator 2 was served before operator 1, which came next.
    expect(request(context).context?.passedOver).toEqual([4, 0, 0]);
  });

  test.each<[string, () => never]>([
    [
      'throws',
      () => {
        throw new Error('no order');
      },
    ],
    ['returns nothing', () => [] as never],
    ['returns nonsense', () => [{ index: 77 }] as never],
  ])('ends the run when the policy %s', (_name, ranking) => {
    const { context, read } = desk(chain({}, {}, {}), [{}, waiting(1), waiting(1)], {
      demand: 100,
      ranking,
    });
    const step = request(context);
    expect(step.context?.ending).toMatchObject({ outcome: 'failed' });
    const { ending } = { ...context, ...step.context };
    expect(ending?.outcome === 'failed' && ending.failure.error).toBeInstanceOf(RunError);
    expect(read(step.send)).toEqual([]);
  });

  test('does not ask the policy when there is only one candidate', () => {
    const ranking = (): never => {
      throw new Error('asked');
    };
    expect(asked(chain({}, {}), [{}, waiting(1)], { ranking })).toHaveLength(1);
  });

  test('a sink asks for no bytes', () => {
    const sink = { kind: 'sink', route: { kind: 'all', routes: [] }, destinations: [] } as const;
    expect(asked(chain({}, sink), [{}, waiting(1)])).toMatchObject([{ firstBytes: 0, blocks: 0 }]);
  });

  test('a task asks for as many blocks as it should make, within the room behind it', () => {
    const many = { ...waiting(8), bundle: 8, outputRatio: 3, freeSlots: 1 };
    expect(asked(chain({}, { slots: 1 }), [{}, many])).toMatchObject([{ blocks: 24 }]);
    expect(asked(chain({}, { slots: 1 }), [{}, many], { demand: 0 })).toMatchObject([
      { blocks: 32 - 8 },
    ]);
    expect(asked(chain({}, { slots: 1 }), [{}, { ...many, outBlocks: 120 }])).toMatchObject([
      { blocks: 12 },
    ]);
  });

  test('a source asks for much, since nobody knows what it will make', () => {
    expect(asked(chain({ slots: 1 }, {}), [{ ...waiting(1), freeSlots: 1 }])).toMatchObject([
      { holder: 0, blocks: 8 },
    ]);
  });

  test('in ordered mode something stays free for the tasks that go before', () => {
    const plan = chain({}, { preserveOrder: true });
    expect(asked(plan, [{}, { ...waiting(1), active: 1, oldestTask: 0 }])).toMatchObject([
      { keepBytes: 100 },
    ]);
  });

  test('an operator without room behind it does not ask, and is told once why', () => {
    const views = [waiting(1), { ...waiting(99), freeSlots: 0, active: 4 }];
    const { context, read } = desk(chain({}, { slots: 4 }), views);
    const first = request(context);
    expect(read(first.send)).toMatchObject([
      { to: 'source', event: { type: 'operator.denied', denial: { limit: 'queue' } } },
      { to: 'work1', event: { type: 'operator.denied', denial: { limit: 'maxConcurrency' } } },
    ]);
    const second = request({ ...context, told: first.context?.told ?? [] });
    expect(read(second.send)).toEqual([]);
  });

  test('an operator whose blocks the consumer does not take waits for demand', () => {
    const { context, read } = desk(chain({}, {}), [{}, { ...waiting(1), outBlocks: 8 }]);
    expect(read(request(context).send)).toMatchObject([
      { to: 'work1', event: { denial: { limit: 'demand', asked: 1, free: 0, since: 50 } } },
    ]);
  });
});

describe('asking for credit', () => {
  const holding = (bytes: number, blocks = 1): Partial<OperatorView> => ({
    active: 1,
    freeSlots: 3,
    holding: [{ slot: 2, task: 7, missing: { blocks, bytes } }],
    oldestTask: 7,
  });

  test('comes before tasks, the most downstream operator first', () => {
    const plan = chain({}, {}, {});
    const order = asked(plan, [waiting(1), holding(0), holding(0)]);
    expect(order.map(({ holder, slot }) => [holder, slot])).toEqual([
      [2, 2],
      [1, 2],
      [0, undefined],
    ]);
  });

  test('counts what the task has left', () => {
    expect(asked(chain({}, {}), [{}, holding(-30)])).toMatchObject([{ firstBytes: 70 }]);
    expect(asked(chain({}, {}), [{}, holding(-300)])).toMatchObject([{ firstBytes: 0 }]);
  });

  test('asks for as many blocks as there is room for, up to a limit', () => {
    expect(asked(chain({}, {}), [{}, holding(0)], { demand: 2 })).toMatchObject([{ blocks: 10 }]);
    expect(asked(chain({}, {}), [{}, holding(0)])).toMatchObject([{ blocks: 64 }]);
  });

  test('does not ask when there is no room for another block', () => {
    const full = { ...holding(0), outBlocks: 8 };
    expect(
      asked(chain({}, {}), [{}, full], {
        demand: 0,
        consumer: { held: 1, waits: false, burying: 0 },
      }),
    ).toEqual([]);
  });

  test('asks for the bytes of a block that is made already, whatever the room', () => {
    const full = { ...holding(40, 0), creditBlocks: 8 };
    expect(asked(chain({}, {}), [{}, full], { demand: 0 })).toMatchObject([
      { firstBytes: 40, blocks: 0 },
    ]);
  });

  test('in ordered mode the oldest task goes first, and all others keep something free for it', () => {
    const views = [
      {},
      {
        active: 2,
        parkedBlocks: 3,
        oldestTask: 4,
        holding: [
          { slot: 0, task: 4, missing: { blocks: 1, bytes: 0 } },
          { slot: 1, task: 5, missing: { blocks: 1, bytes: 0 } },
        ],
      },
    ];
    const requests = asked(chain({}, { preserveOrder: true }), views, { demand: 0 });
    expect(requests[0]).toMatchObject({ slot: 0, blocks: 8, keepBytes: 0 });
    // What waits for its turn takes the room of all but the oldest.
    expect(requests).toHaveLength(1);
    const roomy = asked(chain({}, { preserveOrder: true }), views, { demand: 100 });
    expect(roomy[1]).toMatchObject({ slot: 1, keepBytes: 100 });
  });
});

describe('dispatching', () => {
  test('sends what was granted, with the blocks each task should take', () => {
    const { context, read, self } = desk(chain({}, {}), [{}, { ...waiting(5), bundle: 2 }]);
    const credit = { blocks: 2, bytes: 200 };
    const grants = [grantOf({ credit, inputs: 2 }), grantOf({ credit, inputs: 2, token: 1 })];
    const step = dispatch(context, decided({ grants }), self);
    expect(read(step.send)).toEqual([
      {
        to: 'work1',
        event: {
          type: 'operator.dispatch',
          grants: [
            { token: 0, credit, blocks: 2 },
            { token: 1, credit, blocks: 2 },
          ],
          denial: undefined,
          now: 50,
        },
      },
    ]);
    expect(step.context?.views?.[1]).toMatchObject({
      active: 2,
      freeSlots: 2,
      startable: 1,
      creditBlocks: 4,
    });
    expect(step.context).toMatchObject({ asked: [], fruitless: 0 });
  });

  test('gives a task no more blocks than it has credit for', () => {
    const view = { ...waiting(8), bundle: 8, outputRatio: 2 };
    const { context, read, self } = desk(chain({}, {}), [{}, view]);
    const credit = { blocks: 6, bytes: 600 };
    const step = dispatch(context, decided({ grants: [grantOf({ credit, inputs: 8 })] }), self);
    expect(read(step.send)).toMatchObject([{ event: { grants: [{ blocks: 3 }] } }]);
    const one = dispatch(context, decided({ grants: [grantOf({ inputs: 8 })] }), self);
    expect(read(one.send)).toMatchObject([{ event: { grants: [{ blocks: 1 }] } }]);
  });

  test('tells with the grants why there are no more', () => {
    const { context, read, self } = desk(chain({}, {}), [{}, waiting(5)]);
    const decision = decided({ grants: [grantOf({})], refusals: [refusal('cpu')] });
    expect(read(dispatch(context, decision, self).send)).toMatchObject([
      { to: 'work1', event: { type: 'operator.dispatch', denial: { limit: 'cpu' } } },
    ]);
  });

  test('tells who was refused, once for each limit', () => {
    const { context, read, self } = desk(chain({}, {}), [{ active: 1, freeSlots: 3 }, waiting(5)]);
    const first = dispatch(context, decided({ refusals: [refusal('cpu')] }), self);
    expect(read(first.send)).toMatchObject([
      { to: 'work1', event: { type: 'operator.denied', denial: { limit: 'cpu' } } },
    ]);
    const after = { ...context, ...first.context };
    expect(dispatch(after, decided({ refusals: [refusal('cpu')] }), self).send).toEqual([]);
    expect(dispatch(after, decided({ refusals: [refusal('memory')] }), self).send).toHaveLength(1);
  });

  test('sends credit to the tasks it was asked for', () => {
    const holding = [
      { slot: 2, task: 7, missing: { blocks: 1, bytes: 0 } },
      { slot: 3, task: 8, missing: { blocks: 1, bytes: 0 } },
    ];
    const { context, read, self } = desk(chain({}, {}), [{}, { active: 2, holding }], {
      demand: 100,
    });
    const grant = grantOf({ token: undefined, slot: 2 });
    const step = dispatch(context, decided({ grants: [grant] }), self);
    expect(read(step.send)).toEqual([
      {
        to: 'work1',
        event: {
          type: 'operator.credit',
          grants: [{ slot: 2, task: 7, credit: { blocks: 1, bytes: 100 } }],
        },
      },
    ]);
    expect(step.context?.views?.[1]).toMatchObject({ holding: [{ slot: 3 }], creditBlocks: 1 });
  });

  test('tells why a task still holds, even when the operator knew the limit: credit made it forget', () => {
    const holding = [
      { slot: 0, task: 7, missing: { blocks: 1, bytes: 0 } },
      { slot: 1, task: 8, missing: { blocks: 1, bytes: 0 } },
    ];
    const { context, read, self } = desk(chain({}, {}), [{}, { active: 2, holding }], {
      demand: 100,
      told: [undefined, 'blockBytes'],
    });
    const decision = decided({
      grants: [grantOf({ token: undefined, slot: 0 })],
      refusals: [refusal('blockBytes')],
    });
    expect(read(dispatch(context, decision, self).send)).toMatchObject([
      { event: { type: 'operator.credit' } },
      { event: { type: 'operator.denied', denial: { limit: 'blockBytes' } } },
    ]);
  });

  test('is woken when a refused rate has refilled', () => {
    const { context, read, self } = desk(chain({}, {}), [{}, waiting(1)]);
    const decision = decided({ refusals: [refusal('calls')], refillAt: 170 });
    const step = dispatch(context, decision, self);
    expect(read(step.send)).toMatchObject([
      { to: 'work1' },
      {
        to: 'clock',
        event: { type: 'clock.wake', delay: 120, event: { type: 'resource.refilled' } },
      },
    ]);
    expect(step.context).toMatchObject({ refilling: true, asked: [] });
  });

  test('forces one task when nothing was granted, nothing runs, and something waits', () => {
    const { context, read, self } = desk(chain({}, {}), [{}, waiting(1)], {
      demand: 4,
      consumer: { held: 0, waits: true, burying: 0 },
    });
    const step = dispatch(context, decided({ refusals: [refusal('cpu')] }), self);
    expect(step.context?.asked).toMatchObject([{ holder: 1, forced: true }]);
    expect(read(step.send).at(-1)).toMatchObject({
      to: 'resource',
      event: { type: 'resource.request', requests: [{ forced: true }] },
    });
  });

  test('does not force twice in one cycle', () => {
    const { context, self } = desk(chain({}, {}), [{}, waiting(1)], {
      demand: 4,
      consumer: { held: 0, waits: true, burying: 0 },
    });
    const first = dispatch(context, decided({ refusals: [refusal('calls')] }), self);
    const after = { ...context, ...first.context };
    const second = dispatch(after, decided({ refusals: [refusal('calls')] }), self);
    expect(second.context).toMatchObject({ asked: [], fruitless: 1 });
  });
});
