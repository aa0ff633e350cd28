/** Copies of what an operator counts and of how others see it, to be changed by who has made them. */
import type { Draft } from '../draft.ts';
import type { OperatorCounts, OperatorView } from './operator.protocol.ts';

export function draftCounts(counts: OperatorCounts): Draft<OperatorCounts> {
  return {
    tasks: counts.tasks,
    retried: counts.retried,
    failed: counts.failed,
    cancelled: counts.cancelled,
    dropped: counts.dropped,
    rowsDropped: counts.rowsDropped,
    blocksIn: counts.blocksIn,
    rowsIn: counts.rowsIn,
    bytesIn: counts.bytesIn,
    blocksOut: counts.blocksOut,
    rowsOut: counts.rowsOut,
    bytesOut: counts.bytesOut,
    busyMs: counts.busyMs,
  };
}

export function draftView(view: OperatorView): Draft<OperatorView> {
  return {
    index: view.index,
    name: view.name,
    depth: view.depth,
    queuedBlocks: view.queuedBlocks,
    queuedBytes: view.queuedBytes,
    queuedPerPort: view.queuedPerPort,
    startable: view.startable,
    wantsFlush: view.wantsFlush,
    active: view.active,
    holding: view.holding,
    freeSlots: view.freeSlots,
    oldestTask: view.oldestTask,
    outBlocks: view.outBlocks,
    parkedBlocks: view.parkedBlocks,
    creditBlocks: view.creditBlocks,
    done: view.done,
    memoryInUse: view.memoryInUse,
    bundle: view.bundle,
    blockSize: view.blockSize,
    blockMs: view.blockMs,
    outputRatio: view.outputRatio,
    satisfied: view.satisfied,
    over: view.over,
  };
}
