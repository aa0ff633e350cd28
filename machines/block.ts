/**
 * Block references: the small plain-JSON handles that queues, messages and snapshots carry in place
 * of rows. The rows of a block live once, in the block store.
 */

/** A handle to one block of rows. Plain JSON; copying it does not copy, keep or free the block. */
export interface BlockRef {
  /** Where the block is in its run's store. Unique within the run, never used again. */
  readonly id: number;
  /** Where the block came from, by position; the same on every schedule and every retry. */
  readonly lineage: string;
  /** Index of the operator that made the block and is charged for its bytes. */
  readonly producer: number;
  readonly numRows: number;
  readonly sizeBytes: number;
}

/** The producer of blocks nobody is charged for: the splits a source reads. */
export const NOBODY = -1;

/**
 * The lineage of the `index`-th output made from the block with lineage `input`.
 *
 * @example childLineage('0.3', 1) // '0.3.1': source 0, block 3, second output
 */
export function childLineage(input: string, index: number): string {
  return `${input}.${String(index)}`;
}

/** The lineage of the `index`-th block of an operator whose outputs mix many inputs. */
export function mixedLineage(operator: number, index: number): string {
  return `@${String(operator)}.${String(index)}`;
}

/** Total bytes of some blocks. */
export function bytesOf(refs: readonly BlockRef[]): number {
  let bytes = 0;
  for (const ref of refs) bytes += ref.sizeBytes;
  return bytes;
}

/** Total rows of some blocks. */
export function rowsOf(refs: readonly BlockRef[]): number {
  let rows = 0;
  for (const ref of refs) rows += ref.numRows;
  return rows;
}
