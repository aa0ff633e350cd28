import { describe, expect, test } from 'vitest';
import { createActor, fromCallback, type StateValue } from 'xstate';
import type { BlockRef } from '../../../machines/block.ts';
import type {
  ClockEvent,
  CycleEvent,
  OutletEvent,
  RunDelta,
  RunnerClosed,
  RunnerEvent,
  RunnerRun,
  StoreEvent,
} from '../../../machines/hands.protocol.ts';
import { noSpill } from '../../../machines/hands.protocol.ts';
import type { Plan } from '../../../machines/plan.ts';
import { mostDownstream, type RankingPolicy } from '../../../machines/ranking.ts';
import type { ResourceContext } from '../../../machines/resource/resource.machine.ts';
import { isSettled, type LedgerBudget } from '../../../machines/resource/ledger.ts';
import { supervisorMachine } from '../../../machines/supervisor/supervisor.machine.ts';
import type { Address } from '../../../machines/xstate.ts';
import { blockRef, blockRefs, idsOf } from '../support/blocks.ts';
import { chain } from '../support/plans.ts';

const BUDGET: LedgerBudget = { resources: { cpu: { amount: 2000 } }, blockBytes: 1000 };

interface Script {
  readonly plan?: Plan;
  readonly budget?: LedgerBudget;
  /** Blocks with one split each, for the source. */
  readonly splits?: number;
  /** What happens when sources and sinks are to be opened: they are, they cannot be, or nothing yet. */
  readonly opening?: 'opens' | 'refuses' | 'waits';
  readonly closing?: 'closes' | 'waits';
  readonly ranking?: RankingPolicy;
  /** What goes wrong at the end. */
  readonly failures?: RunnerClosed['failures'];
  readonly cancelled?: { readonly reason: unknown };
}

/**
 * A supervisor with real operators, tasks and ledger, whose hands are scripted: the test decides when
 * a cycle comes and what the runs of transforms say.
 */
