/**
 * The run model: everything that can be seen of a run at one moment, and what led there, as plain JSON.
 * It is a pure function of the run's events. It is changed in place by `applyRunEvent`, because it is
 * on the path of every event of a live run; `revision` says that it has changed, `clone` keeps it.
 */
import type { MachineDefinition } from '../../machines/machine-definition.ts';
import type {
  AccountInfo,
  BudgetInfo,
  DenialInfo,
  OperatorFigures,
  PlanInfo,
} from '../../machines/run-event.ts';

export interface RunModel {
  /** Number of the last event that was applied; -1 before the first. */
  seq: number;
  /** When that was, in milliseconds since the run began. */
  at: number;
  /** Goes up with every change, and with every jump in time. */
  revision: number;
  plan: PlanInfo;
  budget: BudgetInfo;
  /** State of the supervisor's chart, like `running.polling`; empty before it is known. */
  state: string;
  /** Since when the run is paused; undefined when it is not. */
  pausedSince: number | undefined;
  cycles: number;
  end: RunEnd | undefined;
  /** In the order of the plan. */
  operators: OperatorModel[];
  /** What of each resource is in use, in the budget's units. */
  used: Record<string, number>;
  /** Bytes of live blocks: now, and the most so far. */
  liveBytes: number;
  peakBytes: number;
  consumer: { held: number; demand: number; waits: boolean; blocks: number; rows: number };
  /** By path. Those that have stopped stay, up to a limit. */
  actors: Record<string, ActorModel>;
  /** By the machine's name, as in `ActorModel.machine`. */
  machines: Record<string, MachineDefinition>;
  /** What limits the run now. */
  why: Why;
  whyCheckedAt: number;
  /** The breakpoint that holds the run. */
  breakpoint: { id: string; text: string; at: number } | undefined;
  history: RunHistory;
  /** Events that were left out because the viewer was too slow, since the beginning. */
  skipped: number;
}

export interface RunEnd {
  status: 'done' | 'failed' | 'cancelled';
  at: number;
  reason?: string;
  failure?: { operator?: string; lineage?: string; attempt?: number; error: string };
}

export interface OperatorModel {
  index: number;
  name: string;
  /** State of its chart: `idle`, `ready`, `running`, `backpressured`, `draining`, ... */
  state: string;
  stateSince: number;
  figures: OperatorFigures;
  account: AccountInfo;
  denial: DenialInfo | undefined;
  /** What its time goes into: see `sharesAt`. */
  doing: string;
  doingSince: number;
  /** Milliseconds spent before `doingSince`, by what was done. */
  spent: Record<string, number>;
  /** What it did in the last while until `recentAt`: see `chiefDoing`. */
  recent: Record<string, number>;
  recentAt: number;
  /** By port: when the blocks that wait arrived, oldest first. */
  arrivals: Arrival[][];
  /** When the oldest of the blocks came that left the queues in the last change. */
  taken: number | undefined;
  /** Tasks under way, by slot. */
  running: (TaskBar | null)[];
  /** Durations of the last tasks, in milliseconds, for percentiles; the oldest first. */
  durations: number[];
  /** The input that has failed most often and is not through yet. */
  troubled: { lineage: string; attempts: number; error: string; since: number } | undefined;
  /** What went wrong lately; the newest last. */
  errors: OperatorError[];
}

export interface Arrival {
  at: number;
  blocks: number;
}

export interface OperatorError {
  at: number;
  kind: 'retried' | 'dropped' | 'failed';
  lineage: string;
  attempt: number;
  error: string;
}

