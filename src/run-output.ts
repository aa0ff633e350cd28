/** What comes out of a run, for its one consumer: refs, blocks or rows, one by one. */
import type { BlockStore } from '../actors/block-store.ts';
import type { Outlet } from '../actors/outlet.ts';
import type { BlockRef } from '../machines/block.ts';
import { CancelledError } from '../machines/errors.ts';
import type { RunReport } from '../machines/supervisor/run-report.ts';
import { outputBlock, type OutputBlock } from './output-block.ts';

export interface RunOutput<T> {
  /** References to blocks, each for the consumer to release. */
  readonly refs: () => AsyncGenerator<BlockRef, undefined>;
  /** Blocks, each released when the next one is asked for. */
  readonly blocks: () => AsyncGenerator<OutputBlock<T>, undefined>;
  readonly rows: () => AsyncGenerator<T, undefined>;
}

interface OutputParts {
  /** Name of the run. */
  readonly name: string;
  readonly outlet: Pick<Outlet, 'take' | 'release'>;
  readonly store: Pick<BlockStore, 'get'>;
  /** How the run has ended, when it has; rejects when it has failed. */
  readonly result: () => Promise<RunReport>;
  /** The consumer left its loop: nobody wants the rest. Resolves when the run is over. */
  readonly leave: (reason: unknown) => Promise<void>;
}

export function createOutput<T>({ name, outlet, store, result, leave }: OutputParts): RunOutput<T> {
  async function* refs(): AsyncGenerator<BlockRef, undefined> {
    let finished = false;
    let reason: unknown = 'its consumer left';
    try {
      for (;;) {
        const ref = await outlet.take().catch((error: unknown) => {
          reason = error;
          throw error;
        });
        if (ref === undefined) break;
        yield ref;
      }
      finished = true;
      const report = await result();
      if (report.status === 'cancelled') throw new CancelledError(name, report.reason);
    } finally {
      if (!finished) await leave(reason);
    }
  }

  async function* blocks(): AsyncGenerator<OutputBlock<T>, undefined> {
    for await (const ref of refs()) {
      try {
        yield outputBlock<T>(store.get(ref), ref.lineage);
      } finally {
        outlet.release(ref);
      }
    }
  }

  async function* rows(): AsyncGenerator<T, undefined> {
    for await (const block of blocks()) for (const row of block.rows) yield row;
  }

  return { refs, blocks, rows };
}
