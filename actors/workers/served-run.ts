/** A run in a worker, as the code that runs tasks wants it. */
import { NOBODY } from '../../machines/block.ts';
import type { RunMessage } from '../running.ts';
import type { OperatorProgram } from '../transform.ts';
import type { OpenTransform } from './open-transform.ts';
import type { WorkerProgram, WorkerRun } from './protocol.ts';

/** The operator as its runs in a worker see it: clocks and the judging of errors are for the other side. */
export function programOf(
  { operator, format }: WorkerProgram,
  isLast: boolean,
  call: OpenTransform['call'],
): OperatorProgram {
  const { onRowError } = operator;
  return {
    ...operator,
    transform: { kind: 'blocks', call, format },
    timeoutMs: undefined,
    // Whether rows are given up hangs on it; and they are this thread's own, so none is frozen.
    retries: isLast || onRowError === 'fail' ? 0 : operator.retries,
    retryDelay: () => 0,
    // What has come in a message is this thread's own.
    givesInputsAway: true,
  };
}

/** The run as the code that runs tasks wants it: an input is known here by its position. */
export function runMessage({ operator }: WorkerProgram, run: WorkerRun): RunMessage {
  const { id, lineages, attempt, skip, credit } = run;
  return {
    type: 'runner.run',
    operator: operator.index,
    task: 0,
    run: id,
    attempt,
    inputs: lineages.map((lineage, id) => ({
      id,
      lineage,
      producer: NOBODY,
      numRows: 0,
      sizeBytes: 0,
    })),
    perPort: [lineages.length],
    ended: [false],
    skip,
    credit,
    flush: false,
  };
}
