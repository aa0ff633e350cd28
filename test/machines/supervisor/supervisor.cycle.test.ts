import { describe, expect, test } from 'vitest';
import { noSpill } from '../../../machines/hands.protocol.ts';
import type { OperatorView } from '../../../machines/operator/operator.protocol.ts';
import {
  CONSUMER,
  NOWHERE,
  type OperatorPlan,
  type Plan,
  type Route,
} from '../../../machines/plan.ts';
import {
  nothingLoosened,
  type Report,
  type SupervisorContext,
} from '../../../machines/supervisor/supervisor.context.ts';
import {
  complete,
  poll,
  takeConsumer,
  takeFreed,
  takeReport,
  transfer,
} from '../../../machines/supervisor/supervisor.cycle.ts';
import { askForCycle } from '../../../machines/supervisor/supervisor.ending.ts';
import { blockRefs } from '../support/blocks.ts';
import { chain, operatorPlan, to } from '../support/plans.ts';
import { desk } from '../support/supervisor.ts';
import { viewOf } from '../support/views.ts';

function planOf(...operators: readonly Partial<OperatorPlan>[]): Plan {
  return {
    name: 'plan',
    operators: operators.map((parts, index) =>
      operatorPlan({ index, name: `work${String(index)}`, ...parts }),
    ),
  };
}

describe('polling', () => {
  /** The room each operator is polled with, by name. */
  function rooms(
    plan: Plan,
    views: readonly Partial<OperatorView>[],
    parts: Partial<SupervisorContext>,
  ): Record<string, unknown> {
    const { context, self, read } = desk(plan, views, parts);
    const { send } = poll(context, { type: 'cycle', now: 60 }, self);
    const polls = read(send).filter(({ event }) => event.type === 'operator.poll');
    return Object.fromEntries(
      polls.map(({ to: name, event }) => [name, (event as { room?: number }).room]),
    );
  }

  test('asks those that have changed, the store and the outlet, and awaits them all', () => {
    const { context, self, read } = desk(chain({}, {}, {}), [], { changed: [1], stirred: true });
    const step = poll(context, { type: 'cycle', now: 60 }, self);
    expect(read(step.send)).toMatchObject([
      { to: 'work1', event: { type: 'operator.poll', room: 8, now: 60 } },
      { to: 'store', event: { type: 'store.poll' } },
      { to: 'outlet', event: { type: 'outlet.poll' } },
    ]);
    expect(step.context).toMatchObject({
      now: 60,
      cycles: 1,
      changed: [],
      stirred: false,
      cycleAsked: false,
      awaited: 3,
    });
  });

  test('asks those with outputs for which there is room by now', () => {
    const views = [{ outBlocks: 3 }, { queuedBlocks: 7, queuedPerPort: [7] }];
    expect(rooms(chain({}, {}), views, {})).toEqual({ source: 1 });
  });

  test('does not ask those with outputs for which there is no room', () => {
    const views = [{ outBlocks: 3 }, { queuedBlocks: 8, queuedPerPort: [8] }];
    expect(rooms(chain({}, {}), views, {})).toEqual({});
    expect(rooms(chain({}, {}), views, { changed: [0] })).toEqual({ source: 0 });
  });

  test('operators that feed one port share its room, and take turns at what is left over', () => {
    const plan = planOf({ route: to(2) }, { route: to(2) }, {});
    const views = [{ outBlocks: 9 }, { outBlocks: 9 }, { queuedPerPort: [3] }];
    expect(rooms(plan, views, { cycles: 0 })).toEqual({ work0: 3, work1: 2 });
    expect(rooms(plan, views, { cycles: 1 })).toEqual({ work0: 2, work1: 3 });
  });

  test('an operator whose branches meet again at one port counts its blocks twice', () => {
    const plan = planOf(
      { route: { kind: 'all', routes: [to(1), to(1)] }, destinations: [to(1), to(1)] as never },
      {},
    );
    expect(rooms(plan, [{ outBlocks: 9 }], {})).toEqual({ work0: 4 });
  });
});

