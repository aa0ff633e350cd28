/** Modules in threads that Sluice makes itself. */
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { toThread } from '../../../actors/workers/worker-thread.ts';
import { OptionError } from '../../../machines/errors.ts';
import {
  workerModule as factoryModule,
  type SpawnSettings,
  type WorkerFactory,
  type WorkerModule,
} from '../../workers/workers.ts';

/** What a thread is told before anything else. */
export interface ThreadData {
  /** URL of the module it serves. */
  readonly module: string;
}

const MIB = 1024 * 1024;

/**
 * A module whose functions are to be called in worker threads: JavaScript, or TypeScript, on Node 20
 * with jiti or tsx. Or a function that makes the worker, whose script calls `serve`.
 *
 * @throws OptionError when it is neither a URL nor a function.
 * @example
 * const ops = workerModule<typeof import('./ops.ts')>(new URL('./ops.ts', import.meta.url));
 * flow.mapBlocks(workers(ops, 'double'));
 */
export function workerModule<Module>(module: URL | WorkerFactory): WorkerModule<Module> {
  if (typeof module === 'function') return factoryModule<Module>(module);
  // By what it has, not by its class: a test environment may have a class of its own.
  const { href } = Object(module) as { readonly href?: unknown };
  if (typeof href !== 'string') {
    throw new OptionError(
      'workerModule',
      "workerModule needs a URL, as in new URL('./ops.ts', import.meta.url), or a function that makes a worker",
    );
  }
  return { spawn: (settings) => toThread(startThread(href, settings)) };
}

function startThread(module: string, { name, memoryBytes }: SpawnSettings): Worker {
  const data: ThreadData = { module };
  const options: WorkerOptions = {
    name,
    workerData: data,
    ...(memoryBytes === undefined
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: Math.max(1, Math.ceil(memoryBytes / MIB)) } }),
  };
  const isSource = import.meta.url.endsWith('.ts');
  const script = new URL(isSource ? './worker-main.ts' : './worker-main.js', import.meta.url);
  if (!isSource || 'typescript' in process.features) return new Worker(script, options);
  return new Worker(runSource(script), { ...options, eval: true });
}

/** Runs a script of Sluice's own sources, as its tests do, on a Node that does not run TypeScript. */
function runSource(script: URL): string {
  const manifest = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'));
  const tsx = JSON.stringify(new URL('./dist/esm/api/index.mjs', manifest).href);
  const url = JSON.stringify(script.href);
  return `import(${tsx}).then(({ tsImport }) => tsImport(${url}, ${url}))`;
}
