/** The first rows of a flow: whole blocks pass as they are, the last one is cut, and what feeds it stops. */
import { concatBlocks } from '../concat-blocks.ts';
import type { StatefulTransform } from '../transform.ts';

export function limitTransform(rows: number): StatefulTransform {
  return {
    kind: 'stateful',
    create: () => {
      let left = rows;
      return {
        async take(inputs, _ended, _flush, output) {
          for (const { ref, block } of inputs) {
            if (left === 0) break;
            if (block.numRows <= left) output.forward(ref);
            else await output.emit(concatBlocks([{ block, from: 0, to: left }]));
            left -= Math.min(left, block.numRows);
          }
          return { satisfied: left === 0 };
        },
      };
    },
  };
}
