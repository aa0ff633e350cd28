/** What takes the place of a block that is lost where it was spilled to: the same one, or none. */
import type { BlockRef } from '../machines/block.ts';
import { describe, StoreError } from '../machines/errors.ts';
import type { Block } from './block.ts';
import { fingerprint } from './fingerprint.ts';
import type { Making, Origin, Remake } from './origin.ts';

/** What is known of a block that is not in memory. */
export interface LostBlock {
  readonly sizeBytes: number;
  /** Where it came from, if it can be made again. */
  readonly origin: Origin | undefined;
  /** Of what was written. */
  readonly fingerprint: number;
}

/** Where a block comes from that was just made. */
export function originOf(
  block: Block<unknown>,
  operator: number,
  made: Making | 'split' | undefined,
  originOfInput: (input: BlockRef) => Origin | undefined,
): Origin | undefined {
  if (made === undefined) return undefined;
  if (made === 'split') return { kind: 'split', block };
  const from = originOfInput(made.input);
  return from === undefined ? undefined : { kind: 'step', operator, from, ...made };
}

/**
 * Makes a lost block again.
 * @param loss what reading it has thrown.
 * @throws StoreError when it cannot be made again, or is not what it was; otherwise the loss itself.
 */
export async function replaceLost(
  lost: LostBlock,
  loss: unknown,
  remake: Remake | undefined,
  signal: AbortSignal,
): Promise<Block<unknown>> {
  const { origin, sizeBytes } = lost;
  if (remake === undefined || origin?.kind !== 'step') throw loss;
  let block: Block<unknown>;
  try {
    block = await remake(origin, signal);
  } catch (error) {
    const cause = new AggregateError([loss, error], 'it is lost, and cannot be made again');
    const why = `${describe(loss)}; to make it again failed, too: ${describe(error)}`;
    throw new StoreError(why, { cause });
  }
  if (block.sizeBytes === sizeBytes && fingerprint(block) === lost.fingerprint) return block;
  const why = 'what its source and transforms yield now is not the same';
  throw new StoreError(`${describe(loss)}; ${why}`, { cause: loss });
}
