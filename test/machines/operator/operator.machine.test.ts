import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import type { BlockRef } from '../../../machines/block.ts';
import type {
  ClockEvent,
  DeadLetter,
  OutletEvent,
  RunDelta,
  RunnerEvent,
  RunnerRun,
  StoreEvent,
} from '../../../machines/hands.protocol.ts';
import { operatorMachine } from '../../../machines/operator/operator.machine.ts';
import type { OperatorReply, TaskGrant } from '../../../machines/operator/operator.protocol.ts';
import { shareOut } from '../../../machines/operator/operator.shares.ts';
import type { OperatorPlan } from '../../../machines/plan.ts';
import { blockRef, blockRefs, idsOf } from '../support/blocks.ts';
import { operatorPlan } from '../support/plans.ts';
import { recorder } from '../support/recorder.ts';

/** The operator under test has this index: the blocks it makes are charged to it. */
const SELF = 1;
const cpu = { limit: 'cpu', asked: 1, free: 0, since: 0 };

type Report = Extract<OperatorReply, { type: 'operator.report' }>;

/** An operator with real tasks among recorders; the test plays its supervisor and its runner. */
function setUp(parts: Partial<OperatorPlan> = {}) {
  const supervisor = recorder<OperatorReply>();
  const runner = recorder<RunnerEvent>();
  const store = recorder<StoreEvent>();
  const outlet = recorder<OutletEvent>();
  const actor = createActor(operatorMachine, {
    input: {
      plan: operatorPlan({ index: SELF, ...parts }),
      now: 0,
      supervisor: supervisor.address,
      runner: runner.address,
      store: store.address,
      clock: recorder<ClockEvent>().address,
      outlet: outlet.address,
    },
  });
  actor.start();
  let tokens = 0;

  const runs = (): readonly RunnerRun[] => runner.of('runner.run');
  const runOf = (task: number): RunnerRun => {
    const run = runs().findLast((one) => one.task === task);
    if (run === undefined) throw new Error(`task ${String(task)} does not run`);
    return run;
  };
  const delta = (task: number, parts: Partial<RunDelta>): RunDelta => {
    const nothing = { now: 0, outputs: [], consumed: 0, partial: 0, busyMs: 0, droppedRows: [] };
    return { run: runOf(task).run, ...nothing, ...parts };
  };
  return {
    actor,
    supervisor,
    runner,
    outlet,
    runs,
    state: () => actor.getSnapshot().value,
    context: () => actor.getSnapshot().context,
    children: () => Object.keys(actor.getSnapshot().children),
    /** Ids of the blocks that were let go of since the last call. */
    released: () =>
      store.take().flatMap((event) => (event.type === 'store.release' ? idsOf(event.refs) : [])),
    input: (refs: readonly BlockRef[], port = 0): void => {
      actor.send({ type: 'operator.input', port, refs });
    },
    inputsDone: (port = 0, now = 0): void => {
      actor.send({ type: 'operator.inputsDone', port, now });
    },
    poll: (room = Infinity, now = 0): Report => {
      actor.send({ type: 'operator.poll', room, now });
      const report = supervisor.of('operator.report').at(-1);
      if (report === undefined) throw new Error('a poll is answered');
      return report;
    },
    /** Grants so many tasks, each with credit for so many blocks. */
    dispatch: (
      tasks: number,
      { blocks = 1, creditBlocks = 4, denial = undefined as typeof cpu | undefined, now = 0 } = {},
    ): void => {
      const credit = { blocks: creditBlocks, bytes: 10 * creditBlocks };
      const grants = Array.from({ length: tasks }, (): TaskGrant => {
        return { token: tokens++, credit, blocks };
      });
      actor.send({ type: 'operator.dispatch', grants, denial, now });
    },
    deny: (denial = cpu, now = 0): void => {
      actor.send({ type: 'operator.denied', denial, now });
    },
    credit: (slot: number, task: number): void => {
      const grants = [{ slot, task, credit: { blocks: 1, bytes: 10 } }];
      actor.send({ type: 'operator.credit', grants });
    },
    finish: (): void => {
      actor.send({ type: 'operator.finish', now: 0 });
    },
    stop: (now = 0): void => {
      actor.send({ type: 'operator.stop', now });
    },
    cancel: (now = 0): void => {
      actor.send({ type: 'operator.cancel', reason: 'enough', now });
    },
    /** The runner tells of outputs of a task. */
    yields: (task: number, outputs: readonly BlockRef[], more: Partial<RunDelta> = {}): void => {
      const event = { type: 'run.progress', ...delta(task, { outputs, ...more }) } as const;
      runOf(task).replyTo.send({ ...event, held: undefined });
    },
    holds: (task: number, now = 0): void => {
      const held = { blocks: 1, bytes: 0 };
      runOf(task).replyTo.send({ type: 'run.progress', ...delta(task, { now }), held });
    },
    /** The runner tells that a task is over: all its inputs are done with. */
    ends: (
      task: number,
      outputs: readonly BlockRef[] = [],
      more: Partial<RunDelta> & { satisfied?: boolean; wants?: readonly number[] } = {},
    ): void => {
      const { satisfied = false, wants, ...rest } = more;
      const run = runOf(task);
      const all = { outputs, consumed: run.inputs.length, ...rest };
      run.replyTo.send({ type: 'run.end', ...delta(task, all), satisfied, wants });
    },
    fails: (task: number, error: unknown, more: Partial<RunDelta> = {}): void => {
      const event = { type: 'run.error', ...delta(task, more), error } as const;
      runOf(task).replyTo.send({ ...event, retryAfter: undefined });
    },
  };
}

