/** A block as the consumer of a run gets it. */
import type { Block } from '../actors/block.ts';

export interface OutputBlock<T> extends Block<T> {
  /** Where it came from, by position; the same on every schedule and every retry. */
  readonly lineage: string;
}

export function outputBlock<T>(block: Block<unknown>, lineage: string): OutputBlock<T> {
  return Object.assign(Object.create(block) as Block<T>, { lineage });
}
