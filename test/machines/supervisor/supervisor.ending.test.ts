/** How a run begins, pauses and ends, as decisions: who is told what, and what is remembered. */
import { describe, expect, test } from 'vitest';
import { noSpill } from '../../../machines/hands.protocol.ts';
import {
  nothingLoosened,
  type SupervisorContext,
} from '../../../machines/supervisor/supervisor.context.ts';
import {
  abandon,
  noteAbandoned,
  addDemand,
  askForFreed,
  askForStep,
  begin,
  beginStep,
  cancel,
  close,
  discardSplits,
  drain,
  isQuiet,
  markChanged,
  markConsumer,
  markFreed,
  markRefilled,
  noteClosed,
  noteDelivered,
  open,
  pause,
  pollNow,
  refuse,
  resume,
  returnGrants,
  setBudget,
  setMaxConcurrency,
  settleFreed,
  settleReport,
  skipCycle,
  stopReading,
  takeStep,
} from '../../../machines/supervisor/supervisor.ending.ts';
import { blockRefs } from '../support/blocks.ts';
import { chain } from '../support/plans.ts';
import { desk } from '../support/supervisor.ts';
import { viewOf } from '../support/views.ts';

const PLAN = chain({ name: 'read' }, { name: 'work' });
const CANCELLED = { outcome: 'cancelled', reason: 'enough' } as const;
const FAILED = {
  outcome: 'failed',
  operator: 1,
  failure: { error: new Error('bad'), attempt: 1, lineage: '0.1' },
} as const;

describe('the beginning', () => {
  test('the runner opens sources and sinks, unless the run is over before it begins', () => {
    const { context, self, read } = desk(PLAN);
    expect(read(open(context, undefined, self).send)).toEqual([
      { to: 'runner', event: { type: 'runner.open', replyTo: self } },
    ]);
    expect(open({ ...context, ending: CANCELLED }, undefined, self)).toEqual({});
  });

  test('each source gets what it has to read, is told that this is all, and nobody else is', () => {
    const { context, read } = desk(PLAN);
    const refs = blockRefs(2);
    const step = begin(context, { type: 'runner.opened', now: 7, splits: new Map([[0, refs]]) });
    expect(step.context?.now).toBe(7);
    expect(step.context?.views).toMatchObject([
      { queuedBlocks: 2, startable: 2 },
      { queuedBlocks: 0, startable: 0 },
    ]);
    expect(read(step.send)).toEqual([
      { to: 'read', event: { type: 'operator.input', port: 0, refs } },
      { to: 'read', event: { type: 'operator.inputsDone', port: 0, now: 7 } },
    ]);
  });

  test('a source without splits has nothing to read', () => {
    const { context, read } = desk(PLAN);
    const step = begin(context, { type: 'runner.opened', now: 7, splits: new Map() });
    expect(step.context?.views?.[0]).toMatchObject({ queuedBlocks: 0, startable: 0 });
    expect(read(step.send)[0]).toMatchObject({ event: { refs: [] } });
  });

  test('a run that was told to stop before it began reads nothing', () => {
    const { context, read } = desk(PLAN, [], { stopping: true });
    const step = begin(context, { type: 'runner.opened', now: 7, splits: new Map() });
    expect(read(step.send).at(-1)).toEqual({
      to: 'read',
      event: { type: 'operator.finish', now: 7 },
    });
  });

  test('a source that cannot be opened fails the run, unless it is ending already', () => {
    const { context } = desk(PLAN);
    const event = { type: 'runner.refused', now: 7, operator: 1, error: 'no file' } as const;
    expect(refuse(context, event).context).toEqual({
      now: 7,
      ending: {
        outcome: 'failed',
        operator: 1,
        failure: { error: 'no file', attempt: 1, lineage: '' },
      },
    });
    expect(refuse({ ...context, ending: CANCELLED }, event).context?.ending).toBe(CANCELLED);
  });

  test('what was listed when the run was ending already is let go of', () => {
    const { context, read } = desk(PLAN);
    const [first, second, third] = blockRefs(3);
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    const splits = new Map([
      [0, [first, second]],
      [1, [third]],
    ]);
    const step = discardSplits(context, { type: 'runner.opened', now: 7, splits });
    expect(read(step.send)).toEqual([
      { to: 'store', event: { type: 'store.release', refs: [first, second, third] } },
    ]);
    const none = new Map([[0, []]]);
    expect(discardSplits(context, { type: 'runner.opened', now: 7, splits: none })).toEqual({});
  });
});