/** Outputs of the operator under test. */
function made(count: number, from = 100): readonly BlockRef[] {
  return blockRefs(count, from, { producer: SELF });
}

function inputsOf(runs: readonly RunnerRun[]): readonly (readonly number[])[] {
  return runs.map(({ inputs }) => idsOf(inputs));
}

describe('input and output', () => {
  test('what comes in waits, is counted, and is seen', () => {
    const { input, poll, state } = setUp();
    expect(state()).toBe('idle');
    input(blockRefs(3, 1, { numRows: 2 }));
    expect(state()).toBe('ready');
    expect(poll()).toMatchObject({
      operator: SELF,
      view: { queuedBlocks: 3, queuedBytes: 30, queuedPerPort: [3], startable: 3, active: 0 },
      counts: { blocksIn: 3, rowsIn: 6, bytesIn: 30 },
    });
  });

  test('outputs leave as far as there is room, the oldest first', () => {
    const { input, dispatch, yields, poll } = setUp();
    input(blockRefs(1));
    dispatch(1);
    yields(0, made(3));
    expect(poll(0)).toMatchObject({ outputs: [], view: { outBlocks: 3 } });
    expect(idsOf(poll(2).outputs)).toEqual([100, 101]);
    expect(idsOf(poll(2).outputs)).toEqual([102]);
    expect(poll().counts).toMatchObject({ blocksOut: 3, rowsOut: 3, bytesOut: 30 });
  });

  test('a change is told once until the next poll', () => {
    const { input, dispatch, yields, poll, supervisor } = setUp();
    input(blockRefs(1));
    dispatch(1);
    yields(0, made(1));
    yields(0, made(1, 101));
    expect(supervisor.take()).toEqual([{ type: 'operator.changed', operator: SELF }]);
    poll();
    supervisor.take();
    yields(0, made(1, 102));
    expect(supervisor.take()).toEqual([{ type: 'operator.changed', operator: SELF }]);
  });

  test('what a report settles is settled once', () => {
    const { input, dispatch, ends, poll } = setUp();
    input(blockRefs(1));
    dispatch(1);
    ends(0, made(2), { busyMs: 3 });
    expect(poll()).toMatchObject({
      tokens: [0],
      produced: 20,
      returned: 20,
      counts: { tasks: 1, busyMs: 3 },
      view: { done: 1, active: 0, blockMs: 2.0625 },
    });
    expect(poll()).toMatchObject({ tokens: [], produced: 0, returned: 0 });
  });
});

