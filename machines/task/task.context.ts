/** The decisions of the task chart: pure functions from a context and an event to a step. */
import { bytesOf, type BlockRef } from '../block.ts';
import type { DeadLetter, RunDelta, RunReport } from '../hands.protocol.ts';
import { noCredit, type Credit } from '../resource/ledger.ts';
import { tell, type Message, type Step } from '../xstate.ts';
import type {
  TaskAddress,
  TaskDelta,
  TaskEvent,
  TaskFailure,
  TaskInput,
  TaskReport,
} from './task.protocol.ts';

export interface TaskContext {
  readonly settings: TaskInput;
  /** Number of the task, from 0; -1 before the first. */
  readonly task: number;
  /** Inputs that are not done with, oldest first. */
  readonly inputs: readonly BlockRef[];
  readonly perPort: readonly number[];
  readonly ended: readonly boolean[];
  readonly flush: boolean;
  /** Number of the current run; the reports of any other are stale. */
  readonly run: number;
  /** Attempts at the first remaining input, the current one included. */
  readonly attempt: number;
  /** Outputs of the first remaining input that are out. */
  readonly published: number;
  /** Output credit that is not spent. */
  readonly credit: Credit;
}

type EventOf<TType extends TaskEvent['type']> = Extract<TaskEvent, { type: TType }>;
type TaskStep = Step<TaskContext>;

export function initialTask(settings: TaskInput): TaskContext {
  return {
    settings,
    task: -1,
    inputs: [],
    perPort: [],
    ended: [],
    flush: false,
    run: 0,
    attempt: 1,
    published: 0,
    credit: noCredit,
  };
}

export function beginTask(
  context: TaskContext,
  { job }: EventOf<'task.start'>,
  self: TaskAddress,
): TaskStep {
  const next = { ...context, ...job, run: context.run + 1, attempt: 1, published: 0 };
  return { context: next, send: [startRun(next, self)] };
}

export function forwardCredit(
  context: TaskContext,
  { credit }: EventOf<'task.credit'>,
  self: TaskAddress,
): TaskStep {
  const { runner } = context.settings;
  return {
    context: { credit: add(context.credit, credit) },
    send: [tell(runner, { type: 'runner.credit', run: context.run, credit, replyTo: self })],
  };
}

/** Credit for a run that is being cancelled: it goes back with the rest. */
export function keepCredit(context: TaskContext, { credit }: EventOf<'task.credit'>): TaskStep {
  return { context: { credit: add(context.credit, credit) } };
}

/** Credit for a task that is over already. */
export function returnCredit(context: TaskContext, { credit }: EventOf<'task.credit'>): TaskStep {
  return {
    send: [report(context, { type: 'task.returned', slot: context.settings.slot, credit })],
  };
}

/** Something was yielded, or the run waits for credit. */
export function acceptReport(context: TaskContext, event: EventOf<'run.progress'>): TaskStep {
  const [next, delta] = absorb(context, event);
  return {
    context: next,
    send: [
      ...release(context, delta.consumed),
      report(context, {
        type: 'task.progress',
        ...delta,
        held: event.held,
        retried: undefined,
        dropped: undefined,
      }),
    ],
  };
}

export function settleDone(context: TaskContext, event: EventOf<'run.end'>): TaskStep {
  const [next, delta] = absorb(context, event);
  const { satisfied, wants } = event;
  return settle(next, delta, { outcome: 'done', satisfied, wants });
}

/** Whether the failed attempt may be followed by another. */
export function mayRetry(context: TaskContext, event: EventOf<'run.error'>): boolean {
  const attempt = event.consumed > 0 ? 1 : context.attempt;
  return event.retryAfter !== undefined && attempt <= context.settings.retries;
}

export function waitToRetry(
  context: TaskContext,
  event: EventOf<'run.error'>,
  self: TaskAddress,
): TaskStep {
  const [next, delta] = absorb(context, event);
  const { clock } = context.settings;
  return {
    context: { ...next, attempt: next.attempt + 1 },
    send: [
      ...release(context, delta.consumed),
      report(context, {
        type: 'task.progress',
        ...delta,
        held: undefined,
        retried: {
          lineage: next.inputs[0]?.lineage ?? '',
          attempt: next.attempt,
          error: event.error,
          delayMs: event.retryAfter ?? 0,
        },
        dropped: undefined,
      }),
      tell(clock, {
        type: 'clock.wake',
        key: retryKey(context),
        delay: event.retryAfter ?? 0,
        event: { type: 'task.retry' },
        replyTo: self,
      }),
    ],
  };
}

/** The next attempt: resumes at the first remaining input, skipping what it has published. */
export function repeatRun(
  context: TaskContext,
  _event: EventOf<'task.retry'>,
  self: TaskAddress,
): TaskStep {
  const next = { ...context, run: context.run + 1 };
  return { context: { run: next.run }, send: [startRun(next, self)] };
}

/** Gives the failed input up and goes on with the next one. */
export function dropInput(
  context: TaskContext,
  event: EventOf<'run.error'>,
  self: TaskAddress,
): TaskStep {
  const [after, delta] = absorb(context, event);
  const [letter, let_go] = giveUp(after, event);
  const next = {
    ...after,
    inputs: after.inputs.slice(1),
    run: after.run + 1,
    attempt: 1,
    published: 0,
  };
  return {
    context: next,
    send: [
      ...release(context, delta.consumed),
      report(context, {
        type: 'task.progress',
        ...delta,
        held: undefined,
        retried: undefined,
        dropped: letter,
      }),
      ...let_go,
      startRun(next, self),
    ],
  };
}

