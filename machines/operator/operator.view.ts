/** An operator's report to the supervisor, and the pure decisions about input that need no task. */
import { bytesOf, rowsOf } from '../block.ts';
import { fromMilli } from '../amounts.ts';
import { push, take } from '../queue.ts';
import { tell, type Step } from '../xstate.ts';
import {
  activeTasks,
  draftContext,
  isEnding,
  isOver,
  nothingUnsettled,
  startableBlocks,
  wantsFlush,
  withTime,
  type OperatorContext,
} from './operator.context.ts';
import { draftCounts } from './operator.drafts.ts';
import type { HoldingTask, OperatorEvent, OperatorView } from './operator.protocol.ts';
import { bundleSize, expectedSize } from './operator.sizing.ts';
import { releaseRefs, tellOnce } from './operator.tasks.ts';

type EventOf<TType extends OperatorEvent['type']> = Extract<OperatorEvent, { type: TType }>;
type OperatorStep = Step<OperatorContext>;

export function addInput(
  context: OperatorContext,
  { port, refs }: EventOf<'operator.input'>,
): OperatorStep {
  // Blocks that come to an operator which takes no more have no other holder.
  if (isEnding(context)) return { send: releaseRefs(context, refs) };
  const { plan } = context;
  const counts = draftCounts(context.counts);
  counts.blocksIn += refs.length;
  counts.rowsIn += rowsOf(refs);
  counts.bytesIn += bytesOf(refs);
  const next = draftContext(context);
  next.inputs = context.inputs.map((queue, index) => (index === port ? push(queue, refs) : queue));
  next.counts = counts;
  // With one port the supervisor knows what it sent; with several, what can start on it must be told.
  return plan.ports > 1 ? tellOnce(next) : { context: next };
}

export function markInputsDone(
  context: OperatorContext,
  { port, now }: EventOf<'operator.inputsDone'>,
): OperatorStep {
  const inputsDone = context.inputsDone.map((done, index) => done || index === port);
  return tellOnce(withTime({ ...context, inputsDone }, now));
}

export function keepDenial(
  context: OperatorContext,
  { denial, now }: EventOf<'operator.denied'>,
): OperatorStep {
  // The same limit as before has been holding since then.
  const since = context.denial?.limit === denial.limit ? context.denial.since : denial.since;
  return { context: withTime({ ...context, denial: { ...denial, since } }, now) };
}

/** What it was denied for may be different now: it says so, and is asked again. */
export function resize(
  context: OperatorContext,
  { maxConcurrency }: EventOf<'operator.resize'>,
): OperatorStep {
  return tellOnce({ ...context, plan: { ...context.plan, slots: maxConcurrency } });
}

/** Answers a poll: what has changed, and as many output blocks as the receivers have room for. */
export function answerPoll(
  context: OperatorContext,
  { room, now }: EventOf<'operator.poll'>,
): OperatorStep {
  const [outputs, rest] = take(context.outputs, { blocks: room });
  const polled = draftContext(context);
  polled.outputs = rest;
  polled.told = false;
  polled.unsettled = nothingUnsettled;
  const next = withTime(polled, now);
  const { plan, addresses, failure, laterErrors, unsettled } = context;
  return {
    context: next,
    send: [
      tell(addresses.supervisor, {
        type: 'operator.report',
        operator: plan.index,
        view: viewOf(next),
        outputs,
        failure,
        laterErrors,
        counts: next.counts,
        dropped: next.dropped,
        shares: next.shares,
        ...unsettled,
      }),
    ],
  };
}

/** The operator as others see it. */
export function viewOf(context: OperatorContext): OperatorView {
  const { plan, inputs, outputs, slots, order, counts, sizing } = context;
  const active = activeTasks(context);
  const holding: HoldingTask[] = [];
  let creditBlocks = 0;
  let oldest: number | undefined;
  slots.forEach((running, slot) => {
    if (running === undefined) return;
    creditBlocks += running.creditBlocks;
    const { task, missing } = running;
    oldest = Math.min(oldest ?? task, task);
    if (missing !== undefined) holding.push({ slot, task, missing });
  });
  // The oldest task first: in ordered mode the outputs of all others wait for it.
  holding.sort((a, b) => a.task - b.task);
  return {
    index: plan.index,
    name: plan.name,
    depth: plan.depth,
    queuedBlocks: inputs.reduce((sum, queue) => sum + queue.blocks, 0),
    queuedBytes: inputs.reduce((sum, queue) => sum + queue.bytes, 0),
    queuedPerPort: inputs.map(({ blocks }) => blocks),
    startable: startableBlocks(context),
    wantsFlush: wantsFlush(context),
    active,
    holding,
    oldestTask: oldest,
    freeSlots: Math.max(0, plan.slots - active),
    outBlocks: outputs.blocks,
    parkedBlocks: order.reduce((sum, { refs }) => sum + refs.length, 0),
    creditBlocks,
    done: counts.tasks,
    memoryInUse: active * fromMilli(plan.needs['memory'] ?? 0),
    bundle: bundleSize(plan, sizing),
    blockSize: expectedSize(plan, sizing),
    blockMs: sizing.measured === 0 ? undefined : sizing.blockMs,
    outputRatio: sizing.outputRatio,
    satisfied: isEnding(context),
    over: isOver(context),
  };
}
