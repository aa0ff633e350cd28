/** The report of a run: counts, bytes and times per operator, made from the last reports of all. */
import type { SpillReport } from '../hands.protocol.ts';
import type { Dropped, OperatorCounts } from '../operator/operator.protocol.ts';
import { shareOut } from '../operator/operator.shares.ts';
import type { TaskFailure } from '../task/task.protocol.ts';
import type { SupervisorContext } from './supervisor.context.ts';

export interface OperatorReport extends Omit<OperatorCounts, 'dropped'> {
  /** Blocks that were given up, with cause, lineage and input: the first 1000. */
  readonly dropped: Dropped;
  /** How many blocks were given up. */
  readonly droppedCount: number;
  /** Percent of the time running, starved, or blocked by each limit. */
  readonly shares: Readonly<Record<string, number>>;
}

export interface RunReport {
  readonly name: string;
  readonly status: 'done' | 'failed' | 'cancelled';
  /** Reading was stopped before the sources were at their end. */
  readonly stopped: boolean;
  readonly durationMs: number;
  /** Cycles the supervisor went through. */
  readonly cycles: number;
  /** By operator name, sources and sinks included, in the order of the plan. */
  readonly operators: Readonly<Record<string, OperatorReport>>;
  /** Why the run failed. */
  readonly failure:
    | {
        readonly operator: string;
        readonly attempt: number;
        readonly lineage: string;
        readonly error: unknown;
        readonly later: readonly unknown[];
      }
    | undefined;
  /** How spilling went: all zero without a store that spills. */
  readonly spill: Omit<SpillReport, 'writing'>;
  /** Why the run was cancelled. */
  readonly reason: unknown;
}

export function runReport(context: SupervisorContext): RunReport {
  const { plan, reports, now, startedAt, cycles, ending } = context;
  const { written, writtenBytes, restored, remade, failed, lastError } = context.spill;
  const operators = plan.operators.map(({ name, index }): [string, OperatorReport] => {
    const report = reports[index];
    const { dropped, ...counts } = report?.counts ?? noCounts;
    return [
      name,
      {
        ...counts,
        droppedCount: dropped,
        dropped: report?.dropped ?? [],
        shares: report === undefined ? {} : shareOut(report.shares, now),
      },
    ];
  });
  return {
    name: plan.name,
    status: ending?.outcome ?? 'done',
    stopped: context.stopping,
    durationMs: now - startedAt,
    cycles,
    operators: Object.fromEntries(operators),
    failure:
      ending?.outcome === 'failed'
        ? {
            operator: plan.operators[ending.operator]?.name ?? '',
            ...ending.failure,
            later: laterErrors(context, ending.failure),
          }
        : undefined,
    spill: { written, writtenBytes, restored, remade, failed, lastError },
    reason: ending?.outcome === 'cancelled' ? ending.reason : undefined,
  };
}

/** What failed besides the first cause: other tasks and operators, then what could not be closed. */
function laterErrors(context: SupervisorContext, first: TaskFailure): readonly unknown[] {
  const failed = context.reports.flatMap((report) => {
    if (report?.failure === undefined) return [];
    const { failure, laterErrors: later } = report;
    return failure === first ? later : [failure.error, ...later];
  });
  return [...failed, ...context.laterErrors];
}

const noCounts: OperatorCounts = {
  tasks: 0,
  retried: 0,
  failed: 0,
  cancelled: 0,
  dropped: 0,
  blocksIn: 0,
  rowsIn: 0,
  bytesIn: 0,
  blocksOut: 0,
  rowsOut: 0,
  bytesOut: 0,
  rowsDropped: 0,
  busyMs: 0,
};
