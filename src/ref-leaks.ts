/**
 * Finds refs that a consumer has dropped without letting go of their blocks. Only a hint for whoever
 * develops: blocks are released by `release` and by nothing else, and the collector comes when it likes.
 */
import type { BlockRef } from '../machines/block.ts';
import { StoreError } from '../machines/errors.ts';

export interface RefLeaks {
  readonly watch: (ref: BlockRef) => void;
  /** It was released. */
  readonly forget: (ref: BlockRef) => void;
}

/** @param report gets an error for each ref that is lost; it never throws. */
export function watchRefs(report: (error: StoreError) => void): RefLeaks {
  const registry = new FinalizationRegistry<string>((name) => {
    report(
      new StoreError(
        `block ${name} was taken with refs() and never released: it stays in memory until the run is over`,
      ),
    );
  });
  return {
    watch: (ref) => {
      registry.register(ref, `${String(ref.id)} (${ref.lineage})`, ref);
    },
    forget: (ref) => {
      registry.unregister(ref);
    },
  };
}