describe('starting tasks', () => {
  test('each grant starts a task with its token, in a slot of its own', () => {
    const { input, dispatch, runs, state, children, context } = setUp();
    input(blockRefs(3));
    dispatch(2);
    expect(state()).toBe('running');
    expect(runs().map(({ task, operator }) => [task, operator])).toEqual([
      [0, SELF],
      [1, SELF],
    ]);
    expect(children()).toEqual(['task0', 'task1']);
    expect(context().slots.map((slot) => slot?.token)).toEqual([0, 1]);
  });

  test('a slot that is free again is used again before another actor is made', () => {
    const { input, dispatch, ends, children, runs } = setUp();
    input(blockRefs(4));
    dispatch(2);
    ends(0);
    dispatch(1);
    ends(1);
    ends(2);
    dispatch(1);
    expect(children()).toEqual(['task0', 'task1']);
    expect(runs().map(({ task }) => task)).toEqual([0, 1, 2, 3]);
  });

  test('a thousand tasks leave no more actors than ran at once', () => {
    const { input, dispatch, ends, children, poll } = setUp();
    for (let task = 0; task < 1000; task += 2) {
      input(blockRefs(2, task));
      dispatch(2);
      ends(task);
      ends(task + 1);
      poll();
    }
    expect(children()).toEqual(['task0', 'task1']);
  });

  test('each task takes as many blocks as its grant says, if there are so many', () => {
    const { input, dispatch, runs, poll } = setUp();
    input(blockRefs(5));
    dispatch(2, { blocks: 2 });
    expect(poll().view.queuedBlocks).toBe(1);
    dispatch(1, { blocks: 2 });
    expect(inputsOf(runs())).toEqual([[1, 2], [3, 4], [5]]);
    expect(poll().view.queuedBlocks).toBe(0);
  });

  test('no task takes more than the options of its operator say', () => {
    const { input, dispatch, runs } = setUp({ input: { bytes: 25 } });
    input(blockRefs(6));
    dispatch(1, { blocks: 64 });
    expect(inputsOf(runs())).toEqual([[1, 2]]);
  });

  test('grants for which there is no input go back at once, token and credit', () => {
    const { input, dispatch, runs, poll, supervisor } = setUp();
    input(blockRefs(1));
    dispatch(3, { creditBlocks: 2 });
    expect(runs()).toHaveLength(1);
    expect(supervisor.take()).toEqual([{ type: 'operator.changed', operator: SELF }]);
    expect(poll()).toMatchObject({ tokens: [1, 2], produced: 0, returned: 40 });
  });

  test('grants that come after the end go back', () => {
    const { input, stop, dispatch, poll, runs } = setUp();
    input(blockRefs(1));
    stop();
    dispatch(1);
    expect(runs()).toEqual([]);
    expect(poll()).toMatchObject({ tokens: [0], returned: 40 });
  });

  test('a task knows when its inputs are the last', () => {
    const { input, inputsDone, dispatch, runs } = setUp();
    input(blockRefs(2));
    inputsDone();
    dispatch(2);
    expect(runs().map(({ ended }) => ended)).toEqual([[false], [true]]);
  });
});

describe('tasks without output credit', () => {
  test('are seen with what they wait for, the oldest first', () => {
    const { input, dispatch, holds, ends, poll } = setUp();
    input(blockRefs(3));
    dispatch(2);
    ends(0);
    dispatch(1);
    holds(2);
    holds(1);
    expect(poll().view.holding).toEqual([
      { slot: 1, task: 1, missing: { blocks: 1, bytes: 0 } },
      { slot: 0, task: 2, missing: { blocks: 1, bytes: 0 } },
    ]);
    expect(poll().view.oldestTask).toBe(1);
  });

  test('go on with the credit they get', () => {
    const { input, dispatch, holds, credit, poll, state, runner } = setUp();
    input(blockRefs(1));
    dispatch(1, { creditBlocks: 0 });
    holds(0);
    expect(state()).toBe('backpressured');
    credit(0, 0);
    expect(state()).toBe('running');
    expect(runner.of('runner.credit')).toHaveLength(1);
    expect(poll().view).toMatchObject({ holding: [], creditBlocks: 1 });
  });

  test('spend their credit block by block', () => {
    const { input, dispatch, yields, poll } = setUp();
    input(blockRefs(1));
    dispatch(1, { creditBlocks: 4 });
    expect(poll().view.creditBlocks).toBe(4);
    yields(0, made(3));
    expect(poll().view.creditBlocks).toBe(1);
  });

  test('credit for a task that is over goes back', () => {
    const { input, dispatch, holds, ends, credit, poll } = setUp();
    input(blockRefs(2));
    dispatch(1, { creditBlocks: 0 });
    holds(0);
    ends(0);
    poll();
    credit(0, 0);
    expect(poll()).toMatchObject({ tokens: [], returned: 10 });
  });

  test('credit for the task before in the same slot goes back, and not to the one that runs', () => {
    const { input, dispatch, ends, credit, poll, runner } = setUp();
    input(blockRefs(2));
    dispatch(1, { creditBlocks: 0 });
    ends(0);
    dispatch(1, { creditBlocks: 0 });
    credit(0, 0);
    expect(runner.of('runner.credit')).toEqual([]);
    expect(poll()).toMatchObject({ returned: 10, view: { creditBlocks: 0 } });
  });
});

