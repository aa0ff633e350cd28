/**
 * Makes blocks again that were lost where they were kept: repeats the runs that led to them, from the
 * split of a source on. One block at a time, within the token of whoever waits for it: in this thread,
 * or alone at the host of the operator, if it has one.
 */
import type { BlockRef } from '../machines/block.ts';
import { describe } from '../machines/errors.ts';
import type { Block } from './block.ts';
import type { Remake, Step } from './origin.ts';
import type { Running, RunMessage, RunTools } from './running.ts';
import { TaskRun } from './task-run.ts';
import type { OperatorProgram, TaskHost } from './transform.ts';

export interface RemakerTools extends Pick<RunTools, 'env' | 'onLog'> {
  readonly programs: readonly OperatorProgram[];
  /** What runs the tasks of operators that run elsewhere, by operator. */
  readonly hosts: ReadonlyMap<number, TaskHost>;
  /** Aborted when the run is cancelled: nothing is made any more, whoever waits for it. */
  readonly cancelled: AbortSignal;
}

export function createRemaker({ env, onLog, programs, hosts, cancelled }: RemakerTools): Remake {
  let last: Promise<unknown> = Promise.resolve();

  async function make(step: Step, signal: AbortSignal): Promise<Block<unknown>> {
    const steps: Step[] = [];
    let origin = step.from;
    for (steps.push(step); origin.kind === 'step'; origin = origin.from) steps.push(origin);
    let { block } = origin;
    for (const next of steps.reverse()) block = await repeat(next, block, signal);
    return block;
  }

  /** Runs an operator over an input again, up to the output that is wanted. */
  function repeat(
    { operator, input, attempt, index }: Step,
    block: Block<unknown>,
    signal: AbortSignal,
  ): Promise<Block<unknown>> {
    const program = programs[operator];
    if (program === undefined) throw new Error(`no operator ${String(operator)}`);
    const { name } = program;
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(asError(signal.reason));
        return;
      }
      let made: Block<unknown> | undefined;
      const message: RunMessage = {
        type: 'runner.run',
        operator,
        task: -1,
        run: 0,
        attempt,
        inputs: [input],
        perPort: [1],
        ended: [false],
        // What comes before it is passed over, as it is when a failed attempt is repeated.
        skip: index,
        credit: { blocks: 1, bytes: Infinity },
        flush: false,
      };
      const tools: RunTools = {
        env,
        program,
        stateful: undefined,
        store: {
          load: () => block,
          put: (output): BlockRef => {
            made = output;
            return input;
          },
          // Nobody may lose it: the split is needed again.
          isShared: () => true,
          lend: () => undefined,
          extend: () => undefined,
          spend: () => undefined,
        },
        onNews,
        onLog,
        onProgress: () => undefined,
        // Rows that were given up have been handed out.
        onDeadRow: () => undefined,
      };
      const run: Running =
        hosts.get(operator)?.runAlone(message, tools) ?? new TaskRun(message, tools);

      function onNews(): void {
        if (made !== undefined) run.cancel('there is what was wanted of it');
        if (!run.isOver) return;
        signal.removeEventListener('abort', onAbort);
        const report = run.takeReport();
        if (signal.aborted) reject(asError(signal.reason));
        else if (made !== undefined) resolve(made);
        else if (report?.type === 'run.error') reject(asError(report.error));
        else reject(new Error(`operator "${name}" yields less than before`));
      }

      function onAbort(): void {
        run.cancel(signal.reason);
      }

      signal.addEventListener('abort', onAbort);
      run.start();
    });
  }

  return (step, signal) => {
    const made = last.then(() => make(step, AbortSignal.any([signal, cancelled])));
    last = made.catch(() => undefined);
    return made;
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describe(thrown), { cause: thrown });
}
