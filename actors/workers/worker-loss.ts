/** What a task fails with when its worker is lost. */
import { describe, WorkerError } from '../../machines/errors.ts';
import type { WorkerLoss } from './protocol.ts';

/** The error of a task that was to have it: who knows that the next one would not be lost as well. */
export function neverBegun(operator: string, loss?: WorkerLoss): WorkerError {
  const text = `the worker of "${operator}" was lost before its task began`;
  return new WorkerError('exit', text, detailsOf(loss));
}

function detailsOf(loss: WorkerLoss | undefined): { exitCode?: number; cause?: unknown } {
  return {
    ...(loss?.exitCode === undefined ? {} : { exitCode: loss.exitCode }),
    ...(loss?.thrown === undefined ? {} : { cause: loss.thrown.error }),
  };
}

/** The error of the task that had the thread. */
export function lostInTask(
  operator: string,
  loss: WorkerLoss,
  failure: 'unresponsive' | undefined,
): WorkerError {
  const { exitCode, thrown } = loss;
  const where = `the worker of "${operator}"`;
  if (failure === 'unresponsive') {
    return new WorkerError(failure, `${where} did not end when it was told to, and was terminated`);
  }
  const { code } = Object(thrown?.error) as { readonly code?: unknown };
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') {
    const text = `${where} ran out of memory: raise its memoryBytes, or give it smaller blocks`;
    return new WorkerError('memory', text, detailsOf(loss));
  }
  const how =
    thrown === undefined
      ? `ended with exit code ${String(exitCode)}`
      : `was ended by an error that nothing has caught: ${describe(thrown.error)}`;
  return new WorkerError('exit', `${where} ${how}, in the middle of a task`, detailsOf(loss));
}
