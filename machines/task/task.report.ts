/** What the report of a run means for its task: for its context, and for whom it concerns. */
import { bytesOf, type BlockRef } from '../block.ts';
import type { DeadLetter, RunDelta } from '../hands.protocol.ts';
import { noCredit } from '../resource/ledger.ts';
import { tell, type Message } from '../xstate.ts';
import { draftTask, type EventOf, type TaskContext, type TaskStep } from './task.context.ts';
import type { TaskDelta, TaskFailure, TaskReport } from './task.protocol.ts';

/** Takes a report into the context, and works out what it means for the operator. */
export function absorb(context: TaskContext, event: RunDelta): [TaskContext, TaskDelta] {
  const { outputs, consumed, busyMs, now, partial, droppedRows } = event;
  // Blocks that are passed on stay charged to whoever made them and take no credit.
  const made = outputs.filter((ref) => ref.producer === context.settings.operatorIndex);
  const produced = bytesOf(made);
  const next = draftTask(context);
  if (consumed > 0) {
    next.inputs = context.inputs.slice(consumed);
    next.attempt = 1;
  }
  next.published = partial;
  next.credit = {
    blocks: Math.max(0, context.credit.blocks - made.length),
    bytes: context.credit.bytes - produced,
  };
  const delta: TaskDelta = {
    slot: context.settings.slot,
    task: context.task,
    outputs,
    consumed: consumed === 0 ? [] : context.inputs.slice(0, consumed),
    produced,
    blocks: made.length,
    busyMs,
    droppedRows,
    now,
  };
  return [next, delta];
}

export function nothing(context: TaskContext, { now }: { readonly now: number }): TaskDelta {
  const { slot } = context.settings;
  return {
    slot,
    task: context.task,
    outputs: [],
    consumed: [],
    produced: 0,
    blocks: 0,
    busyMs: 0,
    droppedRows: [],
    now,
  };
}

/** Ends the task: unspent credit goes back, inputs that were not done with are let go of. */
export function settle(
  context: TaskContext,
  delta: TaskDelta,
  end: {
    readonly outcome: 'done' | 'failed' | 'cancelled';
    readonly satisfied?: boolean;
    readonly wants?: readonly number[] | undefined;
    readonly failure?: TaskFailure;
  },
): TaskStep {
  const { outcome, satisfied = false, wants, failure } = end;
  const next = draftTask(context);
  next.inputs = [];
  next.perPort = [];
  next.credit = noCredit;
  next.published = 0;
  return {
    context: next,
    send: [
      ...release(context, [...delta.consumed, ...context.inputs]),
      report(context, {
        type: 'task.settled',
        ...delta,
        outcome,
        satisfied,
        wants,
        failure,
        returned: context.credit,
      }),
    ],
  };
}

/** What becomes of an input that is given up: it is handed out as a dead letter, or let go of. */
export function giveUp(context: TaskContext, event: EventOf<'run.error'>): [DeadLetter, Message[]] {
  const [input] = context.inputs;
  if (input === undefined) throw new Error('there is no input to give up');
  const { settings, attempt, published } = context;
  const letter: DeadLetter = {
    operator: settings.operatorName,
    lineage: input.lineage,
    attempts: attempt,
    cause: event.error,
    input,
    row: undefined,
    published,
  };
  return settings.onError === 'deadLetter'
    ? [letter, [tell(settings.outlet, { type: 'outlet.deadLetter', letter })]]
    : [letter, release(context, [input])];
}

export function report(context: TaskContext, event: TaskReport): Message {
  return tell(context.settings.operator, event);
}

export function release(context: TaskContext, refs: readonly BlockRef[]): Message[] {
  return refs.length === 0 ? [] : [tell(context.settings.store, { type: 'store.release', refs })];
}
