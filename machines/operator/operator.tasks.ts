/** How an operator starts, feeds and ends its tasks: pure decisions of the operator chart. */
import type { BlockRef } from '../block.ts';
import { emptyQueue, push, queued, take, type RefQueue } from '../queue.ts';
import type { TaskDelta, TaskEvent, TaskInput, TaskReport } from '../task/task.protocol.ts';
import { tell, type Message, type Spawn, type Step } from '../xstate.ts';
import {
  startableBlocks,
  wantsFlush,
  withTime,
  type OperatorContext,
  type RunningTask,
} from './operator.context.ts';
import { noteDrops, noteRetry } from './operator.failures.ts';
import { queueUp, release as releaseInOrder } from './operator.order.ts';
import type { OperatorAddress, OperatorEvent, TaskGrant } from './operator.protocol.ts';
import { measure } from './operator.sizing.ts';

type EventOf<TType extends OperatorEvent['type']> = Extract<OperatorEvent, { type: TType }>;
type ReportOf<TType extends TaskReport['type']> = Extract<TaskReport, { type: TType }>;
type OperatorStep = Step<OperatorContext>;

/** Starts a task for each grant; what there is no input for goes back at once. */
export function startTasks(
  context: OperatorContext,
  { grants, denial, now }: EventOf<'operator.dispatch'>,
  self: OperatorAddress,
): OperatorStep {
  let next: OperatorContext = { ...context, denial };
  const spawn: Spawn[] = [];
  const send: Message[] = [];
  let unused = 0;
  for (const grant of grants) {
    const started = startTask(next, grant, now);
    if (started === undefined) {
      unused += 1;
      next = giveBack(next, grant);
      continue;
    }
    const { slot, isNew, event } = started;
    if (isNew) spawn.push(spawnTask(next, slot, self));
    send.push(tellTask(slot, event));
    next = started.context;
  }
  next = withTime(next, now);
  return unused > 0 ? { ...tellOnce(next, send), spawn } : { context: next, spawn, send };
}

/** Hands credit to the tasks it was asked for; the credit of one that has ended goes back. */
export function feedTasks(
  context: OperatorContext,
  { grants }: EventOf<'operator.credit'>,
): OperatorStep {
  const slots = [...context.slots];
  const send: Message[] = [];
  let returned = 0;
  for (const { slot, task, credit } of grants) {
    const running = slots[slot];
    if (running?.task !== task) {
      returned += credit.bytes;
      continue;
    }
    const creditBlocks = running.creditBlocks + credit.blocks;
    slots[slot] = { ...running, missing: undefined, creditBlocks };
    send.push(tellTask(slot, { type: 'task.credit', credit }));
  }
  const next = unsettle({ ...context, slots, denial: undefined }, { returned });
  return returned > 0 ? tellOnce(next, send) : { context: next, send };
}

export function acceptProgress(
  context: OperatorContext,
  event: ReportOf<'task.progress'>,
): OperatorStep {
  const { slot, held, retried, dropped, now } = event;
  const running = context.slots[slot];
  if (running === undefined) return {};
  const unwanted = unwantedOutputs(context, event);
  const { counts } = context;
  const creditBlocks = Math.max(0, running.creditBlocks - event.blocks);
  let next = absorb(
    context,
    running,
    unwanted.length > 0 ? { ...event, outputs: [] } : event,
    false,
  );
  next = {
    ...next,
    slots: replace(next.slots, slot, { ...running, missing: held, creditBlocks, heardAt: now }),
    counts: {
      ...next.counts,
      retried: counts.retried + (retried === undefined ? 0 : 1),
      dropped: counts.dropped + (dropped === undefined ? 0 : 1),
    },
  };
  next = noteDrops(noteRetry(next, retried, now), dropped === undefined ? [] : [dropped]);
  const send = releaseRefs(context, unwanted);
  if (next.failure !== undefined) {
    // It takes nothing more: what is queued has no other holder.
    send.push(...releaseAll(next, next.inputs));
    next = { ...next, inputs: next.inputs.map(() => emptyQueue) };
  }
  return tellOnce(withTime(next, now), send);
}

