/**
 * The inputs of one message: a message is copied as a whole, so buffers that they had in common on the
 * other side they have in common here. What one of them passes on must not be taken from the others.
 */
import type { BlockMessage } from '../block.ts';
import { buffersIn } from './movable-buffers.ts';

export interface Company {
  /** An input is done with: what it has is not missed any more. */
  readonly leave: (input: BlockMessage) => void;
  /** Whether several inputs have, or had, a buffer in common. */
  readonly isShared: (buffer: Transferable) => boolean;
}

export function createCompany(inputs: Iterable<BlockMessage>): Company {
  const present = new Set(inputs);
  /** Looked for when the first buffer is to be moved: most rows have none. */
  let shared: ReadonlySet<Transferable> | undefined;

  function findShared(): ReadonlySet<Transferable> {
    const found = new Set<Transferable>();
    if (present.size < 2) return found;
    const known = new Set<Transferable>();
    for (const input of present) {
      // Columns that several blocks have in common were copied for each of them.
      if (input.kind !== 'rows') continue;
      for (const buffer of buffersIn(input.rows)) (known.has(buffer) ? found : known).add(buffer);
    }
    return found;
  }

  return {
    leave(input) {
      present.delete(input);
    },
    isShared(buffer) {
      shared ??= findShared();
      return shared.has(buffer);
    },
  };
}
