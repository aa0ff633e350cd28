/** Re-blocks: gathers rows across blocks and tasks into blocks of one size. */
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
      let waiting: unknown[] = [];
      let waitingBytes = 0;
      /** Blocks with rows in `waiting`: they stay charged to who made them. */
      let held: BlockRef[] = [];

      function cut(): readonly unknown[] {
        const rows = waiting;
        waiting = [];
        waitingBytes = 0;
        held.forEach(release);
        held = [];
        return rows;
      }

      return {
        async take(inputs, _ended, flush, output) {
          for (const { ref, block } of inputs) {
            const rowBytes = block.sizeBytes / Math.max(1, block.numRows);
            for (const row of block.rows) {
              waiting.push(row);
              waitingBytes += rowBytes;
              if (waiting.length >= maxRows || waitingBytes >= maxBytes) await output.emit(cut());
            }
            if (waiting.length === 0) continue;
            retain(ref);
            held.push(ref);
          }
          if (flush && waiting.length > 0) await output.emit(cut());
          return { satisfied: false };
        },
        close: () => {
          cut();
        },
      };
    },
  };
}