export function acceptSettled(
  context: OperatorContext,
  event: ReportOf<'task.settled'>,
): OperatorStep {
  const { slot, outcome, returned, satisfied, wants, failure, now } = event;
  const running = context.slots[slot];
  if (running === undefined) return {};
  const { counts } = context;
  const unwanted = unwantedOutputs(context, event);
  let next = absorb(
    context,
    running,
    unwanted.length > 0 ? { ...event, outputs: [] } : event,
    true,
  );
  next = unsettle(next, { tokens: [running.token], returned: returned.bytes });
  next = {
    ...next,
    slots: replace(next.slots, slot, undefined),
    wants: wants ?? next.wants,
    failure: next.failure ?? failure,
    laterErrors:
      next.failure === undefined || failure === undefined
        ? next.laterErrors
        : [...next.laterErrors, failure.error],
    counts: {
      ...next.counts,
      tasks: counts.tasks + (outcome === 'done' ? 1 : 0),
      failed: counts.failed + (outcome === 'failed' ? 1 : 0),
      cancelled: counts.cancelled + (outcome === 'cancelled' ? 1 : 0),
    },
  };
  const send = releaseRefs(context, unwanted);
  if (satisfied || next.failure !== undefined) {
    // It takes nothing more: what is queued has no other holder.
    send.push(...releaseAll(next, next.inputs));
    next = {
      ...next,
      satisfied: next.satisfied || satisfied,
      inputs: next.inputs.map(() => emptyQueue),
    };
  }
  return tellOnce(withTime(next, now), send);
}

/** Credit that reached a task when it was over. */
export function acceptReturned(
  context: OperatorContext,
  { credit }: ReportOf<'task.returned'>,
): OperatorStep {
  return tellOnce(unsettle(context, { returned: credit.bytes }));
}

/** Nobody wants the outputs any more: what runs is cancelled, what is queued is let go of. */
export function stopEarly(
  context: OperatorContext,
  { now }: EventOf<'operator.stop'>,
): OperatorStep {
  const next = { ...context, satisfied: true, unwanted: true };
  return abandon(next, 'its outputs are not wanted any more', now);
}

export function cancelAll(
  context: OperatorContext,
  { reason, now }: EventOf<'operator.cancel'>,
): OperatorStep {
  return abandon({ ...context, cancelled: true, unwanted: true }, reason, now);
}

/** Reads no more, but what was read goes on: what is under way ends as soon as it can. */
export function finishReading(
  context: OperatorContext,
  { now }: EventOf<'operator.finish'>,
): OperatorStep {
  const next = { ...context, satisfied: true, inputs: context.inputs.map(() => emptyQueue) };
  const finishes = context.slots.flatMap((running, slot) =>
    running === undefined ? [] : [tellTask(slot, { type: 'task.finish' })],
  );
  return tellOnce(withTime(next, now), [...releaseAll(context, context.inputs), ...finishes]);
}

function abandon(context: OperatorContext, reason: unknown, now: number): OperatorStep {
  const { inputs, outputs, order } = context;
  const next: OperatorContext = {
    ...context,
    inputs: inputs.map(() => emptyQueue),
    outputs: emptyQueue,
    order: order.map((place) => ({ ...place, refs: [] })),
    denial: undefined,
  };
  const parked = order.flatMap(({ refs }) => refs);
  const cancels = context.slots.flatMap((running, slot) =>
    running === undefined ? [] : [tellTask(slot, { type: 'task.cancel', reason, now })],
  );
  return tellOnce(withTime(next, now), [
    ...releaseAll(context, [...inputs, outputs]),
    ...releaseRefs(context, parked),
    ...cancels,
  ]);
}

interface Started {
  readonly context: OperatorContext;
  readonly slot: number;
  readonly isNew: boolean;
  readonly event: TaskEvent;
}

/** Starts a task on as many blocks as the grant says, if there are so many. */
function startTask(context: OperatorContext, grant: TaskGrant, now: number): Started | undefined {
  const flush = wantsFlush(context);
  const startable = startableBlocks(context);
  if (!flush && startable === 0) return undefined;
  const { plan, wants, inputsDone } = context;
  const { blocks } = grant;
  const inputs = [...context.inputs];
  const perPort = inputs.map(() => 0);
  const refs: BlockRef[] = [];
  for (const port of flush ? [] : wants) {
    const queue = inputs[port];
    if (queue === undefined) continue;
    const [taken, rest] = take(queue, { ...plan.input, blocks });
    inputs[port] = rest;
    perPort[port] = taken.length;
    refs.push(...taken);
  }
  const free = context.slots.indexOf(undefined);
  const isNew = free === -1;
  const slot = isNew ? context.slots.length : free;
  const task = context.nextTask;
  const running: RunningTask = {
    task,
    token: grant.token,
    missing: undefined,
    creditBlocks: grant.credit.blocks,
    heardAt: now,
  };
  return {
    slot,
    isNew,
    context: {
      ...context,
      inputs,
      slots: isNew ? [...context.slots, running] : replace(context.slots, slot, running),
      nextTask: task + 1,
      order: plan.preserveOrder ? queueUp(context.order, task) : context.order,
      flushed: context.flushed || flush,
    },
    event: {
      type: 'task.start',
      job: {
        task,
        inputs: refs,
        perPort,
        ended: inputsDone.map((done, port) => done && inputs[port]?.blocks === 0),
        credit: grant.credit,
        flush,
      },
    },
  };
}