/** One task as a bar of the timeline. */
export interface TaskBar {
  /** Number of the event that ended it; -1 while it is under way. */
  seq: number;
  /** Index of the operator. */
  operator: number;
  task: number;
  slot: number;
  /** Since when the oldest of its inputs had waited. */
  queuedAt: number;
  startedAt: number;
  /** Undefined while it is under way. */
  endedAt: number | undefined;
  outcome: 'done' | 'failed' | 'cancelled' | undefined;
  attempts: number;
  /** From the start on without gaps: each lasts until the next one begins. */
  phases: Phase[];
  /** Lineage of its first input. */
  lineage: string;
  /** Ids of input and output blocks, the first 64 of each. */
  inputs: number[];
  outputs: number[];
  rowsIn: number;
  rowsOut: number;
  error: string | undefined;
}

/** `run`: its function works; `hold`: it waits for output credit; `retry`: it waits for another attempt. */
export interface Phase {
  at: number;
  kind: 'run' | 'hold' | 'retry';
}

export interface ActorModel {
  path: string;
  parent: string | undefined;
  id: string;
  machine: string;
  /** Empty when it is no statechart. */
  state: string;
  stateSince: number;
  /** The transitions that led there, by id. */
  lastTransitions: readonly string[];
  lastEvent: string | undefined;
  /** How often each state has been entered. */
  visits: Record<string, number>;
  /** Messages received and sent. */
  received: number;
  sent: number;
  startedAt: number;
  stoppedAt: number | undefined;
}

export interface MessageEntry {
  /** Number of the event. */
  seq: number;
  at: number;
  from: string | undefined;
  to: string;
  type: string;
  refs: number;
  /** Number of the message the sender was at. */
  cause: number | undefined;
}

/** What limits the run. */
export interface Why {
  /** Number of the event after which it was found. */
  seq: number;
  /** One sentence that names the cause. */
  text: string;
  kind:
    | 'starting'
    | 'operator'
    | 'resource'
    | 'bytes'
    | 'consumer'
    | 'source'
    | 'retries'
    | 'fan-in'
    | 'paused'
    | 'failed'
    | 'cancelled'
    | 'done';
  /** Name of the operator concerned. */
  operator: string | undefined;
  /** The limit concerned: a resource, `blockBytes`, `maxConcurrency`, `demand`. */
  limit: string | undefined;
  since: number;
}

/**
 * What has happened: lists that only grow at the end, so that the panels of an earlier moment are those
 * up to it. Each keeps so many entries; `dropped` says how many are gone from the front.
 */
export interface RunHistory {
  /** Tasks that are over, in the order of their ends. */
  tasks: Log<TaskBar>;
  messages: Log<MessageEntry>;
  whys: Log<Why>;
  logs: Log<{ seq: number; at: number; operator: string; lineage: string; text: string }>;
  metrics: Metrics;
}

export interface Log<T extends { seq: number }> {
  entries: T[];
  dropped: number;
}

/**
 * Samples of the run, as columns. There is at most one a `METRICS_MS`; nothing has changed between
 * two. Operators are in the order of the plan, resources in that of `resources`.
 */
export interface Metrics {
  at: number[];
  /** Bytes of live blocks, and the limit. */
  liveBytes: number[];
  limitBytes: number[];
  resources: { name: string; used: number[]; total: number[] }[];
  operators: OperatorMetrics[];
  /** Rows the consumer has got so far. */
  consumedRows: number[];
  dropped: number;
}

export interface OperatorMetrics {
  /** Rows made so far: throughput is its slope. */
  rowsOut: number[];
  bytesOut: number[];
  /** Blocks waiting in front of it. */
  queued: number[];
  queuedBytes: number[];
  active: number[];
  /** Percentiles of the durations of its last tasks, in milliseconds; null before the first. */
  p50: (number | null)[];
  p95: (number | null)[];
}

/** How much of each list is kept. */
export const KEPT = {
  tasks: 20_000,
  messages: 20_000,
  whys: 2_000,
  logs: 2_000,
  metrics: 2_000,
  stoppedActors: 500,
  durations: 256,
  errors: 50,
  blocks: 64,
} as const;

/** Samples are at least so many milliseconds apart. */
export const METRICS_MS = 100;