function play({
  plan = chain({}, {}),
  budget = BUDGET,
  splits = 1,
  opening = 'opens',
  closing = 'closes',
  ranking = mostDownstream,
  failures = [],
  cancelled,
}: Script = {}) {
  const runs: RunnerRun[] = [];
  const cancels: number[] = [];
  const delivered: BlockRef[] = [];
  const released: number[] = [];
  const freed = new Map<number, number>();
  const cycles: Address<CycleEvent>[] = [];
  const closings: OutletEvent[] = [];
  const limits: number[] = [];
  const states: string[] = [];
  let nextId = 1000;

  const machine = supervisorMachine.provide({
    actors: {
      runner: fromCallback<RunnerEvent>(({ receive }) => {
        receive((event) => {
          if (event.type === 'runner.open' && opening === 'opens') {
            const refs = blockRefs(splits, 1, { producer: -1, sizeBytes: 0 });
            event.replyTo.send({ type: 'runner.opened', now: 0, splits: new Map([[0, refs]]) });
          }
          if (event.type === 'runner.open' && opening === 'refuses') {
            const error = new Error('cannot open');
            event.replyTo.send({ type: 'runner.refused', now: 3, operator: 1, error });
          }
          if (event.type === 'runner.run') runs.push(event);
          if (event.type === 'runner.cancel') cancels.push(event.run);
          if (event.type === 'runner.close' && closing === 'closes') {
            event.replyTo.send({ type: 'runner.closed', now: 99, failures });
          }
        });
      }),
      store: fromCallback<StoreEvent>(({ receive }) => {
        receive((event) => {
          if (event.type === 'store.release') {
            released.push(...idsOf(event.refs));
            for (const { producer, sizeBytes } of event.refs) {
              if (producer >= 0) freed.set(producer, (freed.get(producer) ?? 0) + sizeBytes);
            }
          }
          if (event.type === 'store.setLimit') limits.push(event.blockBytes);
          if (event.type === 'store.poll') {
            event.replyTo.send({
              type: 'store.report',
              released: new Map(freed),
              spill: noSpill,
            });
            freed.clear();
          }
        });
      }),
      clock: fromCallback<ClockEvent>(({ receive }) => {
        receive((event) => {
          if (event.type === 'clock.cycle') cycles.push(event.replyTo);
        });
      }),
      outlet: fromCallback<OutletEvent>(({ receive }) => {
        receive((event) => {
          if (event.type === 'outlet.poll') {
            event.replyTo.send({ type: 'outlet.report', held: 0, waits: true, burying: 0 });
          }
          if (event.type === 'outlet.deliver') delivered.push(...event.refs);
          if (event.type === 'outlet.close') {
            closings.push(event);
            event.replyTo?.send({ type: 'outlet.closed' });
          }
        });
      }),
    },
  });
  const actor = createActor(machine, {
    input: { plan, budget, ranking, now: 0, cancelled },
    inspect: (event) => {
      if (event.type !== '@xstate.microstep') return;
      if (event.actorRef.sessionId !== event.rootId) return;
      const name = nameOf((event.snapshot as unknown as { value: StateValue }).value);
      if (states.at(-1) !== name) states.push(name);
    },
  });
  actor.start();

  const runOf = (operator: number): RunnerRun => {
    const run = runs.findLast((one) => one.operator === operator);
    if (run === undefined) throw new Error(`operator ${String(operator)} runs nothing`);
    return run;
  };
  const outputs = (operator: number, count: number): readonly BlockRef[] =>
    Array.from({ length: count }, () => blockRef(nextId++, { producer: operator }));
  const delta = (operator: number, parts: Partial<RunDelta>): RunDelta => {
    const nothing = { now: 0, outputs: [], consumed: 0, partial: 0, busyMs: 0, droppedRows: [] };
    return { run: runOf(operator).run, ...nothing, ...parts };
  };
  const children = (): Readonly<Record<string, { getSnapshot: () => unknown } | undefined>> =>
    actor.getSnapshot().children;
  return {
    actor,
    runs,
    runOf,
    cancels,
    delivered,
    released,
    closings,
    limits,
    state: () => nameOf(actor.getSnapshot().value),
    context: () => actor.getSnapshot().context,
    ledger: () =>
      (children()['resource']?.getSnapshot() as { context: ResourceContext }).context.ledger,
    /** The states gone through since the last call. */
    takeStates: () => states.splice(0),
    asked: () => cycles.length,
    demand: (blocks: number): void => {
      actor.send({ type: 'consumer.demand', blocks });
    },
    /** The clock gives the cycle it was asked for. */
    cycle: (now = 1): void => {
      const replyTo = cycles.shift();
      if (replyTo === undefined) throw new Error('no cycle was asked for');
      replyTo.send({ type: 'cycle', now });
    },
    /** Cycles as long as they are asked for. */
    settle: (now = 1): void => {
      for (let turns = 0; cycles.length > 0; turns++) {
        if (turns > 100) throw new Error('it never comes to rest');
        cycles.shift()?.send({ type: 'cycle', now });
      }
    },
    yields: (operator: number, count: number): void => {
      const event = { type: 'run.progress', held: undefined } as const;
      const { replyTo } = runOf(operator);
      replyTo.send({ ...event, ...delta(operator, { outputs: outputs(operator, count) }) });
    },
    ends: (operator: number, count = 0): void => {
      const { replyTo, inputs } = runOf(operator);
      const parts = { outputs: outputs(operator, count), consumed: inputs.length };
      const event = { type: 'run.end', satisfied: false, wants: undefined } as const;
      replyTo.send({ ...event, ...delta(operator, parts) });
    },
    fails: (operator: number, error: unknown): void => {
      const { replyTo } = runOf(operator);
      replyTo.send({ type: 'run.error', ...delta(operator, {}), error, retryAfter: undefined });
    },
  };
}

/** `running.polling` for `{ running: 'polling' }`. */
function nameOf(value: StateValue): string {
  if (typeof value === 'string') return value;
  return Object.entries(value)
    .map(([state, inner]) => `${state}.${nameOf(inner ?? '')}`)
    .join(' ');
}