describe('states', () => {
  test('it is running while one task runs, and backpressured when all hold', () => {
    const { input, dispatch, holds, credit, state } = setUp();
    input(blockRefs(2));
    dispatch(2);
    holds(0);
    expect(state()).toBe('running');
    holds(1);
    expect(state()).toBe('backpressured');
    credit(0, 0);
    expect(state()).toBe('running');
  });

  test('it is backpressured when input waits and a limit says no', () => {
    const { input, deny, dispatch, state } = setUp();
    input(blockRefs(1));
    deny();
    expect(state()).toBe('backpressured');
    dispatch(1);
    expect(state()).toBe('running');
  });

  test('it is ready again when its tasks are over and input waits', () => {
    const { input, dispatch, ends, state } = setUp();
    input(blockRefs(2));
    dispatch(1);
    ends(0);
    expect(state()).toBe('ready');
  });

  test('it is idle again when nothing waits', () => {
    const { input, dispatch, ends, state } = setUp();
    input(blockRefs(1));
    dispatch(1);
    ends(0);
    expect(state()).toBe('idle');
  });

  test('it is idle, not backpressured, when nothing waits although more tasks were denied', () => {
    const { input, dispatch, ends, state, poll } = setUp();
    input(blockRefs(3));
    dispatch(1, { blocks: 64, denial: cpu });
    ends(0);
    expect(poll().view.queuedBlocks).toBe(0);
    expect(state()).toBe('idle');
  });

  test('it drains when its input is over, and completes when the last output is taken', () => {
    const { input, inputsDone, dispatch, ends, poll, state } = setUp();
    input(blockRefs(1));
    inputsDone();
    expect(state()).toBe('ready');
    dispatch(1);
    expect(state()).toBe('draining');
    ends(0, made(1));
    expect(state()).toBe('draining');
    expect(poll(0).view.over).toBe(false);
    expect(poll().view.over).toBe(true);
    expect(state()).toBe('completed');
  });

  test('it completes at once when its input is over before it began', () => {
    const { inputsDone, state, poll } = setUp();
    inputsDone();
    expect(state()).toBe('completed');
    expect(poll().view.over).toBe(true);
  });

  test.each(['idle', 'ready', 'running', 'backpressured'] as const)(
    'it is cancelled from %s, and everything it holds is let go of',
    (from) => {
      const { input, dispatch, deny, cancel, ends, state, released, poll, runner } = setUp();
      if (from !== 'idle') input(blockRefs(2));
      if (from === 'running') dispatch(1);
      if (from === 'backpressured') deny();
      expect(state()).toBe(from);
      cancel();
      if (from === 'running') {
        expect(state()).toBe('draining');
        expect(runner.of('runner.cancel')).toMatchObject([{ reason: 'enough' }]);
        ends(0);
      }
      expect(state()).toBe('cancelled');
      expect([...released()].sort()).toEqual(from === 'idle' ? [] : [1, 2]);
      expect(poll().view.over).toBe(true);
    },
  );
});

