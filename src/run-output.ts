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
    try {
      for (let ref = await take(); ref !== undefined; ref = await take()) yield ref;
      finished = true;
      await endWell();
    } finally {
      if (!finished) await leave('its consumer left');
    }
  }

  /** A block that is lost ends the run, unless it was ending for another reason already. */
  async function take(): Promise<BlockRef | undefined> {
    try {
      return await outlet.take();
    } catch (error) {
      await leave(error);
      await endWell(error);
      throw error;
    }
  }

  /** @throws what the run has failed with, or been cancelled with unless that is `expected`. */
  async function endWell(expected?: unknown): Promise<void> {
    const { status, reason } = await result();
    const isExpected = expected !== undefined && reason === expected;
    if (status === 'cancelled' && !isExpected) throw new CancelledError(name, reason);
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
