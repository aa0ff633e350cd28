/**
 * What an operator learns of its blocks: how long one takes, how large its outputs are, how many come
 * of one input. From that follows how many blocks a task should take and what credit it needs.
 */
import type { BlockRef } from '../block.ts';
import type { OperatorPlan } from '../plan.ts';

/** Most blocks a task takes on its own account. */
export const MAX_BUNDLE = 64;
const MEMORY = 1 / 16;
/** Room for the next block to be somewhat larger than the largest so far. */
const MARGIN = 1.25;

export interface Sizing {
  /** Milliseconds one input block takes, a moving average; an operator is slow until it shows otherwise. */
  readonly blockMs: number;
  /** Input blocks that were measured. */
  readonly measured: number;
  /** Bytes the next output block may have; undefined before the first. */
  readonly blockSize: number | undefined;
  /** Outputs of one input block, a moving average. */
  readonly outputRatio: number;
}

/** What is known of an operator before its first block: nothing, so its tasks take one block each. */
export function unmeasured({ taskMs }: Pick<OperatorPlan, 'taskMs'>): Sizing {
  return { blockMs: taskMs, measured: 0, blockSize: undefined, outputRatio: 1 };
}

/** Learns from what a task has done: `inputs` blocks in `busyMs` milliseconds, yielding `outputs`. */
export function measure(
  sizing: Sizing,
  inputs: number,
  outputs: readonly BlockRef[],
  busyMs: number,
): Sizing {
  const weight = 1 - (1 - MEMORY) ** inputs;
  const mix = (before: number, sample: number): number => before + weight * (sample - before);
  return {
    blockMs: inputs === 0 ? sizing.blockMs : mix(sizing.blockMs, busyMs / inputs),
    measured: sizing.measured + inputs,
    outputRatio:
      inputs === 0 ? sizing.outputRatio : mix(sizing.outputRatio, outputs.length / inputs),
    blockSize: learnSize(sizing.blockSize, outputs),
  };
}

/** Input blocks one task should take now. */
export function bundleSize(plan: OperatorPlan, sizing: Sizing): number {
  if (plan.serial) return MAX_BUNDLE;
  if (plan.input !== undefined) return plan.input.blocks ?? MAX_BUNDLE;
  const inTime = plan.taskMs / Math.max(sizing.blockMs, Number.EPSILON);
  // Large blocks are on their way sooner when each is a task of its own, and need less credit at a time.
  const inSize = plan.targetBytes / ((sizing.blockSize ?? 0) * sizing.outputRatio);
  return Math.max(1, Math.floor(Math.min(MAX_BUNDLE, inTime, inSize)));
}

/** Bytes of credit to take for the next output block. */
export function expectedSize(plan: OperatorPlan, sizing: Sizing): number {
  return Math.min(plan.targetBytes, sizing.blockSize ?? plan.targetBytes);
}

function learnSize(before: number | undefined, outputs: readonly BlockRef[]): number | undefined {
  if (outputs.length === 0) return before;
  let largest = 0;
  for (const ref of outputs) largest = Math.max(largest, ref.sizeBytes);
  const sample = Math.ceil(largest * MARGIN);
  if (before === undefined || sample >= before) return sample;
  return Math.ceil(before + MEMORY * (sample - before));
}