describe('what has changed', () => {
  const { context } = desk(PLAN, [], { changed: [0], demand: 3 });

  test('is remembered once for each operator', () => {
    const changed = (operator: number): unknown =>
      markChanged(context, { type: 'operator.changed', operator }).context?.changed;
    expect(changed(1)).toEqual([0, 1]);
    expect(changed(0)).toBeUndefined();
  });

  test('is demand, freed bytes or what the consumer does, each beside the others', () => {
    expect(addDemand(context, { type: 'consumer.demand', blocks: 4 }).context).toEqual({
      demand: 7,
      loosened: { ...nothingLoosened, demand: true },
    });
    expect(markFreed(context).context).toEqual({ loosened: { ...nothingLoosened, bytes: true } });
    expect(markConsumer(context).context).toEqual({
      loosened: { ...nothingLoosened, consumer: true },
    });
    const demanded = { ...context, loosened: { ...nothingLoosened, demand: true } };
    expect(markFreed(demanded).context?.loosened).toMatchObject({ bytes: true, demand: true });
    expect(markConsumer(demanded).context?.loosened).toMatchObject({ demand: true });
    const freed = { ...context, loosened: { ...nothingLoosened, bytes: true } };
    expect(addDemand(freed, { type: 'consumer.demand', blocks: 1 }).context?.loosened).toEqual({
      bytes: true,
      demand: true,
      consumer: false,
    });
  });

  test('is a rate that has refilled', () => {
    expect(markRefilled().context).toEqual({ stirred: true, refilling: false });
  });

  test('is the budget: ledger and store are told, and another cycle sees what fits now', () => {
    const { context: before, read } = desk(PLAN);
    const budget = { resources: {}, blockBytes: 5 };
    const step = setBudget(before, { type: 'run.setBudget', budget });
    expect(step.context).toEqual({ budget, stirred: true });
    expect(read(step.send)).toEqual([
      { to: 'resource', event: { type: 'resource.setBudget', budget, now: before.now } },
      { to: 'store', event: { type: 'store.setLimit', blockBytes: 5 } },
    ]);
  });

  test('is how many tasks an operator may have', () => {
    const { context: before, read } = desk(PLAN);
    const event = { type: 'run.setMaxConcurrency', operator: 1, maxConcurrency: 3 } as const;
    expect(read(setMaxConcurrency(before, event).send)).toEqual([
      { to: 'work', event: { type: 'operator.resize', maxConcurrency: 3 } },
    ]);
  });
});

describe('a pause', () => {
  test('begins, and ends with a look at what has changed meanwhile', () => {
    expect(pause().context).toEqual({ paused: true });
    expect(resume().context).toEqual({ paused: false, stirred: true });
  });

  test('has steps: one is asked for, and then is under way', () => {
    const { context, self, read } = desk(PLAN);
    const task = { operator: 1 };
    const asked = askForStep(context, { type: 'run.step', task }).context;
    expect(asked).toEqual({ paused: true, stepping: 'asked', stepTask: task });
    const step = takeStep({ ...context, ...asked }, undefined, self);
    expect(step.context).toEqual({ cycleAsked: true });
    expect(read(step.send)).toEqual([
      { to: 'clock', event: { type: 'clock.cycle', replyTo: self } },
    ]);
    expect(beginStep().context).toEqual({ stepping: 'under way' });
  });

  test('asks for the cycle of a step once', () => {
    const { context, self } = desk(PLAN, [], { stepping: 'asked', cycleAsked: true });
    expect(takeStep(context, undefined, self)).toEqual({ context: { cycleAsked: true }, send: [] });
  });

  test('after a step is a pause as before', () => {
    const { context, self } = desk(PLAN, [], { stepping: 'under way', stepTask: { operator: 1 } });
    expect(takeStep(context, undefined, self)).toEqual({
      context: { stepping: 'no', stepTask: undefined },
    });
  });

  test('lets a cycle go by that was asked for before it, and remembers to have another', () => {
    expect(skipCycle().context).toEqual({ cycleAsked: false, stirred: true });
  });
});

describe('the gentle end', () => {
  test('sources that are not over read no more; they are told once, and nobody else is', () => {
    const { context, read } = desk(PLAN);
    const step = stopReading(context);
    expect(step.context).toEqual({ stopping: true });
    expect(read(step.send)).toEqual([
      { to: 'read', event: { type: 'operator.finish', now: context.now } },
    ]);
    expect(stopReading({ ...context, stopping: true }).send).toEqual([]);
    expect(stopReading(desk(PLAN, [{ over: true }]).context).send).toEqual([]);
  });
});

