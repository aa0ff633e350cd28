/** What an operator actor is told, and what it tells the supervisor. */
import type { BlockRef } from '../block.ts';
import type { Denial } from '../denial.ts';
import type {
  ClockAddress,
  DeadLetter,
  OutletAddress,
  RunnerAddress,
  StoreAddress,
} from '../hands.protocol.ts';
import type { OperatorPlan } from '../plan.ts';
import type { Credit } from '../resource/ledger.ts';
import type { TaskFailure, TaskReport } from '../task/task.protocol.ts';
import type { Address } from '../xstate.ts';
import type { Shares } from './operator.shares.ts';

export type OperatorEvent =
  /** Blocks for an input port. */
  | { readonly type: 'operator.input'; readonly port: number; readonly refs: readonly BlockRef[] }
  /** Nothing more will come to a port. */
  | { readonly type: 'operator.inputsDone'; readonly port: number; readonly now: number }
  /** Asks for a report, and for up to `room` output blocks. */
  | { readonly type: 'operator.poll'; readonly room: number; readonly now: number }
  /** Tokens to start tasks with. */
  | {
      readonly type: 'operator.dispatch';
      readonly grants: readonly TaskGrant[];
      /** Why no more than these. */
      readonly denial: Denial | undefined;
      readonly now: number;
    }
  /** Credit for tasks that hold. */
  | { readonly type: 'operator.credit'; readonly grants: readonly CreditGrant[] }
  /** Why no (further) task may start, or no task go on. */
  | { readonly type: 'operator.denied'; readonly denial: Denial; readonly now: number }
  /** So many tasks may run at once from now on; those that run go on. */
  | { readonly type: 'operator.resize'; readonly maxConcurrency: number }
  /** Nobody wants its outputs any more: end early, and well. */
  | { readonly type: 'operator.stop'; readonly now: number }
  /** Read no more; what was read goes on. */
  | { readonly type: 'operator.finish'; readonly now: number }
  /** The run is being cancelled. */
  | { readonly type: 'operator.cancel'; readonly reason: unknown; readonly now: number }
  | TaskReport;

export interface TaskGrant {
  readonly token: number;
  readonly credit: Credit;
  /** Input blocks the task should take, if there are so many. */
  readonly blocks: number;
}

export interface CreditGrant {
  readonly slot: number;
  readonly task: number;
  readonly credit: Credit;
}

/** What an operator sends to the supervisor. */
export type OperatorReply =
  /** Something happened since the last poll. Sent once until polled. */
  | { readonly type: 'operator.changed'; readonly operator: number }
  | {
      readonly type: 'operator.report';
      readonly operator: number;
      readonly view: OperatorView;
      readonly outputs: readonly BlockRef[];
      /** Tokens whose tasks are over. */
      readonly tokens: readonly number[];
      /** Bytes made on credit since the last report, and bytes of credit given back. */
      readonly produced: number;
      readonly returned: number;
      readonly counts: OperatorCounts;
      readonly dropped: Dropped;
      readonly shares: Shares;
      readonly failure: TaskFailure | undefined;
      /** What failed after the first failure. */
      readonly laterErrors: readonly unknown[];
    };

/** A task that waits for output credit. */
export interface HoldingTask {
  readonly slot: number;
  readonly task: number;
  /**
   * What it is missing. `blocks` is 0 when a block is made and only its bytes are missing; `bytes` is
   * negative by what the task has left.
   */
  readonly missing: Credit;
}

/** An operator as the supervisor and the ranking policies see it. Plain data. */
export interface OperatorView {
  readonly index: number;
  readonly name: string;
  /** Steps to the consumer, or to the farthest sink. */
  readonly depth: number;
  /** Input blocks waiting, over all ports. */
  readonly queuedBlocks: number;
  readonly queuedBytes: number;
  /** Blocks waiting at each input port. */
  readonly queuedPerPort: readonly number[];
  /** Input blocks a task could start on now; 0 while a port it cannot do without is empty. */
  readonly startable: number;
  /** All that is left to do is to flush. */
  readonly wantsFlush: boolean;
  readonly active: number;
  /** Tasks that wait for output credit, in the order in which they should get it. */
  readonly holding: readonly HoldingTask[];
  /** Tasks that may start besides those that are active. */
  readonly freeSlots: number;
  /** The task that was started first of those that run; undefined when none does. */
  readonly oldestTask: number | undefined;
  /** Output blocks that can be moved. */
  readonly outBlocks: number;
  /** Output blocks that wait until the tasks before theirs are over, in ordered mode. */
  readonly parkedBlocks: number;
  /** Blocks of credit that running tasks have and have not spent. */
  readonly creditBlocks: number;
  /** Tasks completed. */
  readonly done: number;
  /** Declared memory of the active tasks, in the budget's unit. */
  readonly memoryInUse: number;
  /** Input blocks a task should take. */
  readonly bundle: number;
  /** Bytes to expect of its next output block. */
  readonly blockSize: number;
  /** Time one input block takes, in milliseconds: a moving average; undefined before the first. */
  readonly blockMs: number | undefined;
  /** Output blocks made for one input block: a moving average. */
  readonly outputRatio: number;
  /** Needs no more input. */
  readonly satisfied: boolean;
  /** In its terminal state: every input is done with and every output taken. */
  readonly over: boolean;
}

/** Counters of an operator. */
export interface OperatorCounts {
  /** Tasks that are over and did what they should. */
  readonly tasks: number;
  /** Attempts that failed and were repeated. */
  readonly retried: number;
  /** Tasks that failed for good. */
  readonly failed: number;
  readonly cancelled: number;
  /** Blocks that were given up. */
  readonly dropped: number;
  /** Rows that were given up, of blocks that were not. */
  readonly rowsDropped: number;
  readonly blocksIn: number;
  readonly rowsIn: number;
  readonly bytesIn: number;
  readonly blocksOut: number;
  readonly rowsOut: number;
  readonly bytesOut: number;
  /** Time spent inside the transform, over all tasks, in milliseconds. */
  readonly busyMs: number;
}

/** The first blocks and rows that were given up; the counts count them all. */
export type Dropped = readonly DeadLetter[];

export interface OperatorInput {
  readonly plan: OperatorPlan;
  readonly now: number;
  readonly supervisor: Address<OperatorReply>;
  readonly runner: RunnerAddress;
  readonly store: StoreAddress;
  readonly clock: ClockAddress;
  readonly outlet: OutletAddress;
}

export type OperatorAddress = Address<OperatorEvent>;