describe('a run', () => {
  test('goes through one cycle as the states say, in their order', () => {
    const { takeStates, cycle, state, runs } = play();
    expect(takeStates()).toEqual(['running.waiting']);
    cycle();
    expect(takeStates()).toEqual([
      'running.polling',
      'running.transferring',
      'running.completing',
      'running.dispatching',
      'running.waiting',
    ]);
    expect(state()).toBe('running.waiting');
    expect(runs).toMatchObject([{ operator: 0, task: 0, inputs: [{ id: 1 }] }]);
  });

  test('asks for a cycle when something has changed, once, and for none otherwise', () => {
    const { asked, cycle, yields, demand } = play();
    expect(asked()).toBe(1);
    cycle();
    expect(asked()).toBe(0);
    demand(4);
    yields(0, 1);
    yields(0, 1);
    expect(asked()).toBe(1);
  });

  test('moves blocks from operator to operator, and to the consumer as far as it asked', () => {
    const { settle, ends, demand, delivered, runOf, state } = play();
    settle();
    ends(0, 2);
    settle();
    expect(runOf(1).inputs.length).toBeGreaterThan(0);
    ends(1, 3);
    settle();
    expect(delivered).toEqual([]);
    demand(1);
    settle();
    expect(delivered).toHaveLength(1);
    expect(state()).toBe('running.waiting');
  });

  test('ends when every operator is over: closes everything, books the last bytes, and reports', () => {
    const { settle, ends, demand, takeStates, actor, closings, ledger, runs } = play();
    demand(100);
    settle();
    ends(0, 2);
    settle();
    expect(runs.filter(({ operator }) => operator === 1)).toHaveLength(2);
    takeStates();
    for (const { replyTo, run } of runs.filter(({ operator }) => operator === 1)) {
      const delta = { now: 0, outputs: [], consumed: 1, partial: 0, busyMs: 0, droppedRows: [] };
      replyTo.send({ type: 'run.end', run, ...delta, satisfied: false, wants: undefined });
    }
    settle(7);
    expect(takeStates().slice(-4)).toEqual(['closing', 'delivering', 'settling', 'done']);
    expect(closings).toMatchObject([{ outcome: 'done', reason: undefined }]);
    const { status, output } = actor.getSnapshot();
    expect(status).toBe('done');
    expect(output).toMatchObject({
      name: 'chain',
      status: 'done',
      durationMs: 99,
      failure: undefined,
    });
    expect(output?.operators['work1']).toMatchObject({ tasks: 2, blocksIn: 2, blocksOut: 0 });
    expect(isSettled(ledger())).toBe(true);
  });

  test('has nothing to do when there is nothing to read', () => {
    const { settle, state } = play({ splits: 0 });
    settle();
    expect(state()).toBe('done');
  });

  test('starts no more tasks than the budget has room for', () => {
    const { settle, ends, runs } = play({ splits: 1 });
    settle();
    ends(0, 8);
    settle();
    expect(runs.filter(({ operator }) => operator === 1)).toHaveLength(2);
  });

  test('takes a new budget at once', () => {
    const { settle, ends, runs, limits, actor, context } = play();
    settle();
    ends(0, 8);
    settle();
    const budget = { ...BUDGET, resources: { cpu: { amount: 4000 } }, blockBytes: 12_345 };
    actor.send({ type: 'run.setBudget', budget });
    settle();
    expect(context().budget).toBe(budget);
    expect(limits).toEqual([12_345]);
    expect(runs.filter(({ operator }) => operator === 1)).toHaveLength(4);
  });

  test('stops whom nobody needs: the source of an operator that has enough', () => {
    const { settle, yields, demand, runOf, runs, cancels, ends, state } = play({
      plan: chain({}, { serial: true, slots: 1, needs: {} }),
    });
    demand(100);
    settle();
    yields(0, 2);
    settle();
    const { replyTo, run } = runOf(1);
    const delta = { now: 0, outputs: [], consumed: 2, partial: 0, busyMs: 0, droppedRows: [] };
    replyTo.send({ type: 'run.end', run, ...delta, satisfied: true, wants: undefined });
    settle();
    expect(cancels).toEqual([1]);
    ends(0);
    settle();
    expect(state()).toBe('done');
    expect(runs).toHaveLength(2);
  });

  test('that is told to read no more finishes what was read', () => {
    const { settle, yields, ends, demand, actor, state } = play({ splits: 3 });
    demand(100);
    settle();
    yields(0, 1);
    actor.send({ type: 'run.stop' });
    actor.send({ type: 'run.stop' });
    for (let turn = 0; turn < 3; turn++) settle();
    expect(state()).toBe('running.waiting');
    ends(1);
    settle();
    expect(state()).toBe('running.waiting');
  });
});

