/** What comes out of a run, for its one consumer: refs, blocks or rows, one by one. */
import type { BlockStore } from '../actors/block-store.types.ts';
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
  /** The same, the rows of a block at a time. */
  readonly rowArrays: () => AsyncGenerator<readonly T[], undefined>;
  /** Lets a block go of which no columns were kept. */
  readonly release: (ref: BlockRef) => void;
}

interface OutputParts {
  /** Name of the run. */
  readonly name: string;
  readonly outlet: Pick<Outlet, 'take' | 'release' | 'leftBehind'>;
  readonly store: Pick<BlockStore, 'get' | 'isShared' | 'spend'>;
  /** How the run has ended, when it has; rejects when it has failed. */
  readonly result: () => Promise<RunReport>;
  /** The consumer left its loop: nobody wants the rest. Resolves when the run is over. */
  readonly leave: (reason: unknown) => Promise<void>;
}

export function createOutput<T>({ name, outlet, store, result, leave }: OutputParts): RunOutput<T> {
  /** What is in each block that comes, one by one. One generator: each layer costs a block as much. */
  async function* each<R>(
    open: (ref: BlockRef) => Iterable<R>,
    letGo: (ref: BlockRef) => void,
  ): AsyncGenerator<R, undefined> {
    let finished = false;
    try {
      for (;;) {
        const taken = take();
        const ref = taken instanceof Promise ? await taken : taken;
        if (ref === undefined) break;
        try {
          for (const item of open(ref)) yield item;
        } finally {
          letGo(ref);
        }
      }
      finished = true;
      await endWell();
    } finally {
      if (!finished) await leave('its consumer left');
    }
  }

  /** A block that is lost ends the run, unless it was ending for another reason already. */
  function take(): BlockRef | undefined | Promise<BlockRef | undefined> {
    try {
      const taken = outlet.take();
      return taken instanceof Promise ? taken.catch(endWith) : taken;
    } catch (error) {
      return endWith(error);
    }
  }

  async function endWith(error: unknown): Promise<never> {
    await leave(error);
    await endWell(error);
    throw error;
  }

  /** @throws what the run has failed with, or been cancelled with unless that is `expected`. */
  async function endWell(expected?: unknown): Promise<void> {
    const report = await result();
    // A run that was cancelled when it was over is done, but not for its consumer.
    const end = outlet.leftBehind() ?? (report.status === 'cancelled' ? report : undefined);
    const isExpected = expected !== undefined && end?.reason === expected;
    if (end !== undefined && !isExpected) throw new CancelledError(name, end.reason);
  }

  function rowsOf(ref: BlockRef): readonly T[] {
    return store.get(ref).rows as readonly T[];
  }

  function release(ref: BlockRef): void {
    store.spend(ref);
    outlet.release(ref);
  }

  return {
    refs: () =>
      each(
        (ref) => [ref],
        () => undefined,
      ),
    blocks: () => each((ref) => [outputBlock<T>(store, ref)], outlet.release),
    rows: () => each(rowsOf, release),
    rowArrays: () => each((ref) => [rowsOf(ref)], release),
    release,
  };
}