describe('denials', () => {
  test('a denial keeps the time since which the limit holds', () => {
    const { input, deny, context } = setUp();
    input(blockRefs(1));
    deny({ ...cpu, since: 5 }, 5);
    deny({ ...cpu, since: 90, asked: 2 }, 90);
    expect(context().denial).toEqual({ limit: 'cpu', asked: 2, free: 0, since: 5 });
  });

  test('another limit begins anew', () => {
    const { input, deny, context } = setUp();
    input(blockRefs(1));
    deny({ ...cpu, since: 5 }, 5);
    deny({ ...cpu, limit: 'memory', since: 90 }, 90);
    expect(context().denial?.since).toBe(90);
  });

  test('a grant ends a denial, and may bring the next', () => {
    const { input, deny, dispatch, context } = setUp();
    input(blockRefs(3));
    deny({ ...cpu, since: 5 }, 5);
    dispatch(1);
    expect(context().denial).toBeUndefined();
    dispatch(1, { denial: { ...cpu, limit: 'memory', since: 9 } });
    expect(context().denial).toMatchObject({ limit: 'memory', since: 9 });
  });

  test('time is counted as blocked by the limit, running, or starved', () => {
    const { input, deny, dispatch, ends, poll } = setUp();
    poll(0, 10);
    input(blockRefs(1));
    poll(0, 10);
    deny(cpu, 10);
    dispatch(1, { now: 40 });
    ends(0, [], { now: 90 });
    const { shares } = poll(0, 100);
    expect(shareOut(shares, 100)).toEqual({ starved: 20, cpu: 30, running: 50 });
  });
});

describe('in the order of the input', () => {
  test('outputs wait for the tasks before theirs', () => {
    const { input, dispatch, yields, ends, poll } = setUp({ preserveOrder: true });
    input(blockRefs(2));
    dispatch(2);
    ends(1, made(2, 200));
    expect(poll()).toMatchObject({ outputs: [], view: { outBlocks: 0, parkedBlocks: 2 } });
    yields(0, made(1, 100));
    expect(idsOf(poll().outputs)).toEqual([100]);
    ends(0, made(1, 101));
    expect(idsOf(poll().outputs)).toEqual([101, 200, 201]);
    expect(poll().view.parkedBlocks).toBe(0);
  });

  test('outputs that wait for their turn keep the operator from completing', () => {
    const { input, inputsDone, dispatch, ends, poll, state } = setUp({ preserveOrder: true });
    input(blockRefs(2));
    inputsDone();
    dispatch(2);
    ends(1, made(1));
    expect(state()).toBe('draining');
    ends(0);
    poll();
    expect(state()).toBe('completed');
  });

  test('a task that fails for good is in nobody’s way', () => {
    const { input, dispatch, ends, fails, poll } = setUp({ preserveOrder: true });
    input(blockRefs(2));
    dispatch(2);
    ends(1, made(1, 200));
    fails(0, new Error('no'), { outputs: made(1, 100) });
    expect(idsOf(poll().outputs)).toEqual([100, 200]);
  });

  test('outputs that wait for their turn are let go of with the run', () => {
    const { input, dispatch, ends, cancel, released, poll } = setUp({ preserveOrder: true });
    input(blockRefs(2));
    dispatch(2);
    ends(1, made(1, 200));
    released();
    cancel();
    expect(released()).toEqual([200]);
    ends(0, made(1, 100));
    expect(released()).toContain(100);
    expect(poll()).toMatchObject({ outputs: [], view: { parkedBlocks: 0, over: true } });
  });

  test('whatever the order in which tasks yield and end, outputs leave by task', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(3))),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        (yields, ends) => {
          const operator = setUp({ preserveOrder: true });
          operator.input(blockRefs(4));
          operator.dispatch(4);
          const expected: number[][] = [[], [], [], []];
          const left: number[] = [];
          let nextId = 100;
          const outputsOf = (task: number, count: number): readonly BlockRef[] => {
            const outputs = made(count, nextId);
            nextId += count;
            expected[task]?.push(...idsOf(outputs));
            return outputs;
          };
          for (const [task, count] of yields) operator.yields(task, outputsOf(task, count));
          left.push(...idsOf(operator.poll().outputs));
          for (const task of ends) operator.ends(task, outputsOf(task, 1));
          left.push(...idsOf(operator.poll().outputs));
          expect(left).toEqual(expected.flat());
        },
      ),
    );
  });
});

