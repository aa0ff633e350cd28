/**
 * A worker that simulates seeds until one breaks an invariant, and says what is wrong with it. It is
 * bundled from sources into which a bug was planted: see plant.ts.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { simulate } from './simulate.ts';

export interface Hunt {
  readonly seeds: readonly number[];
}

export type HuntReport =
  /** The next seed begins. */
  | { readonly type: 'tries'; readonly seed: number }
  | { readonly type: 'found'; readonly caught: Catch }
  | { readonly type: 'nothing' };

/** A seed that broke an invariant, and which. */
export interface Catch {
  readonly seed: number;
  readonly what: string;
}

async function hunt({ seeds }: Hunt, report: (report: HuntReport) => void): Promise<void> {
  for (const seed of seeds) {
    report({ type: 'tries', seed });
    try {
      await simulate(seed);
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      report({ type: 'found', caught: { seed, what } });
      return;
    }
  }
  report({ type: 'nothing' });
}

void hunt(workerData as Hunt, (report) => parentPort?.postMessage(report));