describe('the end', () => {
  test('has the first cause that there was', () => {
    const { context } = desk(PLAN);
    const event = { type: 'run.cancel', reason: 'enough' } as const;
    expect(cancel(context, event).context).toEqual({ ending: CANCELLED });
    expect(cancel({ ...context, ending: FAILED }, event).context).toEqual({ ending: FAILED });
  });

  test('whoever is not over gives up, takers before givers; what was between them is let go of', () => {
    const [ref] = blockRefs(1);
    if (ref === undefined) throw new Error();
    const settlement = {
      holder: 0,
      tokens: [3],
      produced: 0,
      returned: 0,
      released: 0,
      closed: false,
    };
    const plan = chain({ name: 'read' }, { name: 'work' }, { name: 'write' });
    const { context, read } = desk(plan, [{}, {}, { over: true }], {
      ending: FAILED,
      arrived: [{ from: 0, refs: [ref] }],
      unsettled: [settlement],
      changed: [1],
      awaited: 2,
    });
    const step = drain(context);
    const { now } = context;
    const reason = FAILED.failure.error;
    expect(read(step.send)).toEqual([
      { to: 'clock', event: { type: 'clock.cancel', key: 'refill' } },
      { to: 'store', event: { type: 'store.release', refs: [ref] } },
      { to: 'resource', event: { type: 'resource.settle', settlements: [settlement] } },
      { to: 'work', event: { type: 'operator.cancel', reason, now } },
      { to: 'read', event: { type: 'operator.cancel', reason, now } },
      { to: 'work', event: { type: 'operator.poll', room: 0, now } },
    ]);
    expect(step.context).toEqual({ arrived: [], unsettled: [], changed: [], awaited: 3 });
  });

  test('nobody is told of nothing', () => {
    const { context, read } = desk(PLAN, [{ over: true }, { over: true }], { ending: CANCELLED });
    expect(read(drain(context).send)).toEqual([
      { to: 'clock', event: { type: 'clock.cancel', key: 'refill' } },
    ]);
  });

  test('an operator that has something to say is asked at once', () => {
    const { context, read } = desk(PLAN, [], { awaited: 1 });
    const step = pollNow(context, { type: 'operator.changed', operator: 1 });
    expect(step.context).toEqual({ awaited: 2 });
    expect(read(step.send)).toEqual([
      { to: 'work', event: { type: 'operator.poll', room: 0, now: context.now } },
    ]);
  });

  test('what it says is settled, and its outputs are let go of', () => {
    const { context, read } = desk(PLAN, [], { awaited: 2 });
    const outputs = blockRefs(2);
    const report = {
      type: 'operator.report',
      operator: 1,
      view: viewOf(1, { over: true }),
      outputs,
      tokens: [4],
      produced: 30,
      returned: 20,
      failure: undefined,
    } as never;
    const step = settleReport(context, report);
    expect(step.context).toMatchObject({ awaited: 1, views: [{}, { over: true }] });
    expect(step.context?.reports?.[1]).toBe(report);
    expect(read(step.send)).toEqual([
      { to: 'store', event: { type: 'store.release', refs: outputs } },
      {
        to: 'resource',
        event: {
          type: 'resource.settle',
          settlements: [
            { holder: 1, tokens: [4], produced: 30, returned: 20, released: 0, closed: true },
          ],
        },
      },
    ]);
    const silent = settleReport(context, { ...(report as object), outputs: [] } as never);
    expect(read(silent.send)).toMatchObject([{ to: 'resource' }]);
  });

  test('what is granted when it is too late goes back', () => {
    const { context, read } = desk(PLAN);
    const credit = { blocks: 1, bytes: 50 };
    const grant = { holder: 1, slot: undefined, credit, inputs: undefined, forced: false };
    const decision = {
      type: 'resource.decision',
      grants: [
        { ...grant, token: 9 },
        { ...grant, slot: 0, token: undefined },
      ],
      refusals: [],
      refillAt: undefined,
      liveBytes: 0,
    } as const;
    const step = returnGrants(context, decision);
    expect(step.context).toEqual({ asked: [] });
    const returned = { holder: 1, produced: 0, returned: 50, released: 0, closed: false };
    expect(read(step.send)).toEqual([
      {
        to: 'resource',
        event: {
          type: 'resource.settle',
          settlements: [
            { ...returned, tokens: [9] },
            { ...returned, tokens: [] },
          ],
        },
      },
    ]);
    expect(returnGrants(context, { ...decision, grants: [] })).toEqual({ context: { asked: [] } });
  });

  test('is quiet when all are over and no answer is on its way', () => {
    const over = [{ over: true }, { over: true }];
    const quiet = (...[views, parts]: [typeof over, object?]): boolean =>
      isQuiet(desk(PLAN, views, parts).context);
    expect(quiet(over)).toBe(true);
    expect(quiet(over, { awaited: 1 })).toBe(false);
    expect(quiet(over, { asked: [{}] })).toBe(false);
    expect(quiet([{ over: true }, { over: false }])).toBe(false);
  });

  test.each([
    ['done', { outcome: 'done' } as const, undefined],
    ['cancelled', CANCELLED, 'enough'],
    ['failed', FAILED, FAILED.failure.error],
  ])('sinks and the consumer hear that the run is %s, and why', (outcome, ending, reason) => {
    const { context, self, read } = desk(PLAN, [], { ending });
    expect(read(close(context, undefined, self).send)).toEqual([
      { to: 'outlet', event: { type: 'outlet.close', outcome, reason, replyTo: self } },
      { to: 'runner', event: { type: 'runner.close', outcome, reason, replyTo: self } },
    ]);
  });

  test('a cancel while it closes ends what only the consumer waits for, unless it was cancelled before', () => {
    const cancelled = { type: 'run.cancel', reason: 'now' } as const;
    for (const ending of [undefined, FAILED]) {
      const { context, self, read } = desk(PLAN, [], { ending });
      const step = abandon(context, cancelled, self);
      expect(step.context).toEqual({ abandoning: true });
      expect(read(step.send)).toEqual([
        { to: 'outlet', event: { type: 'outlet.abandon', reason: 'now', replyTo: self } },
        { to: 'runner', event: { type: 'runner.abandon', reason: 'now' } },
      ]);
    }
    const { context, self } = desk(PLAN, [], { ending: CANCELLED });
    expect(abandon(context, cancelled, self)).toEqual({});
  });

  test('it was cancelled if that took blocks from the consumer, and has failed if it had', () => {
    const abandoned = { type: 'outlet.abandoned', blocks: 2, reason: 'now' } as const;
    const after = (ending: SupervisorContext['ending'], blocks: number): unknown =>
      noteAbandoned(desk(PLAN, [], { ending }).context, { ...abandoned, blocks }).context;
    const now = { outcome: 'cancelled', reason: 'now' };
    expect(after(undefined, 2)).toEqual({ abandoning: false, ending: now });
    expect(after(undefined, 0)).toEqual({ abandoning: false, ending: undefined });
    expect(after(FAILED, 2)).toEqual({ abandoning: false, ending: FAILED });
  });

  test('a sink that cannot commit fails a run that was done or cancelled, and adds to one that failed', () => {
    const closed = {
      type: 'runner.closed',
      now: 9,
      failures: [
        { operator: 1, error: 'disk full' },
        { operator: 0, error: 'late' },
      ],
    } as const;
    const failed = {
      outcome: 'failed',
      operator: 1,
      failure: { error: 'disk full', attempt: 1, lineage: '' },
    };
    const laterErrors = ['before'];
    for (const ending of [{ outcome: 'done' } as const, CANCELLED]) {
      const { context } = desk(PLAN, [], { ending, laterErrors });
      expect(noteClosed(context, closed).context).toEqual({
        now: 9,
        ending: failed,
        laterErrors: ['before', 'late'],
      });
    }
    const { context } = desk(PLAN, [], { ending: FAILED, laterErrors });
    expect(noteClosed(context, closed).context).toEqual({
      now: 9,
      ending: FAILED,
      laterErrors: ['before', 'disk full', 'late'],
    });
    expect(noteClosed(context, { ...closed, failures: [] }).context).toEqual({
      now: 9,
      ending: FAILED,
      laterErrors: ['before'],
    });
  });

  test('is told when the last dead letters are handled', () => {
    expect(noteDelivered().context).toEqual({ delivered: true });
  });

  test('asks the store for the last freed bytes, and books them', () => {
    const { context, self, read } = desk(PLAN, [], { awaited: 0 });
    const step = askForFreed(context, undefined, self);
    expect(step.context).toEqual({ awaited: 1 });
    expect(read(step.send)).toEqual([
      { to: 'store', event: { type: 'store.poll', replyTo: self } },
    ]);
    const spill = { ...noSpill, written: 2 };
    const released = new Map([[1, 40]]);
    const settled = settleFreed(
      { ...context, awaited: 1 },
      { type: 'store.report', released, spill },
    );
    expect(settled.context).toEqual({ awaited: 0, spill });
    expect(read(settled.send)).toEqual([
      {
        to: 'resource',
        event: {
          type: 'resource.settle',
          settlements: [
            { holder: 1, tokens: [], produced: 0, returned: 0, released: 40, closed: false },
          ],
        },
      },
    ]);
  });
});
