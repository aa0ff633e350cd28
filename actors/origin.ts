/**
 * Where a block came from, as far as it can be made again: which run of which operator yielded it, and
 * where the input of that came from, back to the split of a source. Numbers and names; the split is the
 * only datum. Blocks of one input have its origin in common, and it goes with the last of them.
 */
import type { BlockRef } from '../machines/block.ts';
import type { Block } from './block.ts';

export type Origin =
  /** What a source is to read. */
  { readonly kind: 'split'; readonly block: Block<unknown> } | Step;

/** One output of a run that may be repeated. */
export interface Step extends Making {
  readonly kind: 'step';
  /** Index of the operator. */
  readonly operator: number;
  readonly from: Origin;
}

/** How an output was made, as the run that made it knows. */
export interface Making {
  /** The block it was made from. */
  readonly input: BlockRef;
  /** Which attempt at that block it was, from 1. */
  readonly attempt: number;
  /** Its number among the outputs of that block. */
  readonly index: number;
}

/**
 * Makes a block again.
 * @throws whatever the transform or the source throws this time.
 */
export type Remake = (step: Step, signal: AbortSignal) => Promise<Block<unknown>>;
