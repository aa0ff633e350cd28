/** How the runs of a task begin, go on and end: pure decisions of the task chart. */
import type { RunReport } from '../hands.protocol.ts';
import type { Credit } from '../resource/ledger.ts';
import { tell, type Message } from '../xstate.ts';
import { draftTask, type EventOf, type TaskContext, type TaskStep } from './task.context.ts';
import type { TaskAddress, TaskFailure } from './task.protocol.ts';
import { absorb, giveUp, nothing, release, report, settle } from './task.report.ts';

export function beginTask(
  context: TaskContext,
  { job }: EventOf<'task.start'>,
  self: TaskAddress,
): TaskStep {
  const next = draftTask(context);
  next.task = job.task;
  next.inputs = job.inputs;
  next.perPort = job.perPort;
  next.ended = job.ended;
  next.flush = job.flush;
  next.credit = job.credit;
  next.run += 1;
  next.attempt = 1;
  next.published = 0;
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

function retryKey(context: TaskContext): string {
  return `retry ${context.settings.operatorName} ${String(context.settings.slot)}`;
}

function add(a: Credit, b: Credit): Credit {
  return { blocks: a.blocks + b.blocks, bytes: a.bytes + b.bytes };
}
