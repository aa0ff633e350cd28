/** What a worker of a pool is started with, where the test does not look at it. */
import { simEnv } from '../../../actors/sim-env.ts';
import type { PooledWorkerTools } from '../../../actors/workers/pooled-worker.ts';
import type { WorkerReport } from '../../../actors/workers/protocol.ts';

/** A run that is done with one input, and nobody waits for its thread. */
export const DONE: WorkerReport = {
  consumed: 1,
  busyMs: 0,
  droppedRows: [],
  held: undefined,
  end: 'done',
  next: undefined,
  isSpent: false,
};

export function workerTools(
  parts: Pick<PooledWorkerTools, 'spawn'> & Partial<PooledWorkerTools>,
): PooledWorkerTools {
  return {
    env: simEnv(),
    program: {
      exportName: 'work',
      shape: 'map',
      format: 'rows',
      options: undefined,
      worker: 0,
      operator: {
        index: 0,
        name: 'work',
        output: {},
        targetBytes: 1000,
        atomic: false,
        retries: 0,
        onRowError: 'fail',
      },
      reportsInputs: false,
      bufferBytes: undefined,
    },
    startMs: 1000,
    timeoutMs: undefined,
    onLoaded: () => undefined,
    onReady: () => undefined,
    onFree: () => undefined,
    onRunOver: () => undefined,
    onGone: () => undefined,
    onLog: () => undefined,
    onProgress: () => undefined,
    ...parts,
  };
}
