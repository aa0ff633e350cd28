/** What a transform that is set up once for each worker is told. */
import type { TransformContext } from '../transform.ts';

/** What `setup` is told besides its options. */
export interface SetupContext {
  /** Name of the operator. */
  readonly operator: string;
  /** Number of the worker in its pool, from 0. */
  readonly worker: number;
  /** Aborted when the worker is to end. */
  readonly signal: AbortSignal;
  /** Notes something for whoever watches the run. */
  readonly log: (...values: unknown[]) => void;
}

/** What `transform` is told besides its rows. */
export interface WorkerContext<State> extends TransformContext {
  /** What `setup` has made, once for this worker. */
  readonly state: State;
}