/** Gives the failed input up; it was the last one, so the task is over. */
export function dropLastInput(context: TaskContext, event: EventOf<'run.error'>): TaskStep {
  const [after, delta] = absorb(context, event);
  const [letter, let_go] = giveUp(after, event);
  const progress = report(context, {
    type: 'task.progress',
    ...delta,
    held: undefined,
    retried: undefined,
    dropped: letter,
  });
  const settled = settle(
    { ...after, inputs: after.inputs.slice(1) },
    { ...nothing(context, event), busyMs: 0 },
    { outcome: 'done' },
  );
  return {
    ...settled,
    send: [...release(context, delta.consumed), progress, ...let_go, ...(settled.send ?? [])],
  };
}

export function failTask(context: TaskContext, event: EventOf<'run.error'>): TaskStep {
  const [next, delta] = absorb(context, event);
  const failure: TaskFailure = {
    error: event.error,
    attempt: next.attempt,
    lineage: next.inputs[0]?.lineage ?? '',
  };
  return settle(next, delta, { outcome: 'failed', failure });
}

export function finishRun(
  { settings, run }: TaskContext,
  _event: EventOf<'task.finish'>,
  self: TaskAddress,
): TaskStep {
  return { send: [tell(settings.runner, { type: 'runner.finish', run, replyTo: self })] };
}

export function cancelRun(
  context: TaskContext,
  { reason }: EventOf<'task.cancel'>,
  self: TaskAddress,
): TaskStep {
  const { runner } = context.settings;
  return {
    send: [tell(runner, { type: 'runner.cancel', run: context.run, reason, replyTo: self })],
  };
}

/** Cancelled between two attempts: nothing runs, so the end is now. */
export function cancelRetry(context: TaskContext, event: EventOf<'task.cancel'>): TaskStep {
  const step = settle(context, nothing(context, event), { outcome: 'cancelled' });
  return {
    ...step,
    send: [
      tell(context.settings.clock, { type: 'clock.cancel', key: retryKey(context) }),
      ...(step.send ?? []),
    ],
  };
}

/** Yielded after the cancel: nobody wants it, but its credit was spent. */
export function discardLate(context: TaskContext, event: EventOf<'run.progress'>): TaskStep {
  const [next, delta] = absorb(context, event);
  return {
    context: next,
    send: [
      ...release(context, [...delta.consumed, ...delta.outputs]),
      report(context, {
        type: 'task.progress',
        ...delta,
        outputs: [],
        held: undefined,
        retried: undefined,
        dropped: undefined,
      }),
    ],
  };
}

export function settleCancelled(
  context: TaskContext,
  event: EventOf<'run.end' | 'run.error'>,
): TaskStep {
  const [next, delta] = absorb(context, event);
  const step = settle(next, { ...delta, outputs: [] }, { outcome: 'cancelled' });
  return { ...step, send: [...release(context, delta.outputs), ...(step.send ?? [])] };
}

/**
 * A run that was given up has yielded after all: its blocks must not be seen, nor stay. They are
 * nobody's in the books: a runner stores under an operator's name only for the run that counts.
 */
export function discardStale(context: TaskContext, event: RunReport): TaskStep {
  return { send: release(context, event.outputs) };
}

/** Takes a report into the context, and works out what it means for the operator. */
function absorb(context: TaskContext, event: RunDelta): [TaskContext, TaskDelta] {
  const { outputs, consumed, busyMs, now, partial, droppedRows } = event;
  // Blocks that are passed on stay charged to whoever made them and take no credit.
  const made = outputs.filter((ref) => ref.producer === context.settings.operatorIndex);
  const produced = bytesOf(made);
  const next = {
    ...context,
    inputs: consumed === 0 ? context.inputs : context.inputs.slice(consumed),
    attempt: consumed === 0 ? context.attempt : 1,
    published: partial,
    credit: {
      blocks: Math.max(0, context.credit.blocks - made.length),
      bytes: context.credit.bytes - produced,
    },
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

function nothing(context: TaskContext, { now }: { readonly now: number }): TaskDelta {
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
function settle(
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
  return {
    context: { inputs: [], perPort: [], credit: noCredit, published: 0 },
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
function giveUp(context: TaskContext, event: EventOf<'run.error'>): [DeadLetter, Message[]] {
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

function startRun(context: TaskContext, self: TaskAddress): Message {
  const { settings, task, run, attempt, inputs, perPort, ended, published, credit, flush } =
    context;
  return tell(settings.runner, {
    type: 'runner.run',
    operator: settings.operatorIndex,
    task,
    run,
    attempt,
    inputs,
    perPort,
    ended,
    skip: published,
    credit,
    flush,
    replyTo: self,
  });
}

function report(context: TaskContext, event: TaskReport): Message {
  return tell(context.settings.operator, event);
}

function release(context: TaskContext, refs: readonly BlockRef[]): Message[] {
  return refs.length === 0 ? [] : [tell(context.settings.store, { type: 'store.release', refs })];
}

function retryKey(context: TaskContext): string {
  return `retry ${context.settings.operatorName} ${String(context.settings.slot)}`;
}

function add(a: Credit, b: Credit): Credit {
  return { blocks: a.blocks + b.blocks, bytes: a.bytes + b.bytes };
}
