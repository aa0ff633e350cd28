/**
 * Transforms in workers that you make yourself, in browsers and in bundles: nothing of Node is needed.
 *
 * @module sluice/workers
 */
export { serve } from './serve.ts';
export { statefulTransform, type StatefulTransform } from './stateful-transform.ts';
export type { WorkerFunction } from './worker-function.ts';
export {
  workerModule,
  workers,
  type WorkerFactory,
  type WorkerModule,
  type WorkersOptions,
} from './workers.ts';
export type { SetupContext, WorkerContext } from '../../actors/workers/worker-context.ts';