describe('a pause', () => {
  test('begins when the cycle is over; tasks that run go on, and nothing more starts', () => {
    const { settle, actor, state, ends, runs, takeStates, demand } = play();
    demand(10);
    settle();
    takeStates();
    actor.send({ type: 'run.pause' });
    expect(state()).toBe('paused');
    ends(0, 2);
    settle();
    expect(state()).toBe('paused');
    expect(runs).toHaveLength(1);
    actor.send({ type: 'run.resume' });
    settle();
    expect(runs.length).toBeGreaterThan(1);
  });

  test('lets one cycle pass at a time, when stepping', () => {
    const { settle, cycle, actor, state, ends, runs, takeStates, demand } = play();
    demand(10);
    settle();
    actor.send({ type: 'run.pause' });
    ends(0, 2);
    settle();
    actor.send({ type: 'run.step' });
    takeStates();
    cycle();
    expect(takeStates()).toEqual([
      'running.polling',
      'running.transferring',
      'running.completing',
      'running.dispatching',
      'running.waiting',
      'paused',
    ]);
    expect(state()).toBe('paused');
    expect(runs.length).toBeGreaterThan(1);
    settle();
    expect(state()).toBe('paused');
  });

  test('starts one task, of the operator that is named, when one task is stepped', () => {
    const { settle, cycle, actor, ends, runs, demand } = play();
    demand(10);
    settle();
    actor.send({ type: 'run.pause' });
    ends(0, 3);
    settle();
    const before = runs.length;
    actor.send({ type: 'run.step', task: { operator: 1 } });
    cycle();
    settle();
    expect(runs.slice(before).map(({ operator }) => operator)).toEqual([1]);
    actor.send({ type: 'run.step', task: { operator: 0 } });
    cycle();
    settle();
    expect(runs.slice(before + 1).every(({ operator }) => operator === 0)).toBe(true);
    actor.send({ type: 'run.step', task: { operator: undefined } });
    const between = runs.length;
    cycle();
    settle();
    expect(runs.length).toBeLessThanOrEqual(between + 1);
  });

  test('may be asked for before the run has begun', () => {
    const { actor, state } = play({ opening: 'waits' });
    actor.send({ type: 'run.pause' });
    expect(state()).toBe('idle');
    actor.send({ type: 'runner.opened', now: 0, splits: new Map() });
    expect(state()).toBe('paused');
  });

  test('ends with the run', () => {
    const { settle, actor, state } = play({ splits: 0 });
    actor.send({ type: 'run.pause' });
    actor.send({ type: 'run.cancel', reason: 'enough' });
    settle();
    expect(state()).toBe('cancelled');
  });
});

describe('a cancelled run', () => {
  test('waits for the real end of its tasks, lets go of everything, and ends at zero', () => {
    const { settle, actor, state, ends, cancels, takeStates, ledger, closings, yields } = play();
    settle();
    yields(0, 2);
    takeStates();
    actor.send({ type: 'run.cancel', reason: 'enough' });
    expect(state()).toBe('draining');
    expect(cancels).toEqual([1]);
    ends(0, 1);
    expect(takeStates()).toEqual(['draining', 'closing', 'delivering', 'settling', 'cancelled']);
    expect(closings).toMatchObject([{ outcome: 'cancelled', reason: 'enough' }]);
    expect(actor.getSnapshot().output).toMatchObject({ status: 'cancelled', reason: 'enough' });
    expect(isSettled(ledger())).toBe(true);
  });

  test.each(['before it opens', 'while it waits', 'in a pause'])(
    'ends from any state: %s',
    (when) => {
      const { settle, actor, state } = play({
        splits: 0,
        opening: when === 'before it opens' ? 'waits' : 'opens',
      });
      if (when === 'in a pause') actor.send({ type: 'run.pause' });
      actor.send({ type: 'run.cancel', reason: 'enough' });
      settle();
      expect(state()).toBe('cancelled');
    },
  );

  test('lets go of what sources list too late', () => {
    const { actor, released, state } = play({ opening: 'waits', closing: 'waits' });
    actor.send({ type: 'run.cancel', reason: 'enough' });
    expect(state()).toBe('closing');
    actor.send({ type: 'runner.opened', now: 0, splits: new Map([[0, blockRefs(2)]]) });
    expect(released).toEqual([1, 2]);
    actor.send({ type: 'runner.closed', now: 9, failures: [] });
    expect(state()).toBe('cancelled');
  });

  test('opens nothing when it was cancelled before it began', () => {
    const { state, takeStates, runs } = play({ cancelled: { reason: 'never mind' } });
    expect(state()).toBe('cancelled');
    expect(takeStates()).not.toContain('running.waiting');
    expect(runs).toEqual([]);
  });

  test('keeps the reason it was given first', () => {
    const { actor, settle, ends } = play();
    settle();
    actor.send({ type: 'run.cancel', reason: 'first' });
    actor.send({ type: 'run.cancel', reason: 'second' });
    ends(0);
    expect(actor.getSnapshot().output).toMatchObject({ reason: 'first' });
  });

  test('in the middle of a cycle moves nothing on', () => {
    const { actor, settle, ends, state, delivered, released, demand } = play();
    demand(10);
    settle();
    ends(0, 2);
    actor.send({ type: 'run.cancel', reason: 'enough' });
    expect(state()).toBe('cancelled');
    expect(delivered).toEqual([]);
    expect(released).toEqual(expect.arrayContaining([1000, 1001]));
  });
});

