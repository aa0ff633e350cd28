/** What a task actor is told, and what it tells its operator. */
import type { BlockRef } from '../block.ts';
import type {
  ClockAddress,
  DeadLetter,
  OutletAddress,
  RunnerAddress,
  RunReport,
  StoreAddress,
} from '../hands.protocol.ts';
import type { Credit } from '../resource/ledger.ts';
import type { Address } from '../xstate.ts';

/** One run of an operator's transform over one bundle of inputs. */
export interface TaskJob {
  /** Number of the task within its operator, from 0. */
  readonly task: number;
  readonly inputs: readonly BlockRef[];
  /** How many of the inputs come from each input port. */
  readonly perPort: readonly number[];
  /** Which ports will get nothing after these inputs. */
  readonly ended: readonly boolean[];
  readonly credit: Credit;
  /** The operator's inputs are over: yield what was kept back. */
  readonly flush: boolean;
}

export type TaskEvent =
  | { readonly type: 'task.start'; readonly job: TaskJob }
  | { readonly type: 'task.credit'; readonly credit: Credit }
  | { readonly type: 'task.cancel'; readonly reason: unknown; readonly now: number }
  /** Read no more: end as soon as what was read is out. */
  | { readonly type: 'task.finish' }
  /** The wait before another attempt is over. */
  | { readonly type: 'task.retry' }
  | RunReport;

/** What has happened in a task since its last report to the operator. */
export interface TaskDelta {
  readonly slot: number;
  readonly task: number;
  readonly outputs: readonly BlockRef[];
  /** Inputs that are done with. */
  readonly consumed: readonly BlockRef[];
  /** Bytes of outputs made on the task's credit, discarded ones included. */
  readonly produced: number;
  /** Blocks of credit those outputs took. */
  readonly blocks: number;
  readonly busyMs: number;
  /** Rows that were given up. */
  readonly droppedRows: readonly DeadLetter[];
  readonly now: number;
}

/** What a task actor sends to its operator. */
export type TaskReport =
  | ({
      readonly type: 'task.progress';
      /** The credit the task waits for. */
      readonly held: Credit | undefined;
      /** An attempt that failed, when another one will follow. */
      readonly retried: RetriedAttempt | undefined;
      /** An input that was given up. */
      readonly dropped: DeadLetter | undefined;
    } & TaskDelta)
  /** The task is over and its slot is free. */
  | ({
      readonly type: 'task.settled';
      readonly outcome: 'done' | 'failed' | 'cancelled';
      /** Credit that was not spent. */
      readonly returned: Credit;
      /** The operator needs no more input. */
      readonly satisfied: boolean;
      /** Ports the operator needs more input from; undefined leaves it as it was. */
      readonly wants: readonly number[] | undefined;
      readonly failure: TaskFailure | undefined;
    } & TaskDelta)
  /** Credit that came when the task was over. */
  | { readonly type: 'task.returned'; readonly slot: number; readonly credit: Credit };

export interface RetriedAttempt {
  readonly lineage: string;
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  readonly error: unknown;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
}

/** Why a task failed, and where. */
export interface TaskFailure {
  readonly error: unknown;
  readonly attempt: number;
  readonly lineage: string;
}

export interface TaskInput {
  readonly slot: number;
  /** Index of the operator in the plan. */
  readonly operatorIndex: number;
  readonly operatorName: string;
  /** How often a failed attempt may be repeated. */
  readonly retries: number;
  readonly onError: 'fail' | 'skip' | 'deadLetter';
  readonly operator: Address<TaskReport>;
  readonly runner: RunnerAddress;
  readonly store: StoreAddress;
  readonly clock: ClockAddress;
  readonly outlet: OutletAddress;
}

export type TaskAddress = Address<TaskEvent>;
