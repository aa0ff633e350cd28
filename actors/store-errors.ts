/** Why a store cannot give a block. */
import type { BlockRef } from '../machines/block.ts';
import { StoreError } from '../machines/errors.ts';

type Named = Pick<BlockRef, 'id' | 'lineage'>;

export function notThere(ref: Named): StoreError {
  return new StoreError(
    `block ${nameOf(ref)} is not in the store: it was released, or belongs to another run`,
  );
}

export function notInMemory(ref: Named): StoreError {
  return new StoreError(`block ${nameOf(ref)} is not in memory: load it first`);
}

function nameOf({ id, lineage }: Named): string {
  return `${String(id)} (${lineage})`;
}
