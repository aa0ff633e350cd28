/** Puts a run together: checks the options, plans the pipeline, makes its world. */

import { rowsSource, type RowsInput } from '../actors/sources.ts';
import { liveEnv, type Env } from '../actors/env.ts';
import type { SpillingStore } from '../actors/spill.ts';
import type { OperatorProgram, TaskPlace } from '../actors/transform.ts';
import { createWorld, type World } from '../actors/world.ts';
import { OptionError, PlanError } from '../machines/errors.ts';
import type { Plan } from '../machines/plan.ts';
import { bottleneck, type RankingPolicy } from '../machines/ranking.ts';
import type { SupervisorInput } from '../machines/supervisor/supervisor.protocol.ts';
import { resolveBudget, type Budget } from './budget.ts';
import type { FlowNode } from './graph.ts';
import { planPipeline } from './plan.ts';

/** A block that was given up, handed to `onDeadLetter`. */
export interface DeadLetterBlock {
  readonly operator: string;
  readonly lineage: string;
  /** Attempts made. */
  readonly attempts: number;
  /** What the last attempt threw. */
  readonly cause: unknown;
  /** The input rows; with `onRowError`, the one row. */
  readonly rows: readonly unknown[];
  /** Which row of the block was given up; undefined when all of them were. */
  readonly row: number | undefined;
  /** Outputs that had been published before the block was given up. */
  readonly published: number;
}

export interface PipelineOptions {
  readonly budget?: Budget;
  /** In which order operators get tokens. Default: the slowest operator is kept busy. */
  readonly ranking?: RankingPolicy;
  /** Clock, timers and randomness. Default: the real ones. */
  readonly env?: Env;
  /**
   * Where blocks go while there are too many bytes in memory: `spillingStore()` of `sluice/node`. Default:
   * nowhere; when the budget is used up, producers wait.
   */
  readonly store?: SpillingStore;
  /** Gets the blocks of operators with `onError: 'deadLetter'`; awaited before the block is let go of. */
  readonly onDeadLetter?: (letter: DeadLetterBlock) => void | Promise<void>;
}

/** Rows of a block of what is fed in: most of it comes one by one, and is passed on as it comes. */
const FED_ROWS_PER_BLOCK = 1024;

export const PIPELINE_OPTIONS = ['budget', 'ranking', 'env', 'store', 'onDeadLetter'] as const;

/** What a world tells that is no message between actors. */
export interface Notes {
  readonly onLog: (place: TaskPlace, values: readonly unknown[]) => void;
  readonly onProgress: (place: TaskPlace, fraction: number) => void;
  readonly onDeadLetter: (letter: DeadLetterBlock) => void;
  /** A function the user gave has thrown where nothing can be done about it. */
  readonly onCallbackError: (error: unknown) => void;
}

export interface Assembly {
  readonly plan: Plan;
  readonly world: World;
  readonly input: SupervisorInput;
}

/**
 * @throws PlanError when the pipeline can never run under the budget.
 * @throws OptionError when an option has a value it cannot have.
 */
export function assemble(
  name: string,
  last: FlowNode,
  options: PipelineOptions & { readonly input?: RowsInput<unknown> | (() => RowsInput<unknown>) },
  notes: Notes,
): Assembly {
  const { ranking = bottleneck, env = liveEnv, store, onDeadLetter } = options;
  if (typeof ranking !== 'function') {
    throw new OptionError('ranking', 'option "ranking" must be a function of operator views');
  }
  if (store !== undefined && typeof store.open !== 'function') {
    throw new OptionError('store', 'option "store" must be a store, like spillingStore()');
  }
  const budget = resolveBudget(options.budget);
  const { plan, programs } = planPipeline(name, last, budget, () => env.random());
  const fed = programs.map((program) => feed(program, options.input));
  const world = createWorld({
    env,
    name,
    spillingStore: store,
    blockBytes: budget.blockBytes,
    programs: fed,
    onLog: notes.onLog,
    onProgress: notes.onProgress,
    async onDeadLetter(letter, rows) {
      const { operator, lineage, attempts, cause, row, published } = letter;
      const block = { operator, lineage, attempts, cause, row, published, rows };
      notes.onDeadLetter(block);
      try {
        await onDeadLetter?.(block);
      } catch (error) {
        notes.onCallbackError(error);
      }
    },
  });
  return { plan, world, input: { plan, budget, ranking, now: env.now() } };
}

/** Puts the rows that are given to a run in the place that stands for them. */
function feed(
  program: OperatorProgram,
  input: RowsInput<unknown> | (() => RowsInput<unknown>) | undefined,
): OperatorProgram {
  const { transform, name } = program;
  if (transform.kind !== 'source' || transform.isInput !== true) return program;
  if (input === undefined) {
    throw new PlanError(
      `the pipeline is fed from outside: give start({ input }), or use toTransformStream()`,
      name,
    );
  }
  return { ...program, transform: rowsSource(input, FED_ROWS_PER_BLOCK) };
}
