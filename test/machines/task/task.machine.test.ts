import { describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import type {
  ClockEvent,
  OutletEvent,
  RunDelta,
  RunnerEvent,
  RunnerRun,
  StoreEvent,
} from '../../../machines/hands.protocol.ts';
import type { Credit } from '../../../machines/resource/ledger.ts';
import { taskMachine } from '../../../machines/task/task.machine.ts';
import type { TaskInput, TaskJob, TaskReport } from '../../../machines/task/task.protocol.ts';
import { blockRef, blockRefs, idsOf } from '../support/blocks.ts';
import { recorder } from '../support/recorder.ts';

/** The operator under test has this index: the blocks it makes are charged to it. */
const SELF = 3;
const CREDIT: Credit = { blocks: 4, bytes: 100 };

/** A task actor among recorders; the test plays its operator, its runner and its clock. */
function setUp(settings: Partial<TaskInput> = {}) {
  const operator = recorder<TaskReport>();
  const runner = recorder<RunnerEvent>();
  const store = recorder<StoreEvent>();
  const clock = recorder<ClockEvent>();
  const outlet = recorder<OutletEvent>();
  const actor = createActor(taskMachine, {
    input: {
      slot: 2,
      operatorIndex: SELF,
      operatorName: 'work',
      retries: 0,
      onError: 'fail',
      operator: operator.address,
      runner: runner.address,
      store: store.address,
      clock: clock.address,
      outlet: outlet.address,
      ...settings,
    },
  });
  actor.start();
  const runs = (): readonly RunnerRun[] => runner.of('runner.run');
  const delta = (parts: Partial<RunDelta>): RunDelta => {
    const run = runs().at(-1)?.run ?? 0;
    return {
      run,
      now: 10,
      outputs: [],
      consumed: 0,
      partial: 0,
      busyMs: 0,
      droppedRows: [],
      ...parts,
    };
  };
  return {
    actor,
    operator,
    runner,
    clock,
    outlet,
    runs,
    state: () => actor.getSnapshot().value,
    /** Ids of the blocks that were let go of since the last call. */
    released: () =>
      store.take().flatMap((event) => (event.type === 'store.release' ? idsOf(event.refs) : [])),
    start: (parts: Partial<TaskJob> = {}): void => {
      const inputs = parts.inputs ?? [blockRef(1)];
      const job = { task: 7, inputs, perPort: [inputs.length], ended: [false], flush: false };
      actor.send({ type: 'task.start', job: { ...job, credit: CREDIT, ...parts } });
    },
    progress: (parts: Partial<RunDelta> & { held?: Credit } = {}): void => {
      const { held, ...rest } = parts;
      actor.send({ type: 'run.progress', ...delta(rest), held });
    },
    end: (
      parts: Partial<RunDelta> & { satisfied?: boolean; wants?: readonly number[] } = {},
    ): void => {
      const { satisfied = false, wants, ...rest } = parts;
      actor.send({ type: 'run.end', ...delta(rest), satisfied, wants });
    },
    fail: (parts: Partial<RunDelta> & { error?: unknown; retryAfter?: number } = {}): void => {
      const { error = new Error('no'), retryAfter, ...rest } = parts;
      actor.send({ type: 'run.error', ...delta(rest), error, retryAfter });
    },
    credit: (credit: Credit): void => {
      actor.send({ type: 'task.credit', credit });
    },
    cancel: (): void => {
      actor.send({ type: 'task.cancel', reason: 'enough', now: 20 });
    },
    retry: (): void => {
      actor.send({ type: 'task.retry' });
    },
  };
}

/** Outputs of the task, which are charged to its operator. */
function made(count: number, from = 100): ReturnType<typeof blockRefs> {
  return blockRefs(count, from, { producer: SELF });
}

test('an actor without a task holds no block and no credit', () => {
  const { actor, start, end, fail } = setUp();
  const free = { inputs: [], perPort: [], credit: { blocks: 0, bytes: 0 }, published: 0 };
  expect(actor.getSnapshot().context).toMatchObject({ ...free, task: -1, ended: [], flush: false });
  start({ inputs: blockRefs(3) });
  end({ consumed: 3, partial: 1 });
  expect(actor.getSnapshot().context).toMatchObject(free);
  start({ inputs: blockRefs(3) });
  fail({ consumed: 1, partial: 1 });
  expect(actor.getSnapshot().context).toMatchObject(free);
});

describe('a task that goes well', () => {
  test('hands its job to the runner and waits for the first output', () => {
    const { start, state, runs, actor } = setUp();
    expect(state()).toBe('idle');
    start({ inputs: blockRefs(2), perPort: [1, 1], ended: [false, true], flush: true });
    expect(state()).toBe('starting');
    expect(runs()).toMatchObject([
      {
        type: 'runner.run',
        operator: SELF,
        task: 7,
        run: 1,
        attempt: 1,
        perPort: [1, 1],
        ended: [false, true],
        skip: 0,
        credit: CREDIT,
        flush: true,
      },
    ]);
    expect(idsOf(runs()[0]?.inputs ?? [])).toEqual([1, 2]);
    expect(runs()[0]?.replyTo).toBe(actor);
  });

  test('reports what was yielded, and lets go of the inputs that are done with', () => {
    const { start, progress, state, operator, released } = setUp();
    start({ inputs: blockRefs(3) });
    progress({ outputs: made(2), consumed: 2, busyMs: 5 });
    expect(state()).toBe('streaming');
    expect(operator.take()).toMatchObject([
      {
        type: 'task.progress',
        slot: 2,
        task: 7,
        produced: 20,
        blocks: 2,
        busyMs: 5,
        now: 10,
        held: undefined,
        retried: undefined,
        dropped: undefined,
      },
    ]);
    const [report] = operator.of('task.progress');
    expect(idsOf(report?.outputs ?? [])).toEqual([100, 101]);
    expect(idsOf(report?.consumed ?? [])).toEqual([1, 2]);
    expect(released()).toEqual([1, 2]);
  });

  test('settles with the credit that is left, and is free for the next task', () => {
    const { start, end, progress, state, operator, released, runs } = setUp();
    start({ inputs: blockRefs(2) });
    progress({ outputs: made(1), consumed: 1 });
    end({ outputs: made(1, 101), consumed: 1 });
    expect(state()).toBe('idle');
    expect(operator.of('task.settled')).toMatchObject([
      {
        slot: 2,
        task: 7,
        outcome: 'done',
        produced: 10,
        returned: { blocks: 2, bytes: 80 },
        satisfied: false,
        wants: undefined,
        failure: undefined,
      },
    ]);
    expect(released()).toEqual([1, 2]);
    start({ task: 8, inputs: [blockRef(5)] });
    expect(runs().at(-1)).toMatchObject({ task: 8, run: 2, attempt: 1, skip: 0, credit: CREDIT });
  });

  test('says that no more input is needed, and which ports need more', () => {
    const { start, end, operator } = setUp();
    start();
    end({ consumed: 1, satisfied: true, wants: [1] });
    expect(operator.of('task.settled')).toMatchObject([{ satisfied: true, wants: [1] }]);
  });

  test('blocks that are passed on as they are take no credit', () => {
    const { start, end, operator } = setUp();
    start();
    end({ outputs: [blockRef(9, { producer: 0 })], consumed: 1 });
    const [settled] = operator.of('task.settled');
    expect(settled).toMatchObject({ produced: 0, blocks: 0, returned: CREDIT });
    expect(idsOf(settled?.outputs ?? [])).toEqual([9]);
  });
});

describe('a task without output credit', () => {
  const missing: Credit = { blocks: 1, bytes: -30 };

  test('holds and says what it waits for', () => {
    const { start, progress, state, operator } = setUp();
    start();
    progress({ held: missing });
    expect(state()).toBe('holding');
    expect(operator.take()).toMatchObject([{ type: 'task.progress', held: missing }]);
  });

  test('goes on when credit comes, which it passes to its runner', () => {
    const { start, progress, credit, state, runner } = setUp();
    start();
    progress({ held: missing });
    runner.take();
    credit({ blocks: 2, bytes: 50 });
    expect(state()).toBe('streaming');
    expect(runner.take()).toMatchObject([
      { type: 'runner.credit', run: 1, credit: { blocks: 2, bytes: 50 } },
    ]);
  });

  test('may hold at once, again and again, and end from there', () => {
    const { start, progress, credit, end, state, operator } = setUp();
    start({ credit: { blocks: 0, bytes: 0 } });
    progress({ held: missing });
    progress({ held: { blocks: 0, bytes: 5 } });
    expect(state()).toBe('holding');
    credit({ blocks: 1, bytes: 10 });
    progress({ outputs: made(1), held: missing });
    expect(state()).toBe('holding');
    end({ consumed: 1 });
    expect(state()).toBe('idle');
    expect(operator.of('task.settled')).toMatchObject([{ returned: { blocks: 0, bytes: 0 } }]);
  });

  test('takes credit while it starts and while it streams', () => {
    const { start, credit, progress, end, state, operator, runner } = setUp();
    start();
    credit({ blocks: 1, bytes: 10 });
    expect(state()).toBe('starting');
    progress({ outputs: made(1) });
    credit({ blocks: 1, bytes: 10 });
    expect(state()).toBe('streaming');
    expect(runner.of('runner.credit')).toHaveLength(2);
    end({ consumed: 1 });
    expect(operator.of('task.settled')).toMatchObject([{ returned: { blocks: 5, bytes: 110 } }]);
  });

  test('gives back credit that comes when it is over', () => {
    const { start, end, credit, operator, state } = setUp();
    start();
    end({ consumed: 1 });
    operator.take();
    credit({ blocks: 1, bytes: 10 });
    expect(state()).toBe('idle');
    expect(operator.take()).toEqual([
      { type: 'task.returned', slot: 2, credit: { blocks: 1, bytes: 10 } },
    ]);
  });
});

describe('an attempt that fails', () => {
  test('is repeated after a wait, by a message from the clock', () => {
    const { start, fail, retry, state, clock, operator, runs, actor } = setUp({ retries: 1 });
    const error = new Error('flaky');
    start();
    fail({ error, retryAfter: 250 });
    expect(state()).toBe('retrying');
    expect(operator.take()).toMatchObject([
      { type: 'task.progress', retried: { lineage: '1', error, delayMs: 250 }, dropped: undefined },
    ]);
    expect(clock.messages).toMatchObject([
      { type: 'clock.wake', delay: 250, event: { type: 'task.retry' } },
    ]);
    expect(clock.of('clock.wake')[0]?.replyTo).toBe(actor);
    retry();
    expect(state()).toBe('starting');
    expect(runs().at(-1)).toMatchObject({ run: 2, attempt: 2, skip: 0, credit: CREDIT });
  });

  test('is not waited for under the key of another task', () => {
    const keys = [0, 1].map((slot) => {
      const { start, fail, clock } = setUp({ retries: 1, slot });
      start();
      fail({ retryAfter: 1 });
      return clock.of('clock.wake')[0]?.key;
    });
    expect(new Set(keys).size).toBe(2);
  });

  test('resumes at the input that failed, skipping what was published', () => {
    const { start, progress, fail, retry, runs, released } = setUp({ retries: 1 });
    start({ inputs: blockRefs(3) });
    progress({ outputs: made(1), consumed: 1 });
    fail({ outputs: made(2, 101), partial: 2, retryAfter: 0 });
    expect(released()).toEqual([1]);
    retry();
    const run = runs().at(-1);
    expect(run).toMatchObject({ attempt: 2, skip: 2, credit: { blocks: 1, bytes: 70 } });
    expect(idsOf(run?.inputs ?? [])).toEqual([2, 3]);
  });

  test('is repeated as often as the retries allow, for each input', () => {
    const { start, fail, retry, state, runs } = setUp({ retries: 2 });
    start({ inputs: blockRefs(2) });
    fail({ retryAfter: 0 });
    retry();
    fail({ retryAfter: 0 });
    retry();
    expect(runs().at(-1)).toMatchObject({ attempt: 3 });
    // The first input is done with: the count begins anew.
    fail({ consumed: 1, retryAfter: 0 });
    expect(state()).toBe('retrying');
    retry();
    expect(runs().at(-1)).toMatchObject({ attempt: 2 });
    fail({ retryAfter: 0 });
    retry();
    fail({ retryAfter: 0 });
    expect(state()).toBe('idle');
  });

  test('keeps credit that comes while it waits for the next one', () => {
    const { start, fail, credit, retry, state, runs } = setUp({ retries: 1 });
    start();
    fail({ retryAfter: 5 });
    credit({ blocks: 1, bytes: 10 });
    expect(state()).toBe('retrying');
    retry();
    expect(runs().at(-1)).toMatchObject({ credit: { blocks: 5, bytes: 110 } });
  });

  test('fails the task when the error is not worth another one', () => {
    const { start, fail, state, clock } = setUp({ retries: 5 });
    start();
    fail();
    expect(state()).toBe('idle');
    expect(clock.messages).toEqual([]);
  });

  test('fails the task when the attempts are used up, and lets go of the inputs', () => {
    const { start, fail, retry, operator, released, state } = setUp({ retries: 1 });
    const error = new Error('for good');
    start({ inputs: blockRefs(3) });
    fail({ consumed: 1, retryAfter: 0 });
    retry();
    fail({ error, outputs: made(1), partial: 1, retryAfter: 0 });
    expect(state()).toBe('idle');
    const [settled] = operator.of('task.settled');
    expect(settled).toMatchObject({
      outcome: 'failed',
      failure: { error, attempt: 2, lineage: '2' },
      returned: { blocks: 3, bytes: 90 },
    });
    expect(idsOf(settled?.outputs ?? [])).toEqual([100]);
    expect(released()).toEqual([1, 2, 3]);
  });

  test('leaves no trace in the next task of the actor', () => {
    const { start, fail, runs } = setUp({ retries: 0 });
    start();
    fail({ outputs: made(2), partial: 2 });
    start({ inputs: [blockRef(5)] });
    expect(runs().at(-1)).toMatchObject({ attempt: 1, skip: 0, credit: CREDIT });
  });

  test('leaves the flush of an operator nothing to give up: it fails even with skip', () => {
    const { start, fail, operator } = setUp({ onError: 'skip' });
    start({ inputs: [], flush: true });
    fail();
    expect(operator.of('task.settled')).toMatchObject([
      { outcome: 'failed', failure: { lineage: '' } },
    ]);
  });
});

describe('an input that is given up', () => {
  test('is told with its cause, and the task goes on with the next one', () => {
    const { start, fail, state, operator, released, runs } = setUp({ onError: 'skip' });
    const cause = new Error('bad row');
    start({ inputs: blockRefs(3) });
    fail({ error: cause, consumed: 1, outputs: made(1), partial: 1 });
    expect(state()).toBe('starting');
    expect(operator.take()).toMatchObject([
      {
        type: 'task.progress',
        dropped: {
          operator: 'work',
          lineage: '2',
          attempts: 1,
          cause,
          input: { id: 2 },
          published: 1,
        },
      },
    ]);
    expect(released()).toEqual([1, 2]);
    const run = runs().at(-1);
    expect(run).toMatchObject({ run: 2, attempt: 1, skip: 0, credit: { blocks: 3, bytes: 90 } });
    expect(idsOf(run?.inputs ?? [])).toEqual([3]);
  });

  test('ends the task well when it was the last one', () => {
    const { start, fail, state, operator, released } = setUp({ onError: 'skip' });
    start({ inputs: blockRefs(2) });
    fail({ consumed: 1, busyMs: 8, outputs: made(1), partial: 0 });
    expect(state()).toBe('idle');
    const [progress, settled] = operator.take();
    expect(progress).toMatchObject({
      type: 'task.progress',
      busyMs: 8,
      produced: 10,
      dropped: { lineage: '2' },
    });
    // What happened before the end is told once.
    expect(settled).toMatchObject({
      type: 'task.settled',
      outcome: 'done',
      busyMs: 0,
      produced: 0,
      outputs: [],
      consumed: [],
      droppedRows: [],
      // The operator goes on with the next ones.
      satisfied: false,
      returned: { blocks: 3, bytes: 90 },
    });
    expect(released()).toEqual([1, 2]);
  });

  test('is given up only when its attempts are used up', () => {
    const { start, fail, retry, state, operator } = setUp({ onError: 'skip', retries: 1 });
    start();
    fail({ retryAfter: 0 });
    expect(state()).toBe('retrying');
    retry();
    fail({ retryAfter: 0 });
    expect(operator.of('task.progress').at(-1)).toMatchObject({ dropped: { attempts: 2 } });
  });

  test('goes to the outlet as a dead letter, which holds it from then on', () => {
    const { start, fail, outlet, released } = setUp({ onError: 'deadLetter' });
    start({ inputs: blockRefs(2) });
    fail();
    fail();
    expect(outlet.of('outlet.deadLetter').map(({ letter }) => letter.input.id)).toEqual([1, 2]);
    expect(released()).toEqual([]);
  });
});

describe('a task that is told to read no more', () => {
  test.each(['starting', 'streaming', 'holding'] as const)(
    'tells its run while it is %s',
    (from) => {
      const { start, progress, actor, state, runner, end } = setUp();
      start();
      if (from === 'streaming') progress({ outputs: made(1) });
      if (from === 'holding') progress({ held: { blocks: 1, bytes: 0 } });
      actor.send({ type: 'task.finish' });
      expect(state()).toBe(from);
      expect(runner.of('runner.finish')).toMatchObject([{ run: 1 }]);
      end();
      expect(state()).toBe('idle');
    },
  );

  test('has nobody to tell when nothing runs', () => {
    const { actor, runner, start, cancel } = setUp();
    actor.send({ type: 'task.finish' });
    start();
    cancel();
    actor.send({ type: 'task.finish' });
    expect(runner.of('runner.finish')).toEqual([]);
  });
});

describe('a task that is cancelled', () => {
  test.each(['starting', 'streaming', 'holding'] as const)(
    'while it is %s waits for the real end',
    (from) => {
      const { start, progress, cancel, end, state, runner, operator, released } = setUp();
      start({ inputs: blockRefs(2) });
      if (from === 'streaming') progress({ outputs: made(1) });
      if (from === 'holding') progress({ held: { blocks: 1, bytes: 0 } });
      expect(state()).toBe(from);
      cancel();
      expect(state()).toBe('cancelled');
      expect(runner.of('runner.cancel')).toMatchObject([{ run: 1, reason: 'enough' }]);
      expect(operator.of('task.settled')).toEqual([]);
      end({ outputs: made(1, 105) });
      expect(state()).toBe('idle');
      expect(operator.of('task.settled')).toMatchObject([{ outcome: 'cancelled', outputs: [] }]);
      expect(released()).toEqual([105, 1, 2]);
    },
  );

  test('gives back its credit, except for what it has spent', () => {
    const { start, cancel, credit, end, operator } = setUp();
    start();
    cancel();
    credit({ blocks: 1, bytes: 50 });
    end({ outputs: made(1) });
    expect(operator.of('task.settled')).toMatchObject([
      { produced: 10, returned: { blocks: 4, bytes: 140 } },
    ]);
  });

  test('does not pass on what it still yields, and counts the credit it took', () => {
    const { start, cancel, progress, end, operator, released, state } = setUp();
    start({ inputs: blockRefs(2) });
    cancel();
    progress({ outputs: made(2), consumed: 1 });
    expect(state()).toBe('cancelled');
    expect(operator.take()).toMatchObject([
      { type: 'task.progress', outputs: [], produced: 20, blocks: 2, held: undefined },
    ]);
    expect(released()).toEqual([1, 100, 101]);
    end();
    expect(released()).toEqual([2]);
    expect(operator.of('task.settled')).toMatchObject([{ returned: { blocks: 2, bytes: 80 } }]);
  });

  test('is cancelled even when it ends with an error', () => {
    const { start, cancel, fail, operator, clock } = setUp({ retries: 3, onError: 'skip' });
    start();
    cancel();
    fail({ retryAfter: 5 });
    expect(operator.of('task.settled')).toMatchObject([
      { outcome: 'cancelled', failure: undefined },
    ]);
    expect(clock.messages).toEqual([]);
  });

  test('is told to its runner once', () => {
    const { start, cancel, runner } = setUp();
    start();
    cancel();
    cancel();
    expect(runner.of('runner.cancel')).toHaveLength(1);
  });

  test('between two attempts ends at once, and its alarm is switched off', () => {
    const { start, fail, cancel, retry, state, clock, operator, released, runs } = setUp({
      retries: 1,
    });
    start();
    fail({ outputs: made(1), partial: 1, retryAfter: 50 });
    operator.take();
    cancel();
    expect(state()).toBe('idle');
    const [wake, off] = clock.messages;
    expect(off).toEqual({ type: 'clock.cancel', key: wake?.type === 'clock.wake' ? wake.key : '' });
    expect(operator.take()).toMatchObject([
      { type: 'task.settled', outcome: 'cancelled', now: 20, returned: { blocks: 3, bytes: 90 } },
    ]);
    expect(released()).toEqual([1]);
    // The alarm may have rung already.
    retry();
    expect(state()).toBe('idle');
    expect(runs()).toHaveLength(1);
  });
});

describe('reports of a run that was given up', () => {
  /** A task whose first run has failed and whose second run is under way. */
  function second(): ReturnType<typeof setUp> {
    const task = setUp({ retries: 1 });
    task.start();
    task.fail({ retryAfter: 0 });
    task.retry();
    task.operator.take();
    return task;
  }

  test.each(['starting', 'streaming', 'holding', 'cancelled'] as const)(
    'are ignored while the next one is %s, and their outputs let go of',
    (state) => {
      const task = second();
      if (state === 'streaming') task.progress({ outputs: made(1, 50) });
      if (state === 'holding') task.progress({ held: { blocks: 1, bytes: 0 } });
      if (state === 'cancelled') task.cancel();
      task.operator.take();
      task.progress({ run: 1, outputs: made(1, 100) });
      task.end({ run: 1, outputs: made(1, 101), consumed: 1 });
      task.fail({ run: 1, outputs: made(1, 102) });
      expect(task.state()).toBe(state);
      expect(task.operator.of('task.settled')).toEqual([]);
      expect(task.released()).toEqual([100, 101, 102]);
    },
  );

  test('are ignored while the task waits for its next attempt, and their outputs let go of', () => {
    const task = setUp({ retries: 1 });
    task.start();
    task.fail({ retryAfter: 5 });
    task.progress({ outputs: made(1) });
    expect(task.state()).toBe('retrying');
    expect(task.released()).toEqual([100]);
  });

  test('are ignored when the task is over, and their outputs let go of', () => {
    const task = setUp();
    task.start();
    task.end({ consumed: 1 });
    expect(task.released()).toEqual([1]);
    task.progress({ outputs: made(1) });
    task.end({ outputs: made(1, 101) });
    task.fail({ outputs: made(1, 102) });
    expect(task.state()).toBe('idle');
    expect(task.released()).toEqual([100, 101, 102]);
    expect(task.operator.of('task.settled')).toHaveLength(1);
  });
});

test('an alarm that rings for no reason changes nothing', () => {
  const { retry, state, runs } = setUp();
  retry();
  expect(state()).toBe('idle');
  expect(runs()).toEqual([]);
});
