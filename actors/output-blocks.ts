/**
 * Uniform block sizing: what a transform yields is split, and if asked for merged, into blocks of the
 * size its operator wants. Never across two input blocks, so that lineage does not depend on chance.
 */
import { isBlock, rowBlock, type Block } from './block.ts';
import type { OutputSizing } from './transform.ts';

export interface BlockSizer {
  /**
   * Takes what was yielded; returns the blocks that are ready. Blocks of columns are only split; to be
   * merged, their rows become blocks of rows.
   */
  add(yielded: readonly unknown[] | Block<unknown>): readonly Block<unknown>[];
  /** The input is done with: returns what was waiting to be merged. */
  flush(): readonly Block<unknown>[];
}

export function createBlockSizer(sizing: OutputSizing, targetBytes: number): BlockSizer {
  const { rows: rowsWanted, bytes: bytesWanted } = sizing;
  if (rowsWanted === undefined && bytesWanted === undefined) {
    return {
      add: (yielded) => split(isBlock(yielded) ? yielded : rowBlock(yielded), targetBytes),
      flush: () => [],
    };
  }
  let waiting: unknown[] = [];
  let waitingBytes = 0;

  function cut(): Block<unknown>[] {
    const whole = rowBlock(waiting);
    waiting = [];
    waitingBytes = 0;
    return split(whole, targetBytes);
  }

  return {
    add(yielded) {
      const rows = isBlock(yielded) ? yielded.rows : yielded;
      const ready: Block<unknown>[] = [];
      let from = 0;
      while (from < rows.length) {
        const room = rowsWanted === undefined ? Infinity : rowsWanted - waiting.length;
        const part = rows.slice(from, Math.min(rows.length, from + room));
        from += part.length;
        for (const row of part) waiting.push(row);
        if (bytesWanted !== undefined) waitingBytes += rowBlock(part).sizeBytes;
        const full =
          (rowsWanted !== undefined && waiting.length >= rowsWanted) ||
          (bytesWanted !== undefined && waitingBytes >= bytesWanted);
        if (full) ready.push(...cut());
      }
      return ready;
    },
    flush: () => (waiting.length === 0 ? [] : cut()),
  };
}

/** Halves a block until every part is within the target or is a single row. */
function split(block: Block<unknown>, targetBytes: number): Block<unknown>[] {
  if (block.sizeBytes <= targetBytes || block.numRows <= 1) return [block];
  const parts = Math.min(block.numRows, Math.ceil(block.sizeBytes / targetBytes));
  const rows = Math.ceil(block.numRows / parts);
  const blocks: Block<unknown>[] = [];
  for (let from = 0; from < block.numRows; from += rows) {
    blocks.push(...split(block.slice(from, from + rows), targetBytes));
  }
  return blocks;
}