describe('a report', () => {
  const report = (parts: Partial<Report> = {}): Report => ({
    type: 'operator.report',
    operator: 1,
    view: viewOf(1, { done: 3 }),
    outputs: [],
    tokens: [],
    produced: 0,
    returned: 0,
    failure: undefined,
    laterErrors: [],
    counts: {} as Report['counts'],
    dropped: [],
    shares: {} as Report['shares'],
    ...parts,
  });

  test('brings a view, outputs to move, and what is to be settled', () => {
    const { context } = desk(chain({}, {}), [], { awaited: 2, fruitless: 2 });
    const event = report({ outputs: blockRefs(2), tokens: [4], produced: 20, returned: 5 });
    const step = takeReport(context, event);
    expect(step.context).toMatchObject({
      awaited: 1,
      fruitless: 0,
      arrived: [{ from: 1, refs: [{ id: 1 }, { id: 2 }] }],
      unsettled: [
        { holder: 1, tokens: [4], produced: 20, returned: 5, released: 0, closed: false },
      ],
    });
    expect(step.context?.views?.[1]?.done).toBe(3);
    expect(step.context?.reports?.[1]).toBe(event);
  });

  test.each<Partial<Report>>([{ tokens: [4] }, { produced: 20 }, { returned: 5 }])(
    'of %j alone is settled as well',
    (parts) => {
      const { context } = desk(chain({}, {}), [], { awaited: 1 });
      const step = takeReport(context, report(parts));
      expect(step.context?.unsettled).toMatchObject([{ holder: 1, ...parts }]);
    },
  );

  test('of the consumer is kept', () => {
    const { context } = desk(chain({}, {}), [], { awaited: 2 });
    const consumer = { held: 3, waits: true, burying: 1 };
    const step = takeConsumer(context, { type: 'outlet.report', ...consumer });
    expect(step.context).toEqual({ awaited: 1, consumer });
  });

  test('without anything to settle settles nothing', () => {
    const { context } = desk(chain({}, {}), [], { awaited: 1 });
    expect(takeReport(context, report()).context).toMatchObject({ arrived: [], unsettled: [] });
  });

  test('of a failure ends the run, unless it is ending already', () => {
    const failure = { error: new Error('no'), attempt: 1, lineage: '0' };
    const { context } = desk(chain({}, {}));
    expect(takeReport(context, report({ failure })).context?.ending).toEqual({
      outcome: 'failed',
      operator: 1,
      failure,
    });
    const ending = { outcome: 'cancelled', reason: 'enough' } as const;
    const other = takeReport({ ...context, ending }, report({ failure }));
    expect(other.context?.ending).toBeUndefined();
  });

  test('of freed bytes is settled with their producers', () => {
    const { context } = desk(chain({}, {}), [], { awaited: 1, fruitless: 1 });
    const released = new Map([
      [0, 30],
      [1, 12],
    ]);
    expect(
      takeFreed(context, { type: 'store.report', released, spill: noSpill }).context,
    ).toMatchObject({
      awaited: 0,
      fruitless: 0,
      unsettled: [
        { holder: 0, released: 30 },
        { holder: 1, released: 12 },
      ],
    });
    const nothing = takeFreed(context, {
      type: 'store.report',
      released: new Map(),
      spill: noSpill,
    });
    expect(nothing.context).toMatchObject({ fruitless: 1, unsettled: [] });
  });
});

