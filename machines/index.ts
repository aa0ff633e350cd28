/**
 * The four charts (`supervisorMachine`, `operatorMachine`, `taskMachine`, `resourceMachine`) and what
 * they say to each other: for those who want to read, draw or simulate them. They are drawn in
 * `docs/reference/charts.md`.
 *
 * To run a pipeline, take it from `sluice`: the charts decide, and need hands to do anything.
 *
 * @module sluice/machines
 */
export { operatorMachine } from './operator/operator.machine.ts';
export { resourceMachine } from './resource/resource.machine.ts';
export { supervisorMachine } from './supervisor/supervisor.machine.ts';
export { taskMachine } from './task/task.machine.ts';

export type { BlockRef } from './block.ts';
export type {
  ClockEvent,
  CycleEvent,
  DeadLetter,
  OutletEvent,
  OutletReport,
  RunnerClosed,
  RunnerEvent,
  RunnerOpened,
  RunReport as RunnerReport,
  StoreEvent,
  StoreReport,
} from './hands.protocol.ts';
export type {
  CreditGrant,
  OperatorEvent,
  OperatorInput,
  OperatorReply,
  OperatorView,
  TaskGrant,
} from './operator/operator.protocol.ts';
export type { Destination, OperatorPlan, Plan, Route } from './plan.ts';
export type { RankingPolicy } from './ranking.ts';
export type {
  Credit,
  Decision,
  Grant,
  LedgerBudget,
  Refusal,
  Request,
  Settlement,
} from './resource/ledger.ts';
export type { ResourceEvent, ResourceInput, ResourceReply } from './resource/resource.protocol.ts';
export type {
  RunCommand,
  SupervisorEvent,
  SupervisorInput,
} from './supervisor/supervisor.protocol.ts';
export type { TaskEvent, TaskInput, TaskJob, TaskReport } from './task/task.protocol.ts';
export type { Address } from './xstate.ts';
