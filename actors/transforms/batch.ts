/** Re-blocks: gathers rows across blocks and tasks into blocks of one size. Columns stay columns. */
import type { Block } from '../block.ts';
import { concatBlocks, type BlockPart } from '../concat-blocks.ts';
import type { StatefulTransform } from '../transform.ts';
import type { BlockRef } from '../../machines/block.ts';

export interface BatchSize {
  /** Rows of a block, exactly; the last one may have fewer. */
  readonly rows?: number;
  /** Bytes of a block, about; a block may have fewer rows than `rows` then. */
  readonly bytes?: number;
}

export function batchTransform({
  rows: maxRows = Infinity,
  bytes: maxBytes = Infinity,
}: BatchSize): StatefulTransform {
  return {
    kind: 'stateful',
    create: ({ retain, release }) => {
      /** Parts of blocks, in order. */
      let waiting: BlockPart<unknown>[] = [];
      let waitingRows = 0;
      let waitingBytes = 0;
      /** Blocks with parts in `waiting`: they stay charged to who made them. */
      let held: BlockRef[] = [];

      function cut(): Block<unknown> {
        const whole = concatBlocks(waiting);
        drop();
        return whole;
      }

      function drop(): void {
        waiting = [];
        waitingRows = 0;
        waitingBytes = 0;
        held.forEach(release);
        held = [];
      }

      return {
        async take(inputs, _ended, flush, output) {
          for (const { ref, block } of inputs) {
            const { numRows } = block;
            const rowBytes = block.sizeBytes / Math.max(1, numRows);
            for (let from = 0; from < numRows;) {
              const room = Math.min(
                maxRows - waitingRows,
                Math.max(1, Math.ceil((maxBytes - waitingBytes) / rowBytes)),
              );
              const to = Math.min(numRows, from + room);
              waiting.push({ block, from, to });
              waitingRows += to - from;
              waitingBytes += (to - from) * rowBytes;
              from = to;
              const isFull = waitingRows >= maxRows || waitingBytes >= maxBytes;
              if (isFull) await output.emit(cut());
            }
            if (waitingRows === 0) continue;
            retain(ref);
            held.push(ref);
          }
          if (flush && waitingRows > 0) await output.emit(cut());
          return { satisfied: false };
        },
        close: drop,
      };
    },
  };
}