describe('transferring', () => {
  test('sends one message to each receiver, with all that came for it', () => {
    const plan = planOf({ route: to(2) }, { route: to(2) }, {});
    const { context, read } = desk(plan, [], {
      arrived: [
        { from: 0, refs: blockRefs(2, 1) },
        { from: 1, refs: blockRefs(1, 5) },
      ],
    });
    const step = transfer(context);
    expect(read(step.send)).toMatchObject([
      {
        to: 'work2',
        event: { type: 'operator.input', port: 0, refs: [{ id: 1 }, { id: 2 }, { id: 5 }] },
      },
    ]);
    expect(step.context?.views?.[2]).toMatchObject({
      queuedBlocks: 3,
      queuedBytes: 30,
      queuedPerPort: [3],
      startable: 3,
    });
    expect(step.context?.arrived).toEqual([]);
  });

  test('keeps the ports of a receiver apart, and leaves it to the receiver whether it can start', () => {
    const plan = planOf({ route: to(2, 0) }, { route: to(2, 1) }, { ports: 2 });
    const { context, read } = desk(plan, [], {
      arrived: [
        { from: 0, refs: blockRefs(2, 1) },
        { from: 1, refs: blockRefs(1, 5) },
      ],
    });
    const step = transfer(context);
    expect(read(step.send)).toMatchObject([{ event: { port: 0 } }, { event: { port: 1 } }]);
    expect(step.context?.views?.[2]).toMatchObject({ queuedPerPort: [2, 1], startable: 0 });
  });

  test('delivers to the consumer, whose demand is less by that', () => {
    const { context, read } = desk(chain({}, {}), [], {
      demand: 5,
      arrived: [{ from: 1, refs: blockRefs(2) }],
    });
    const step = transfer(context);
    const [message] = read(step.send);
    expect(message).toMatchObject({ to: 'outlet', event: { type: 'outlet.deliver' } });
    expect(step.context?.demand).toBe(3);
  });

  test('gives copies their holders before anybody gets one', () => {
    const plan = planOf({ route: { kind: 'all', routes: [to(1), to(CONSUMER)] } }, {});
    const { context, read } = desk(plan, [], {
      demand: 5,
      arrived: [{ from: 0, refs: blockRefs(1) }],
    });
    expect(read(transfer(context).send).map(({ to: name, event }) => [name, event.type])).toEqual([
      ['store', 'store.retain'],
      ['work1', 'operator.input'],
      ['outlet', 'outlet.deliver'],
    ]);
  });

  test('does not count blocks as waiting for an operator that lets them go', () => {
    const { context } = desk(chain({}, {}), [{}, { satisfied: true }], {
      arrived: [{ from: 0, refs: blockRefs(2) }],
    });
    expect(transfer(context).context?.views?.[1]?.queuedBlocks).toBe(0);
  });

  test('does nothing when nothing came', () => {
    expect(transfer(desk(chain({}, {})).context).send).toEqual([]);
  });
});

describe('completing', () => {
  test('tells a port that nothing more comes when all who feed it are over, once', () => {
    const plan = planOf({ route: to(2) }, { route: to(2) }, {});
    const half = desk(plan, [{ over: true }], { closed: [0] });
    expect(half.read(complete(half.context).send)).toEqual([]);
    const both = desk(plan, [{ over: true }, { over: true }], { closed: [0, 1] });
    const step = complete(both.context);
    expect(both.read(step.send)).toEqual([
      { to: 'work2', event: { type: 'operator.inputsDone', port: 0, now: 50 } },
    ]);
    expect(complete({ ...both.context, ...step.context }).send).toEqual([]);
  });

  test('tells each port for itself, and whoever feeds a branch of it', () => {
    const copies: Route = { kind: 'all', routes: [to(2, 1), to(3)] };
    const plan = planOf({ route: to(2, 0) }, { route: copies }, { ports: 2 }, {});
    const left = desk(plan, [{ over: true }], { closed: [0] });
    expect(left.read(complete(left.context).send)).toEqual([
      { to: 'work2', event: { type: 'operator.inputsDone', port: 0, now: 50 } },
    ]);
    const right = desk(plan, [{}, { over: true }], { closed: [1] });
    expect(right.read(complete(right.context).send)).toEqual([
      { to: 'work2', event: { type: 'operator.inputsDone', port: 1, now: 50 } },
      { to: 'work3', event: { type: 'operator.inputsDone', port: 0, now: 50 } },
    ]);
  });

  test('never stops a sink, which nobody listens to', () => {
    const sink = { kind: 'sink', route: NOWHERE, destinations: [] } as const;
    expect(complete(desk(planOf({ route: to(1) }, sink), [{}, {}]).context).send).toEqual([]);
  });

  test('stops those behind first: what they let go of finds nobody who makes more', () => {
    const plan = chain({}, {}, {});
    const { context, read } = desk(plan, [{}, { satisfied: true }, { satisfied: true }]);
    expect(read(complete(context).send).map((letter) => letter.to)).toEqual(['work1', 'source']);
  });

  test('stops whom nobody listens to any more, once, and never who feeds the consumer', () => {
    const plan = chain({}, {}, {});
    const { context, read } = desk(plan, [{}, { satisfied: true }, {}]);
    const step = complete(context);
    expect(read(step.send)).toEqual([{ to: 'source', event: { type: 'operator.stop', now: 50 } }]);
    expect(complete({ ...context, ...step.context }).send).toEqual([]);
  });

  test('goes on for the one of several receivers that still wants more', () => {
    const plan = planOf({ route: { kind: 'all', routes: [to(1), to(2)] } }, {}, {});
    expect(complete(desk(plan, [{}, { satisfied: true }]).context).send).toEqual([]);
  });

  test('settles the accounts first, and closes those of operators that are over', () => {
    const unsettled = [
      { holder: 0, tokens: [3], produced: 1, returned: 0, released: 0, closed: false },
    ];
    const { context, read } = desk(chain({}, {}), [{ over: true }], { unsettled });
    const step = complete(context);
    expect(read(step.send)[0]).toMatchObject({
      to: 'resource',
      event: {
        type: 'resource.settle',
        settlements: [{ tokens: [3] }, { holder: 0, closed: true }],
      },
    });
    expect(step.context).toMatchObject({ unsettled: [], closed: [0] });
    expect(complete({ ...context, ...step.context }).send).not.toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({ type: 'resource.settle' }) as unknown,
      }),
    );
  });

  test('the run is done when every operator is over, unless it ends otherwise', () => {
    const { context } = desk(chain({}, {}), [{ over: true }, { over: true }]);
    expect(complete(context).context?.ending).toEqual({ outcome: 'done' });
    const ending = { outcome: 'cancelled', reason: 'enough' } as const;
    expect(complete({ ...context, ending }).context?.ending).toBe(ending);
    expect(complete(desk(chain({}, {}), [{ over: true }]).context).context?.ending).toBeUndefined();
  });
});

