/**
 * Uniform block sizing: what a transform yields is split, and if asked for merged, into blocks of the
 * size its operator wants. Never across two input blocks, so that lineage does not depend on chance.
 */
import { isBlock, rowBlock, type Block } from './block.ts';
import { concatBlocks, type BlockPart } from './concat-blocks.ts';
import type { OutputSizing } from './transform.ts';

export interface BlockSizer {
  /** Takes what was yielded; returns the blocks that are ready. Columns stay columns. */
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
  let waiting: BlockPart<unknown>[] = [];
  let waitingRows = 0;
  let waitingBytes = 0;

  function cut(): Block<unknown>[] {
    const [first] = waiting;
    const isWhole = waiting.length === 1 && first?.from === 0 && first.to === first.block.numRows;
    const whole = isWhole ? first.block : concatBlocks(waiting);
    waiting = [];
    waitingRows = 0;
    waitingBytes = 0;
    return split(whole, targetBytes);
  }

  return {
    add(yielded) {
      const block = isBlock(yielded) ? yielded : rowBlock(yielded);
      const { numRows, sizeBytes } = block;
      const ready: Block<unknown>[] = [];
      for (let from = 0; from < numRows;) {
        const room = rowsWanted === undefined ? numRows : rowsWanted - waitingRows;
        const to = Math.min(numRows, from + room);
        waiting.push({ block, from, to });
        waitingRows += to - from;
        waitingBytes += ((to - from) * sizeBytes) / numRows;
        from = to;
        const isFull =
          (rowsWanted !== undefined && waitingRows >= rowsWanted) ||
          (bytesWanted !== undefined && waitingBytes >= bytesWanted);
        if (isFull) ready.push(...cut());
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
