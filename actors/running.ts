/** A run of a transform, wherever it runs: what it is told, what it needs, and what its runner sees. */
import type { DeadLetter, RunnerRun, RunReport } from '../machines/hands.protocol.ts';
import type { Credit } from '../machines/resource/ledger.ts';
import type { BlockStore } from './block-store.types.ts';
import type { Env } from './env.ts';
import type { OperatorProgram, StatefulProgram, TaskPlace } from './transform.ts';

/** What a run is told at its start. */
export type RunMessage = Omit<RunnerRun, 'replyTo'>;

/** A run under way, in this thread or elsewhere, as the runner sees it. */
export interface Running {
  /** Number of the run at its task actor. */
  readonly number: number;
  /** Nothing more will come of it. */
  readonly isOver: boolean;
  readonly start: () => void;
  readonly addCredit: (credit: Credit) => void;
  /** Reads no more. */
  readonly finish: () => void;
  readonly cancel: (reason: unknown) => void;
  /** What has happened since the last report; undefined when nothing has. */
  readonly takeReport: () => RunReport | undefined;
}

/** What a run needs from its runner. */
export interface RunTools {
  readonly env: Env;
  readonly store: Pick<BlockStore, 'load' | 'put' | 'isShared' | 'lend' | 'extend' | 'spend'>;
  readonly program: OperatorProgram;
  /** The operator's instance, if its transform remembers. */
  readonly stateful: (StatefulProgram & { outputs: number }) | undefined;
  /** There is something to report. */
  readonly onNews: () => void;
  readonly onLog: (place: TaskPlace, values: readonly unknown[]) => void;
  readonly onProgress: (place: TaskPlace, fraction: number) => void;
  /** A row that was given up and is to be handed out. */
  readonly onDeadRow: (letter: DeadLetter, row: unknown) => void;
  /** In a worker thread: what is the same for all runs, and what hears of a cancel at once. */
  readonly worker?: { readonly state: unknown; readonly poll: () => void };
}

/** Whether a failed attempt should be repeated, and when. */
export function judge(
  program: OperatorProgram,
  error: unknown,
  attempt: number,
): { error: unknown; retryAfter: number | undefined } {
  try {
    return { error, retryAfter: program.retryDelay(error, attempt) };
  } catch (policyError) {
    const message = 'the transform failed, and so did the function that judges its errors';
    return { error: new AggregateError([error, policyError], message), retryAfter: undefined };
  }
}
