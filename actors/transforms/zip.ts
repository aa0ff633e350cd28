/**
 * Pairs the rows of two flows by position, as they come. Ends with the shorter one: the other is told
 * to stop.
 */
import type { StatefulTransform } from '../transform.ts';
import type { BlockRef } from '../../machines/block.ts';

/** Rows of one side that wait for the other. */
interface Side {
  readonly blocks: { readonly ref: BlockRef; readonly rows: readonly unknown[] }[];
  /** Rows of the first block that are paired already. */
  used: number;
}

export function zipTransform(): StatefulTransform {
  return {
    kind: 'stateful',
    create: ({ retain, release }) => {
      const left: Side = { blocks: [], used: 0 };
      const right: Side = { blocks: [], used: 0 };
      const sides = [left, right];

      /** The next so many rows of a side; lets go of blocks that are used up. */
      function shift(side: Side, count: number): readonly unknown[] {
        const [first] = side.blocks;
        if (first === undefined) return [];
        const rows = first.rows.slice(side.used, side.used + count);
        side.used += rows.length;
        if (side.used === first.rows.length) {
          side.blocks.shift();
          side.used = 0;
          release(first.ref);
        }
        return rows;
      }

      function ready(side: Side): number {
        const [first] = side.blocks;
        return first === undefined ? 0 : first.rows.length - side.used;
      }

      return {
        async take(inputs, ended, _flush, output) {
          for (const { port, ref, block } of inputs) {
            retain(ref);
            sides[port]?.blocks.push({ ref, rows: block.rows });
          }
          for (;;) {
            const count = Math.min(ready(left), ready(right));
            if (count === 0) break;
            const lefts = shift(left, count);
            const rights = shift(right, count);
            await output.emit(lefts.map((row, index) => [row, rights[index]]));
          }
          const empty = [0, 1].filter((port) => sides[port]?.blocks.length === 0);
          return { satisfied: empty.some((port) => ended[port] === true), wants: empty };
        },
        close: () => {
          for (const { blocks } of sides) for (const { ref } of blocks.splice(0)) release(ref);
        },
      };
    },
  };
}