/** Outputs that crossed the order to stop on their way. */
function unwantedOutputs(
  { unwanted }: OperatorContext,
  { outputs }: TaskDelta,
): readonly BlockRef[] {
  return unwanted ? outputs : [];
}

/** Takes what a task has done into queues, counters and measurements. */
function absorb(
  context: OperatorContext,
  running: RunningTask,
  delta: TaskDelta,
  over: boolean,
): OperatorContext {
  const { counts, plan } = context;
  const [leaving, order] = plan.preserveOrder
    ? releaseInOrder(context.order, running.task, delta.outputs, over)
    : [delta.outputs, context.order];
  let rows = 0;
  let bytes = 0;
  for (const ref of delta.outputs) {
    rows += ref.numRows;
    bytes += ref.sizeBytes;
  }
  const next = {
    ...context,
    order,
    outputs: push(context.outputs, leaving),
    sizing: measure(context.sizing, delta.consumed.length, delta.outputs, delta.busyMs),
    counts: {
      ...counts,
      blocksOut: counts.blocksOut + delta.outputs.length,
      rowsOut: counts.rowsOut + rows,
      bytesOut: counts.bytesOut + bytes,
      busyMs: counts.busyMs + delta.busyMs,
      rowsDropped: counts.rowsDropped + delta.droppedRows.length,
    },
    unsettled: {
      ...context.unsettled,
      produced: context.unsettled.produced + delta.produced,
    },
  };
  return noteDrops(next, delta.droppedRows);
}

function giveBack(context: OperatorContext, { token, credit }: TaskGrant): OperatorContext {
  return unsettle(context, { tokens: [token], returned: credit.bytes });
}

function unsettle(
  context: OperatorContext,
  {
    tokens = [],
    returned = 0,
  }: { readonly tokens?: readonly number[]; readonly returned?: number },
): OperatorContext {
  const { unsettled } = context;
  return {
    ...context,
    unsettled: {
      ...unsettled,
      tokens: tokens.length === 0 ? unsettled.tokens : [...unsettled.tokens, ...tokens],
      returned: unsettled.returned + returned,
    },
  };
}

/** Tells the supervisor that something changed, unless it knows already, behind other messages. */
export function tellOnce(context: OperatorContext, before: readonly Message[] = []): OperatorStep {
  if (context.told) return { context, send: before };
  const { addresses, plan } = context;
  const changed = tell(addresses.supervisor, { type: 'operator.changed', operator: plan.index });
  return { context: { ...context, told: true }, send: [...before, changed] };
}

export function releaseRefs(context: OperatorContext, refs: readonly BlockRef[]): Message[] {
  return refs.length === 0 ? [] : [tell(context.addresses.store, { type: 'store.release', refs })];
}

function releaseAll(context: OperatorContext, queues: readonly RefQueue[]): Message[] {
  return releaseRefs(context, queues.flatMap(queued));
}

function spawnTask(
  { plan, addresses }: OperatorContext,
  slot: number,
  self: OperatorAddress,
): Spawn {
  const { runner, store, clock, outlet } = addresses;
  const input: TaskInput = {
    slot,
    operatorIndex: plan.index,
    operatorName: plan.name,
    retries: plan.retries,
    onError: plan.onError,
    operator: self,
    runner,
    store,
    clock,
    outlet,
  };
  return { src: 'task', id: taskId(slot), input };
}

function tellTask(slot: number, event: TaskEvent): Message {
  return { to: taskId(slot), event };
}

function taskId(slot: number): string {
  return `task${String(slot)}`;
}

function replace<T>(items: readonly T[], index: number, item: T): readonly T[] {
  const next = [...items];
  next[index] = item;
  return next;
}