describe('another cycle', () => {
  const running = [{ active: 1 }];
  const freed = { ...nothingLoosened, bytes: true };
  const wanted = { ...nothingLoosened, demand: true };
  const waits = { ...nothingLoosened, consumer: true };
  test.each<[string, readonly Partial<OperatorView>[], Partial<SupervisorContext>, boolean]>([
    ['is asked for when an operator has changed', [], { changed: [0] }, true],
    ['is asked for when something else has', [], { stirred: true }, true],
    ['is asked for when bytes are free and nothing runs', [], { loosened: freed }, true],
    ['is not asked for when bytes are free and a task runs', running, { loosened: freed }, false],
    [
      'is asked for when bytes are free and somebody waits for them',
      running,
      { loosened: freed, told: [undefined, 'blockBytes'] },
      true,
    ],
    [
      'is not asked for when bytes are free and somebody waits for something else',
      running,
      { loosened: freed, told: ['queue', 'demand'] },
      false,
    ],
    ['is asked for when the consumer takes more and nothing runs', [], { loosened: wanted }, true],
    [
      'is not asked for when the consumer takes more and a task runs',
      running,
      { loosened: wanted },
      false,
    ],
    [
      'is asked for when the consumer takes more and somebody waits for that',
      running,
      { loosened: wanted, told: ['demand', undefined] },
      true,
    ],
    ['is asked for when the consumer waits and nothing runs', [], { loosened: waits }, true],
    [
      'is asked for when the consumer waits and all that runs waits for credit',
      [{ active: 1, holding: [{ slot: 0, task: 0, missing: { blocks: 1, bytes: 0 } }] }],
      { loosened: waits },
      true,
    ],
    [
      'is not asked for when the consumer waits and a task runs',
      running,
      { loosened: waits, told: ['demand', 'blockBytes'] },
      false,
    ],
    ['is asked for when outputs wait for which there is room', [{ outBlocks: 1 }], {}, true],
    ['is not asked for when there is no room for them', [{}, { outBlocks: 1 }], {}, false],
    ['is not asked for twice', [], { stirred: true, cycleAsked: true }, false],
    ['is not asked for without a reason', [], {}, false],
  ])('%s', (_name, views, parts, isAsked) => {
    const { context, self, read } = desk(chain({}, {}), views, parts);
    const step = askForCycle(context, undefined, self);
    expect(read(step.send)).toMatchObject(
      isAsked ? [{ to: 'clock', event: { type: 'clock.cycle' } }] : [],
    );
  });
});
