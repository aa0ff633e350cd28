/**
 * What an operator holds: input and output queues, running tasks, counters. Its selectors answer what
 * the seed of this design asks of an `OperatorState`: is input pending, is there output, how many
 * tasks are active, is it completed.
 */
import type { BlockRef } from '../block.ts';
import type { Denial } from '../denial.ts';
import type { Draft } from '../draft.ts';
import type { OperatorPlan } from '../plan.ts';
import { emptyQueue, type RefQueue } from '../queue.ts';
import type { Credit } from '../resource/ledger.ts';
import type { TaskFailure } from '../task/task.protocol.ts';
import type { Dropped, OperatorCounts, OperatorInput } from './operator.protocol.ts';
import { accountTime, nameDoing, startShares, type Shares } from './operator.shares.ts';
import { unmeasured, type Sizing } from './operator.sizing.ts';

/** A task under way in one of the pool's actors. */
export interface RunningTask {
  readonly task: number;
  readonly token: number;
  /** Credit it waits for. */
  readonly missing: Credit | undefined;
  /** Blocks of credit it has not spent. */
  readonly creditBlocks: number;
  /** When it was last heard of: its start, or its last output. */
  readonly heardAt: number;
}

/** Outputs that wait until the tasks before theirs are over, in `preserveOrder` mode. */
export interface ParkedOutputs {
  readonly task: number;
  readonly refs: readonly BlockRef[];
  readonly over: boolean;
}

export interface OperatorContext {
  readonly plan: OperatorPlan;
  readonly addresses: Omit<OperatorInput, 'plan' | 'now'>;
  /** Input queues, one a port. */
  readonly inputs: readonly RefQueue[];
  /** Which ports will get nothing more. */
  readonly inputsDone: readonly boolean[];
  /** Which ports a task cannot do without. */
  readonly wants: readonly number[];
  readonly outputs: RefQueue;
  /** The pool of task actors: what each is doing. */
  readonly slots: readonly (RunningTask | undefined)[];
  readonly nextTask: number;
  /** Tasks in the order they were started, with what they yielded: only with `preserveOrder`. */
  readonly order: readonly ParkedOutputs[];
  readonly flushed: boolean;
  /** Takes no more input: its own wish, the end of reading, or because nobody wants its outputs. */
  readonly satisfied: boolean;
  /** Nobody wants what still comes out of its tasks. */
  readonly unwanted: boolean;
  readonly cancelled: boolean;
  readonly failure: TaskFailure | undefined;
  /** What failed after the first failure. */
  readonly laterErrors: readonly unknown[];
  /** Failed attempts that count towards the limit of `restarts`, oldest first. */
  readonly recentFailures: readonly { readonly at: number; readonly error: unknown }[];
  readonly denial: Denial | undefined;
  readonly counts: OperatorCounts;
  readonly dropped: Dropped;
  readonly sizing: Sizing;
  readonly shares: Shares;
  /** The supervisor has been told of a change and has not polled since. */
  readonly told: boolean;
  /** What the next report settles. */
  readonly unsettled: {
    readonly tokens: readonly number[];
    readonly produced: number;
    readonly returned: number;
  };
}

export const nothingUnsettled: OperatorContext['unsettled'] = {
  tokens: [],
  produced: 0,
  returned: 0,
};

/** How many of the blocks that were given up are listed; all are counted. */
export const MAX_LISTED = 1000;

export function initialOperator({ plan, now, ...addresses }: OperatorInput): OperatorContext {
  const ports = Array.from({ length: plan.ports }, (_, port) => port);
  return {
    plan,
    addresses,
    inputs: ports.map(() => emptyQueue),
    inputsDone: ports.map(() => false),
    wants: ports,
    outputs: emptyQueue,
    slots: [],
    nextTask: 0,
    order: [],
    flushed: false,
    satisfied: false,
    unwanted: false,
    cancelled: false,
    failure: undefined,
    laterErrors: [],
    recentFailures: [],
    denial: undefined,
    counts: {
      tasks: 0,
      retried: 0,
      failed: 0,
      cancelled: 0,
      dropped: 0,
      rowsDropped: 0,
      blocksIn: 0,
      rowsIn: 0,
      bytesIn: 0,
      blocksOut: 0,
      rowsOut: 0,
      bytesOut: 0,
      busyMs: 0,
    },
    dropped: [],
    sizing: unmeasured(plan),
    shares: startShares(now),
    told: false,
    unsettled: nothingUnsettled,
  };
}

