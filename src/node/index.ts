/**
 * Files, Node's streams, worker threads, blocks that spill to disk, and progress in a terminal.
 *
 * @module sluice/node
 */
export { jsonlSink } from './jsonl-sink.ts';
export { spillingStore, type SpillOptions } from './spill/spilling-store.ts';
export { showProgress, type ProgressOptions } from './progress.ts';
export { toNodeReadable, writableSink, type WritableSinkOptions } from './node-streams.ts';
export { readJsonArray, readJsonl, readLines } from './read-lines.ts';
export { TypeScriptError } from './import-module.ts';
export { workerModule } from './workers/node-module.ts';
export {
  serve,
  statefulTransform,
  workers,
  type SetupContext,
  type StatefulTransform,
  type WorkerContext,
  type WorkerFactory,
  type WorkerFunction,
  type WorkerModule,
  type WorkersOptions,
} from '../workers/index.ts';