describe('an operator that keeps state', () => {
  const serial = { serial: true, slots: 1 };

  test('flushes when its input is over, with a last task that has no inputs', () => {
    const { input, inputsDone, dispatch, ends, poll, runs, state } = setUp(serial);
    input(blockRefs(2));
    dispatch(1, { blocks: 64 });
    inputsDone();
    expect(poll().view.wantsFlush).toBe(false);
    ends(0);
    expect(poll().view).toMatchObject({ wantsFlush: true, startable: 0, over: false });
    dispatch(1);
    expect(runs().at(-1)).toMatchObject({ flush: true, inputs: [], ended: [true] });
    expect(state()).toBe('draining');
    ends(1, made(1));
    expect(poll().view).toMatchObject({ wantsFlush: false });
    expect(state()).toBe('completed');
  });

  test('flushes even when nothing ever came', () => {
    const { inputsDone, state, poll } = setUp(serial);
    inputsDone();
    expect(state()).toBe('ready');
    expect(poll().view.wantsFlush).toBe(true);
  });

  test('flushes once', () => {
    const { inputsDone, dispatch, runs, poll } = setUp(serial);
    inputsDone();
    dispatch(2);
    expect(runs()).toHaveLength(1);
    expect(poll()).toMatchObject({ tokens: [1] });
  });

  test('does not flush when it needs no more input', () => {
    const { input, dispatch, ends, poll, state, released } = setUp(serial);
    input(blockRefs(3));
    dispatch(1);
    ends(0, made(1), { satisfied: true });
    expect([...released()].sort()).toEqual([1, 2, 3]);
    expect(poll().view).toMatchObject({ satisfied: true, wantsFlush: false });
    expect(state()).toBe('completed');
  });

  test('lets go of blocks that come when it needs no more', () => {
    const { input, dispatch, ends, released } = setUp(serial);
    input(blockRefs(1));
    dispatch(1);
    ends(0, [], { satisfied: true });
    released();
    input(blockRefs(2, 7));
    expect(released()).toEqual([7, 8]);
  });
});

describe('an operator with several ports', () => {
  const zip = { ports: 2, serial: true, slots: 1 };

  test('starts only when each port it wants has something', () => {
    const { input, poll, supervisor } = setUp(zip);
    input(blockRefs(2), 0);
    expect(supervisor.take()).toEqual([{ type: 'operator.changed', operator: SELF }]);
    expect(poll().view).toMatchObject({ startable: 0, queuedPerPort: [2, 0] });
    input(blockRefs(1, 5), 1);
    expect(poll().view).toMatchObject({ startable: 3, queuedPerPort: [2, 1] });
  });

  test('takes from each port, and says how many from which', () => {
    const { input, dispatch, runs } = setUp(zip);
    input(blockRefs(2), 0);
    input(blockRefs(1, 5), 1);
    dispatch(1, { blocks: 64 });
    expect(runs()).toMatchObject([{ perPort: [2, 1], ended: [false, false] }]);
    expect(inputsOf(runs())).toEqual([[1, 2, 5]]);
  });

  test('waits only for the ports it still wants', () => {
    const { input, dispatch, ends, poll, runs } = setUp(zip);
    input(blockRefs(1), 0);
    input(blockRefs(1, 5), 1);
    dispatch(1, { blocks: 64 });
    ends(0, [], { wants: [1] });
    input(blockRefs(1, 6), 1);
    expect(poll().view.startable).toBe(1);
    dispatch(1, { blocks: 64 });
    expect(runs().at(-1)).toMatchObject({ perPort: [0, 1] });
  });

  test('a port that is over keeps nobody waiting', () => {
    const { input, inputsDone, poll } = setUp(zip);
    input(blockRefs(1), 0);
    inputsDone(1);
    expect(poll().view.startable).toBe(1);
  });

  test('a port that gets nothing after these inputs is told to be at its end', () => {
    const { input, inputsDone, dispatch, runs } = setUp(zip);
    input(blockRefs(1), 0);
    input(blockRefs(1, 5), 1);
    inputsDone(0);
    dispatch(1, { blocks: 64 });
    expect(runs()).toMatchObject([{ ended: [true, false] }]);
  });

  test('drains only when every port it wants is over', () => {
    const { inputsDone, state } = setUp(zip);
    inputsDone(0);
    expect(state()).toBe('idle');
    inputsDone(1);
    expect(state()).toBe('ready');
  });
});

