/** What the supervisor is told, by the run's handle and by the actors below it. */
import type {
  ClockAddress,
  CycleEvent,
  OutletAbandoned,
  OutletAddress,
  OutletClosed,
  OutletReport,
  RunnerAddress,
  RunnerClosed,
  RunnerOpened,
  StoreAddress,
  StoreReport,
} from '../hands.protocol.ts';
import type { OperatorAddress, OperatorReply } from '../operator/operator.protocol.ts';
import type { Plan } from '../plan.ts';
import type { RankingPolicy } from '../ranking.ts';
import type { LedgerBudget } from '../resource/ledger.ts';
import type { ResourceAddress, ResourceReply } from '../resource/resource.protocol.ts';
import type { Address } from '../xstate.ts';

/** What whoever holds a run may tell it. */
export type RunCommand =
  | { readonly type: 'run.pause' }
  | { readonly type: 'run.resume' }
  /** One cycle, then pause again. */
  | {
      readonly type: 'run.step';
      /** At most one task starts in it: one of this operator, by index, or of any. */
      readonly task?: { readonly operator: number | undefined } | undefined;
    }
  /** Read no more, and finish what was read. */
  | { readonly type: 'run.stop' }
  | { readonly type: 'run.cancel'; readonly reason: unknown }
  | { readonly type: 'run.setBudget'; readonly budget: LedgerBudget }
  /** How many tasks of an operator, by index, may run at once from now on. */
  | {
      readonly type: 'run.setMaxConcurrency';
      readonly operator: number;
      readonly maxConcurrency: number;
    };

export type SupervisorEvent =
  | RunCommand
  | CycleEvent
  | RunnerOpened
  | RunnerClosed
  | OperatorReply
  | ResourceReply
  | StoreReport
  | OutletReport
  | OutletClosed
  | OutletAbandoned
  /** Blocks were let go of since the last poll. Sent once until polled. */
  | { readonly type: 'store.changed' }
  /** The consumer would take so many blocks more. */
  | { readonly type: 'consumer.demand'; readonly blocks: number }
  /** The consumer began to wait, or a dead letter was handled. */
  | { readonly type: 'outlet.changed' }
  /** A rate has refilled. */
  | { readonly type: 'resource.refilled' };

/** The actors the supervisor works with: its children. */
export interface Staff {
  readonly runner: RunnerAddress;
  readonly store: StoreAddress;
  readonly clock: ClockAddress;
  readonly outlet: OutletAddress;
  readonly resource: ResourceAddress;
  readonly operators: readonly OperatorAddress[];
}

export interface SupervisorInput {
  readonly plan: Plan;
  readonly budget: LedgerBudget;
  readonly ranking: RankingPolicy;
  /** The run's clock, in milliseconds. */
  readonly now: number;
  /** Cancelled before it began: nothing is opened, nothing starts. */
  readonly cancelled?: { readonly reason: unknown } | undefined;
}

export type SupervisorAddress = Address<SupervisorEvent>;
