/** Where rows end: something that takes them, commits when the run is done, and gives up when it is not. */
import type { Block } from '../block.ts';
import { ownBlock } from '../columns/slab-block.ts';
import type { StatefulTransform, TransformContext } from '../transform.ts';

/**
 * Takes the rows of a flow, block by block, one at a time. An object, so that it can be opened and
 * committed; a function that takes rows will do where that is not needed.
 */
export interface Sink<T> {
  /** Before anything runs: an error here ends the run before it has begun. */
  open?(signal: AbortSignal): Promise<void> | void;
  write(rows: readonly T[], context: TransformContext): Promise<void> | void;
  /** In place of `write`, for a sink that can do with a block as it is, of columns for instance. */
  writeBlock?(block: Block<T>, context: TransformContext): Promise<void> | void;
  /** Every row of the run was written, everywhere: make it count. */
  close?(): Promise<void> | void;
  /** The run failed or was cancelled: leave nothing half-done behind. */
  abort?(reason: unknown): Promise<void> | void;
}

export function sinkTransform<T>(sink: Sink<T>): StatefulTransform {
  return {
    kind: 'stateful',
    create: () => ({
      open: (signal) => sink.open?.(signal),
      async take(inputs, _ended, _flush, _output, context) {
        for (const { block, ref } of inputs) {
          // By name: what the context makes when asked for it is not copied by a spread.
          const { signal, attempt, operator, log, progress } = context;
          const here = { signal, attempt, operator, log, progress, lineage: ref.lineage };
          if (sink.writeBlock === undefined) await sink.write(block.rows as readonly T[], here);
          else await sink.writeBlock(ownBlock(block) as Block<T>, here);
        }
        return { satisfied: false };
      },
      close: (outcome, reason) => (outcome === 'done' ? sink.close?.() : sink.abort?.(reason)),
    }),
  };
}
