/** Block refs for tests: one row of 10 bytes unless it matters. */
import type { BlockRef } from '../../../machines/block.ts';

export function blockRef(id: number, parts: Partial<BlockRef> = {}): BlockRef {
  return { id, lineage: String(id), producer: 0, numRows: 1, sizeBytes: 10, ...parts };
}

/** Refs with the ids `from`, `from + 1`, ... */
export function blockRefs(
  count: number,
  from = 1,
  parts: Partial<BlockRef> = {},
): readonly BlockRef[] {
  return Array.from({ length: count }, (_, index) => blockRef(from + index, parts));
}

export function idsOf(refs: readonly BlockRef[]): readonly number[] {
  return refs.map(({ id }) => id);
}