describe('a run that fails', () => {
  test('cancels all others, keeps the first error with its place, and lists later ones', () => {
    const { settle, yields, fails, runs, state, actor, ledger, demand, ends } = play();
    const error = new Error('bad block');
    demand(10);
    settle();
    yields(0, 2);
    settle();
    fails(1, error);
    settle();
    expect(state()).toBe('draining');
    ends(0);
    const other = runs.find(({ operator }) => operator === 1);
    const delta = { now: 0, outputs: [], consumed: 0, partial: 0, busyMs: 0, droppedRows: [] };
    other?.replyTo.send({
      type: 'run.error',
      run: other.run,
      ...delta,
      error: new Error('aborted'),
      retryAfter: undefined,
    });
    expect(state()).toBe('failed');
    expect(actor.getSnapshot().output).toMatchObject({
      status: 'failed',
      failure: { operator: 'work1', attempt: 1, error, later: [] },
    });
    expect(isSettled(ledger())).toBe(true);
  });

  test('before it began names the operator that could not be opened', () => {
    const { state, actor, closings } = play({ opening: 'refuses' });
    expect(state()).toBe('failed');
    expect(actor.getSnapshot().output).toMatchObject({
      status: 'failed',
      failure: { operator: 'work1', attempt: 1, lineage: '', error: new Error('cannot open') },
    });
    expect(closings).toMatchObject([{ outcome: 'failed' }]);
  });

  test('is also one that was done until a sink could not commit', () => {
    const errors = [new Error('cannot commit'), new Error('nor this')];
    const { settle, actor, state } = play({
      splits: 0,
      failures: errors.map((error, operator) => ({ operator, error })),
    });
    settle();
    expect(state()).toBe('failed');
    expect(actor.getSnapshot().output).toMatchObject({
      status: 'failed',
      failure: { operator: 'source', error: errors[0], later: [errors[1]] },
    });
  });

  test('keeps the first cause when more goes wrong at its end', () => {
    const later = new Error('cannot roll back');
    const { settle, fails, actor, state } = play({ failures: [{ operator: 1, error: later }] });
    const error = new Error('bad block');
    settle();
    fails(0, error);
    settle();
    expect(state()).toBe('failed');
    expect(actor.getSnapshot().output?.failure).toMatchObject({ error, later: [later] });
  });

  test('ends with the ranking policy that fails', () => {
    const { settle, yields, ends, actor, state, demand } = play({
      splits: 2,
      plan: chain({ slots: 1 }, {}),
      ranking: () => {
        throw new Error('no order');
      },
    });
    demand(10);
    settle();
    // Now both operators could start a task, and the policy is asked.
    yields(0, 1);
    ends(0);
    settle();
    expect(state()).toBe('failed');
    const { output } = actor.getSnapshot();
    expect(String(output?.failure?.error)).toContain('the ranking policy failed: no order');
  });
});