describe('an operator whose outputs nobody wants', () => {
  test('lets go of what it holds, ends its tasks, and completes', () => {
    const { input, dispatch, yields, stop, ends, released, state, runner, poll } = setUp();
    input(blockRefs(3));
    dispatch(1);
    yields(0, made(2));
    stop();
    expect(released()).toEqual([2, 3, 100, 101]);
    expect(runner.of('runner.cancel')).toHaveLength(1);
    expect(state()).toBe('draining');
    ends(0, made(1, 105), { consumed: 0 });
    expect(released()).toEqual([105, 1]);
    expect(state()).toBe('completed');
    expect(poll()).toMatchObject({
      tokens: [0],
      produced: 30,
      returned: 10,
      counts: { cancelled: 1 },
      view: { satisfied: true, over: true },
    });
  });

  test('does not pass on outputs that crossed the order to stop', () => {
    const { input, dispatch, stop, actor, released, poll } = setUp();
    input(blockRefs(1));
    dispatch(1);
    stop();
    // The task had sent this before it was told.
    actor.send({
      type: 'task.progress',
      slot: 0,
      task: 0,
      outputs: made(1),
      consumed: [],
      produced: 10,
      blocks: 1,
      busyMs: 0,
      droppedRows: [],
      now: 0,
      held: undefined,
      retried: undefined,
      dropped: undefined,
    });
    expect(released()).toEqual([100]);
    expect(poll()).toMatchObject({ outputs: [], produced: 10 });
  });
});

describe('a source that is told to read no more', () => {
  test('lets go of what it has not begun, and passes on what was read', () => {
    const { input, dispatch, finish, yields, ends, released, state, runner, poll, runs } = setUp({
      kind: 'source',
    });
    input(blockRefs(3));
    dispatch(1);
    finish();
    expect(released()).toEqual([2, 3]);
    expect(runner.of('runner.finish')).toMatchObject([{ run: 1 }]);
    expect(state()).toBe('draining');
    yields(0, made(1));
    ends(0, made(1, 101));
    expect(idsOf(poll().outputs)).toEqual([100, 101]);
    expect(state()).toBe('completed');
    dispatch(1);
    expect(runs()).toHaveLength(1);
  });

  test('is over at once when it had not begun', () => {
    const { input, finish, released, state } = setUp({ kind: 'source' });
    input(blockRefs(2));
    finish();
    expect(released()).toEqual([1, 2]);
    expect(state()).toBe('completed');
  });
});

describe('rows that are given up', () => {
  const letter = (row: number): DeadLetter => ({
    operator: 'work',
    lineage: '1',
    attempts: 1,
    cause: `bad ${String(row)}`,
    input: blockRef(1),
    row,
    published: 0,
  });

  test('are counted apart from blocks, and listed with them', () => {
    const { input, dispatch, yields, ends, poll } = setUp({ onError: 'skip' });
    input(blockRefs(1));
    dispatch(1);
    yields(0, [], { droppedRows: [letter(0), letter(2)] });
    ends(0, made(1), { droppedRows: [letter(5)] });
    expect(poll()).toMatchObject({
      failure: undefined,
      counts: { rowsDropped: 3, dropped: 0 },
      dropped: [{ row: 0 }, { row: 2 }, { row: 5 }],
    });
  });

  test('fail the operator when there are more than may be, and let go of what waits', () => {
    const { input, dispatch, ends, poll, released, state } = setUp({
      onError: 'skip',
      maxErrors: 1,
    });
    input(blockRefs(3));
    dispatch(1);
    ends(0, [], { droppedRows: [letter(0), letter(1)] });
    expect(poll().failure).toMatchObject({ error: 'bad 1', lineage: '1' });
    expect([...released()].sort()).toEqual([1, 2, 3]);
    expect(state()).toBe('failed');
  });
});

