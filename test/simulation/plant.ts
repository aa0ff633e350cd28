/** Bundles the simulation with one bug planted into the engine, and runs seeds of it in a worker. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build as runEsbuild, type Plugin } from 'esbuild';
import type { Catch, Hunt, HuntReport } from './hunt.ts';

/** An exact piece of one source file, and what stands there instead. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/**
 * A bug can make the engine spin without ever giving way, so that no count of events ends it. Then the
 * worker is ended from outside, after many times the milliseconds that a seed takes.
 */
const SPINNING_MS = 20_000;

/** The simulation as one script. @throws Error when the patch does not fit exactly once. */
export async function bundle(patch?: Patch): Promise<string> {
  const result = await runEsbuild({
    entryPoints: [`${ROOT}test/simulation/hunt.ts`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    logLevel: 'silent',
    plugins: patch === undefined ? [] : [planting(patch)],
  });
  const [script] = result.outputFiles;
  if (script === undefined) throw new Error('the bundle is empty');
  return script.text;
}

function planting({ file, find, replace }: Patch): Plugin {
  return {
    name: 'planted-bug',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
        if (path !== `${ROOT}${file}`) return undefined;
        const parts = (await readFile(path, 'utf8')).split(find);
        if (parts.length !== 2) {
          throw new Error(`${file} has ${String(parts.length - 1)} times: ${find}`);
        }
        return { contents: parts.join(replace), loader: 'ts' };
      });
    },
  };
}

/** The first seed with which something is wrong; undefined when that is none. */
export async function runSeeds(
  script: string,
  seeds: readonly number[],
): Promise<Catch | undefined> {
  const hunt: Hunt = { seeds };
  const worker = new Worker(script, { eval: true, workerData: hunt, stdout: true, stderr: true });
  let seed = NaN;
  let watchdog: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve) => {
      worker.on('message', (report: HuntReport) => {
        if (report.type === 'found') resolve(report.caught);
        if (report.type === 'nothing') resolve(undefined);
        if (report.type !== 'tries') return;
        seed = report.seed;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => {
          resolve({ seed, what: 'L6: it spins' });
        }, SPINNING_MS);
      });
      // What nobody handles ends the process of whoever runs such an engine.
      worker.on('error', (error) => {
        resolve({ seed, what: `unhandled: ${String(error)}` });
      });
    });
  } finally {
    clearTimeout(watchdog);
    // What a broken run has left behind may keep the worker alive.
    await worker.terminate();
  }
}
