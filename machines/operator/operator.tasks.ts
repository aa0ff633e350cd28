/** How an operator starts, feeds and ends its tasks: pure decisions of the operator chart. */
import { bytesOf, rowsOf, type BlockRef } from '../block.ts';
import type { Draft } from '../draft.ts';
import { emptyQueue, push, queued, take, type RefQueue } from '../queue.ts';
import type { TaskDelta, TaskEvent, TaskInput, TaskReport } from '../task/task.protocol.ts';
import { tell, type Message, type Spawn, type Step } from '../xstate.ts';
import {
  draftContext,
  startableBlocks,
  wantsFlush,
  withTime,
  type OperatorContext,
  type RunningTask,
} from './operator.context.ts';
import { draftCounts } from './operator.drafts.ts';
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
  const begun = draftContext(context);
  begun.denial = denial;
  let next: OperatorContext = begun;
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
  const next = absorb(context, running, wantedOf(event, unwanted), false);
  const creditBlocks = Math.max(0, running.creditBlocks - event.blocks);
  next.slots = replace(next.slots, slot, { ...running, missing: held, creditBlocks, heardAt: now });
  const counts = draftCounts(next.counts);
  counts.retried += retried === undefined ? 0 : 1;
  counts.dropped += dropped === undefined ? 0 : 1;
  next.counts = counts;
  const noted = noteDrops(noteRetry(next, retried, now), dropped === undefined ? [] : [dropped]);
  const send = releaseRefs(context, unwanted);
  return noted.failure === undefined
    ? tellOnce(withTime(noted, now), send)
    : refuseInput(noted, send, now);
}

export function acceptSettled(
  context: OperatorContext,
  event: ReportOf<'task.settled'>,
): OperatorStep {
  const { slot, outcome, returned, satisfied, wants, failure, now } = event;
  const running = context.slots[slot];
  if (running === undefined) return {};
  const unwanted = unwantedOutputs(context, event);
  const next = absorb(context, running, wantedOf(event, unwanted), true);
  next.unsettled = {
    tokens: [...next.unsettled.tokens, running.token],
    produced: next.unsettled.produced,
    returned: next.unsettled.returned + returned.bytes,
  };
  next.slots = replace(next.slots, slot, undefined);
  next.wants = wants ?? next.wants;
  if (failure !== undefined && next.failure !== undefined) {
    next.laterErrors = [...next.laterErrors, failure.error];
  }
  next.failure ??= failure;
  const counts = draftCounts(next.counts);
  counts.tasks += outcome === 'done' ? 1 : 0;
  counts.failed += outcome === 'failed' ? 1 : 0;
  counts.cancelled += outcome === 'cancelled' ? 1 : 0;
  next.counts = counts;
  next.satisfied ||= satisfied;
  const send = releaseRefs(context, unwanted);
  return satisfied || next.failure !== undefined
    ? refuseInput(next, send, now)
    : tellOnce(withTime(next, now), send);
}

/** It takes nothing more: what is queued has no other holder. */
function refuseInput(
  context: OperatorContext,
  before: readonly Message[],
  now: number,
): OperatorStep {
  const next = draftContext(context);
  next.inputs = context.inputs.map(() => emptyQueue);
  return tellOnce(withTime(next, now), [...before, ...releaseAll(context, context.inputs)]);
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
  const next = draftContext(context);
  next.inputs = inputs;
  next.slots = isNew ? [...context.slots, running] : replace(context.slots, slot, running);
  next.nextTask = task + 1;
  if (plan.preserveOrder) next.order = queueUp(context.order, task);
  next.flushed ||= flush;
  return {
    slot,
    isNew,
    context: next,
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

function wantedOf<TReport extends TaskDelta>(
  report: TReport,
  unwanted: readonly BlockRef[],
): TReport {
  return unwanted.length > 0 ? { ...report, outputs: [] } : report;
}

/** Takes what a task has done into queues, counters and measurements. */
function absorb(
  context: OperatorContext,
  running: RunningTask,
  { outputs, consumed, busyMs, droppedRows, produced }: TaskDelta,
  over: boolean,
): Draft<OperatorContext> {
  const { unsettled, plan } = context;
  const [leaving, order] = plan.preserveOrder
    ? releaseInOrder(context.order, running.task, outputs, over)
    : [outputs, context.order];
  const counts = draftCounts(context.counts);
  counts.blocksOut += outputs.length;
  counts.rowsOut += rowsOf(outputs);
  counts.bytesOut += bytesOf(outputs);
  counts.busyMs += busyMs;
  counts.rowsDropped += droppedRows.length;
  const next = draftContext(context);
  next.order = order;
  next.outputs = push(context.outputs, leaving);
  next.sizing = measure(context.sizing, consumed.length, outputs, busyMs);
  next.counts = counts;
  if (produced > 0) next.unsettled = { ...unsettled, produced: unsettled.produced + produced };
  return droppedRows.length === 0 ? next : draftContext(noteDrops(next, droppedRows));
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
  const next = draftContext(context);
  next.unsettled = {
    tokens: tokens.length === 0 ? unsettled.tokens : [...unsettled.tokens, ...tokens],
    produced: unsettled.produced,
    returned: unsettled.returned + returned,
  };
  return next;
}

/** Tells the supervisor that something changed, unless it knows already, behind other messages. */
export function tellOnce(context: OperatorContext, before: readonly Message[] = []): OperatorStep {
  if (context.told) return { context, send: before };
  const { addresses, plan } = context;
  const changed = tell(addresses.supervisor, { type: 'operator.changed', operator: plan.index });
  const next = draftContext(context);
  next.told = true;
  return { context: next, send: [...before, changed] };
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