describe('a task that fails for good', () => {
  test('fails the operator, which takes no more and lets go of what waits', () => {
    const { input, dispatch, fails, poll, state, released, runs } = setUp();
    const error = new Error('no');
    input(blockRefs(3));
    dispatch(1);
    fails(0, error);
    expect(state()).toBe('failed');
    expect([...released()].sort()).toEqual([1, 2, 3]);
    expect(poll()).toMatchObject({
      failure: { error, attempt: 1, lineage: '1' },
      tokens: [0],
      returned: 40,
      counts: { failed: 1, tasks: 0 },
      view: { satisfied: true, startable: 0, over: true },
    });
    dispatch(1);
    expect(runs()).toHaveLength(1);
  });

  test('leaves the other tasks to their end', () => {
    const { input, dispatch, fails, ends, state } = setUp();
    input(blockRefs(2));
    dispatch(2);
    fails(0, new Error('no'));
    expect(state()).toBe('draining');
    ends(1);
    expect(state()).toBe('failed');
  });

  test('is named by the first failure, whatever fails later', () => {
    const { input, dispatch, fails, poll } = setUp();
    input(blockRefs(2));
    dispatch(2);
    fails(1, new Error('first'));
    fails(0, new Error('second'));
    const { failure, laterErrors, counts } = poll();
    expect(failure?.error).toEqual(new Error('first'));
    expect(laterErrors).toEqual([new Error('second')]);
    expect(counts.failed).toBe(2);
  });
});

describe('inputs that are given up', () => {
  test('are counted and listed, and the task goes on', () => {
    const { input, dispatch, fails, ends, poll, state } = setUp({ onError: 'skip' });
    const cause = new Error('bad');
    input(blockRefs(2));
    dispatch(1, { blocks: 2 });
    fails(0, cause);
    expect(state()).toBe('running');
    ends(0, made(1));
    expect(poll()).toMatchObject({
      failure: undefined,
      counts: { dropped: 1, tasks: 1, failed: 0 },
      dropped: [{ operator: 'work', lineage: '1', attempts: 1, cause, input: { id: 1 } }],
    });
  });

  test('fail the operator when there are more of them than may be', () => {
    const { input, dispatch, fails, poll, released } = setUp({ onError: 'skip', maxErrors: 1 });
    const error = new Error('bad');
    input(blockRefs(4));
    dispatch(1, { blocks: 2 });
    fails(0, new Error('bearable'));
    expect(poll().failure).toBeUndefined();
    fails(0, error);
    expect(poll()).toMatchObject({
      failure: { error, attempt: 1, lineage: '2' },
      counts: { dropped: 2 },
    });
    expect([...released()].sort()).toEqual([1, 2, 3, 4]);
  });

  test('are listed up to a limit, and counted beyond it', () => {
    const { input, dispatch, fails, poll } = setUp({ onError: 'skip' });
    input(blockRefs(1005));
    dispatch(1, { blocks: 1005 });
    for (let block = 0; block < 1005; block++) fails(0, 'bad');
    const { counts, dropped } = poll();
    expect(counts.dropped).toBe(1005);
    expect(dropped).toHaveLength(1000);
  });

  test('that were retried are counted as retried too', () => {
    const { input, dispatch, poll, runs } = setUp({ onError: 'skip', retries: 1 });
    input(blockRefs(1));
    dispatch(1);
    const [run] = runs();
    const delta = {
      run: 1,
      now: 0,
      outputs: [],
      consumed: 0,
      partial: 0,
      busyMs: 0,
      droppedRows: [],
    };
    run?.replyTo.send({ type: 'run.error', ...delta, error: 'no', retryAfter: 0 });
    run?.replyTo.send({ type: 'task.retry' } as never);
    expect(poll().counts).toMatchObject({ retried: 1, dropped: 0 });
  });
});

test('the memory of running tasks is what the plan declares', () => {
  const { input, dispatch, poll } = setUp({ needs: { cpu: 1000, memory: 500_000 } });
  input(blockRefs(2));
  dispatch(2);
  expect(poll().view).toMatchObject({ memoryInUse: 1000, freeSlots: 2, active: 2 });
});

test('old snapshots stay true', () => {
  const { input, dispatch, ends, context } = setUp();
  input(blockRefs(3));
  const before = context();
  const copy = JSON.stringify({ inputs: before.inputs, counts: before.counts });
  dispatch(2);
  ends(0, made(2));
  expect(JSON.stringify({ inputs: before.inputs, counts: before.counts })).toBe(copy);
});
