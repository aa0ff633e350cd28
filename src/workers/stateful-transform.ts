/** Transforms that are set up once for each worker. */
import type { SetupContext, WorkerContext } from '../../actors/workers/worker-context.ts';

/** What is made once for each worker, and used by all its tasks: a model, a connection, a cache. */
export interface StatefulTransform<Options, State, Input, Output> {
  /** Makes what `transform` finds as `context.state`. Awaited before the worker's first task. */
  readonly setup: (options: Options, context: SetupContext) => State | Promise<State>;
  readonly transform: (input: Input, context: WorkerContext<State>) => Output;
  /** The worker ends: the state goes. */
  readonly teardown?: (state: State) => void | Promise<void>;
}

/**
 * Types a stateful transform: `context.state` is what `setup` makes. It is what a module exports, to
 * be run by `workers`.
 *
 * @example
 * export const classify = statefulTransform({
 *   setup: async ({ path }: { path: string }) => loadModel(path),
 *   transform: (rows: string[], { state }) => rows.map((row) => state.classify(row)),
 *   teardown: (model) => model.close(),
 * });
 */
export function statefulTransform<Options, State, Input, Output>(
  transform: StatefulTransform<Options, State, Input, Output>,
): StatefulTransform<Options, State, Input, Output> {
  return transform;
}
