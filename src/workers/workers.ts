/** Functions of a module as transforms that run in workers: typed from the module, checked, pooled. */
import { createWorkerPool } from '../../actors/workers/worker-pool.ts';
import type { WorkerThread } from '../../actors/workers/protocol.ts';
import { toThread, type NodeWorker, type WebWorker } from '../../actors/workers/worker-thread.ts';
import { OptionError } from '../../machines/errors.ts';
import { checkCount, checkNames, checkPositive } from '../options.ts';
import type { WorkerFunction } from './worker-function.ts';

export interface WorkersOptions {
  /**
   * Most workers at a time. Default: one for each task, so that `maxConcurrency` and the budget decide.
   * Fewer make sense when tasks are short: a worker then has its next task before it is done.
   */
  readonly threads?: number;
  /** Milliseconds without a task after which a worker is let go of. Default: 10,000. */
  readonly idle?: number;
  /** Milliseconds a worker may take to load its module and to set itself up. Default: 60,000. */
  readonly startTimeout?: number;
  /**
   * Bytes a worker may use: its heap, where the platform can limit that (Node, when `workerModule` has
   * got a URL), and its buffers, which are counted with each block it yields. Default: no limit.
   */
  readonly memoryBytes?: number;
}

/** How a worker of a module is made. */
export interface WorkerModule<Module> {
  readonly spawn: (settings: SpawnSettings) => WorkerThread | Promise<WorkerThread>;
  /** Only for the compiler. */
  readonly module?: Module;
}

export interface SpawnSettings {
  /** What the thread is called. */
  readonly name: string;
  readonly memoryBytes: number | undefined;
}

/** Makes a worker whose script calls `serve`. */
export type WorkerFactory = () => NodeWorker | WebWorker | Promise<NodeWorker | WebWorker>;

type AnyFunction = (input: never, context: never) => unknown;
interface AnyStateful {
  readonly setup?: (options: never, context: never) => unknown;
  readonly transform: AnyFunction;
}

/** The names under which a module exports transforms. */
export type TransformName<Module> = {
  [Name in keyof Module & string]: Module[Name] extends AnyFunction | AnyStateful ? Name : never;
}[keyof Module & string];

/** What operators may call: the function, or the `transform` of one that is set up. */
export type CallOf<Export> = Export extends AnyFunction
  ? Export
  : Export extends { readonly transform: (input: infer Input, context: never) => infer Output }
    ? (input: Input) => Output
    : never;

/** The `options` that `setup` wants, if it wants any. */
export type SetupOptions<Export> = Export extends {
  readonly setup: (options: infer Options, context: never) => unknown;
}
  ? unknown extends Options
    ? []
    : undefined extends Options
      ? [options?: WorkersOptions & { readonly options?: Options }]
      : [options: WorkersOptions & { readonly options: Options }]
  : [];

/** The arguments of `workers` after the name. */
export type WorkersArguments<Export> =
  SetupOptions<Export> extends [] ? [options?: WorkersOptions] : SetupOptions<Export>;

const DEFAULT_IDLE_MS = 10_000;
const DEFAULT_START_MS = 60_000;
const OPTIONS = ['threads', 'idle', 'startTimeout', 'memoryBytes', 'options'] as const;

/**
 * A function of a module, for `mapBlocks`, `map`, `filter` and `flatMap`: it is called in workers, one
 * task at a time in each. `options.options` is what the `setup` of a stateful transform is called with.
 *
 * Rows are copied on their way (`structuredClone`), large buffers in what a worker yields are moved:
 * a transform that wants to keep one yields a copy.
 *
 * @throws OptionError when an option is unknown or has a value it cannot have.
 */
export function workers<Module, Name extends TransformName<Module>>(
  module: WorkerModule<Module>,
  name: Name,
  ...[given]: WorkersArguments<Module[Name]>
): WorkerFunction<CallOf<Module[Name]>> {
  const settings: WorkersOptions & { readonly options?: unknown } = given ?? {};
  checkNames('workers', settings, OPTIONS);
  const { threads = Infinity, idle = DEFAULT_IDLE_MS } = settings;
  const { startTimeout = DEFAULT_START_MS, memoryBytes, options } = settings;
  if (threads !== Infinity) checkCount('threads', threads, 1);
  checkPositive('idle', idle);
  checkPositive('startTimeout', startTimeout);
  if (memoryBytes !== undefined) checkPositive('memoryBytes', memoryBytes);
  return {
    kind: 'worker function',
    name,
    toTransform: (shape, format) => ({
      kind: 'remote',
      createHost: (program, tools) =>
        createWorkerPool(program, tools, {
          exportName: name,
          shape,
          format,
          options,
          bufferBytes: memoryBytes,
          threads,
          idleMs: idle,
          startMs: startTimeout,
          spawn: (worker) =>
            module.spawn({ name: `${program.name} ${String(worker)}`, memoryBytes }),
        }),
    }),
  };
}

/**
 * The module behind a worker that you make yourself, as bundlers and browsers want it. Its script hands
 * its functions to `serve`.
 *
 * @example
 * const ops = workerModule<typeof import('./ops.ts')>(
 *   () => new Worker(new URL('./ops.worker.ts', import.meta.url), { type: 'module' }),
 * );
 * flow.mapBlocks(workers(ops, 'double'));
 */
export function workerModule<Module>(factory: WorkerFactory): WorkerModule<Module> {
  if (typeof factory !== 'function') {
    throw new OptionError('workerModule', 'workerModule needs a function that makes a worker');
  }
  return { spawn: async () => toThread(await factory()) };
}