/** A copy to be changed while a decision is made. */
export function draftContext(context: OperatorContext): Draft<OperatorContext> {
  return {
    plan: context.plan,
    addresses: context.addresses,
    inputs: context.inputs,
    inputsDone: context.inputsDone,
    wants: context.wants,
    outputs: context.outputs,
    slots: context.slots,
    nextTask: context.nextTask,
    order: context.order,
    flushed: context.flushed,
    satisfied: context.satisfied,
    unwanted: context.unwanted,
    cancelled: context.cancelled,
    failure: context.failure,
    laterErrors: context.laterErrors,
    recentFailures: context.recentFailures,
    denial: context.denial,
    counts: context.counts,
    dropped: context.dropped,
    sizing: context.sizing,
    shares: context.shares,
    told: context.told,
    unsettled: context.unsettled,
  };
}

export function activeTasks({ slots }: OperatorContext): number {
  let active = 0;
  for (const slot of slots) if (slot !== undefined) active += 1;
  return active;
}

export function holdingTasks({ slots }: OperatorContext): number {
  let holding = 0;
  for (const slot of slots) if (slot?.missing !== undefined) holding += 1;
  return holding;
}

export function hasPendingInput({ inputs }: OperatorContext): boolean {
  return inputs.some((queue) => queue.blocks > 0);
}

export function hasOutput({ outputs, order }: OperatorContext): boolean {
  return outputs.blocks > 0 || order.some(({ refs }) => refs.length > 0);
}

/** Blocks a task could start on now; 0 while a port it cannot do without is empty. */
export function startableBlocks(context: OperatorContext): number {
  if (isEnding(context)) return 0;
  let blocks = 0;
  for (const port of context.wants) {
    const waiting = context.inputs[port]?.blocks ?? 0;
    if (waiting === 0 && context.inputsDone[port] !== true) return 0;
    blocks += waiting;
  }
  return blocks;
}

/** Nothing is left to take, now or later. */
export function isInputOver(context: OperatorContext): boolean {
  if (isEnding(context)) return true;
  const { wants, inputs, inputsDone } = context;
  return wants.every((port) => inputsDone[port] === true && inputs[port]?.blocks === 0);
}

/** All that is left to do is the last task of an operator that keeps state. */
export function wantsFlush(context: OperatorContext): boolean {
  return (
    context.plan.serial &&
    !context.flushed &&
    !isEnding(context) &&
    activeTasks(context) === 0 &&
    isInputOver(context)
  );
}

/** Starts nothing more, whatever is queued. */
export function isEnding({ satisfied, cancelled, failure }: OperatorContext): boolean {
  return satisfied || cancelled || failure !== undefined;
}

/** Nothing is left of it: no task, no output, no input to come. */
export function isOver(context: OperatorContext): boolean {
  return (
    isInputOver(context) &&
    activeTasks(context) === 0 &&
    !hasOutput(context) &&
    !wantsFlush(context)
  );
}

/** The context with its time accounted for until `now`. */
export function withTime(context: OperatorContext, now: number): OperatorContext {
  const doing = nameDoing({
    active: activeTasks(context),
    holding: holdingTasks(context),
    waiting: startableBlocks(context) > 0 || wantsFlush(context),
    over: isOver(context),
    denial: context.denial,
  });
  const shares = accountTime(context.shares, doing, now);
  if (shares === context.shares) return context;
  const next = draftContext(context);
  next.shares = shares;
  return next;
}
