/** When an operator has had enough: too many blocks given up, or too many failed attempts in a while. */
import { RestartLimitError } from '../errors.ts';
import type { DeadLetter } from '../hands.protocol.ts';
import type { RetriedAttempt, TaskFailure } from '../task/task.protocol.ts';
import { MAX_LISTED, type OperatorContext } from './operator.context.ts';

/** Notes an attempt that failed and will be repeated; fails the operator when that happens too often. */
export function noteRetry(
  context: OperatorContext,
  retried: RetriedAttempt | undefined,
  now: number,
): OperatorContext {
  const { restarts } = context.plan;
  if (retried === undefined || restarts === undefined) return context;
  const recentFailures = [
    ...context.recentFailures.filter(({ at }) => at > now - restarts.withinMs),
    { at: now, error: retried.error },
  ];
  const next = { ...context, recentFailures };
  if (recentFailures.length <= restarts.count) return next;
  const error = new RestartLimitError(
    restarts,
    recentFailures.map((failure) => failure.error),
  );
  return failWith(next, { error, attempt: retried.attempt, lineage: retried.lineage });
}

/** Lists what was given up, once it is counted; fails the operator when it is one too many. */
export function noteDrops(
  context: OperatorContext,
  letters: readonly DeadLetter[],
): OperatorContext {
  const last = letters.at(-1);
  if (last === undefined) return context;
  const dropped = [...context.dropped, ...letters].slice(0, MAX_LISTED);
  const { counts, plan } = context;
  if (counts.dropped + counts.rowsDropped <= plan.maxErrors) return { ...context, dropped };
  const { cause: error, attempts: attempt, lineage } = last;
  return failWith({ ...context, dropped }, { error, attempt, lineage });
}

/** The first failure is the one that counts. */
function failWith(context: OperatorContext, failure: TaskFailure): OperatorContext {
  return { ...context, failure: context.failure ?? failure };
}
