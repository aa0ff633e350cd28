/** An instance of a stateful transform among fakes: the test gives it blocks and looks at its outputs. */
import { isBlock, rowBlock, type Block } from '../../../actors/block.ts';
import { createBlockStore } from '../../../actors/block-store.ts';
import type {
  StatefulResult,
  StatefulTransform,
  TransformContext,
} from '../../../actors/transform.ts';
import { contextOf } from './context.ts';

export function instanceOf(transform: StatefulTransform) {
  const store = createBlockStore();
  /** Rows of new blocks; a block that is passed on as it is shows as its id. */
  const outputs: (readonly unknown[] | number)[] = [];
  /** New blocks. */
  const emitted: Block<unknown>[] = [];
  const instance = transform.create({
    retain: (ref) => {
      store.retain(ref);
    },
    release: (ref) => {
      store.release(ref);
    },
  });
  return {
    instance,
    outputs,
    emitted,
    /** Blocks that somebody holds. */
    held: () => store.usage.blocks,
    /** Gives blocks of rows to its ports, lets go of them afterwards, as a task does. */
    take: async (
      perPort: readonly (readonly (readonly unknown[] | Block<unknown>)[])[],
      {
        ended = perPort.map(() => false),
        flush = false,
        context = contextOf(),
      }: {
        readonly ended?: readonly boolean[];
        readonly flush?: boolean;
        readonly context?: TransformContext;
      } = {},
    ): Promise<StatefulResult> => {
      const inputs = perPort.flatMap((blocks, port) =>
        blocks.map((rows, index) => {
          const block = isBlock(rows) ? rows : rowBlock(rows);
          const ref = store.put(block, `${String(port)}.${String(index)}`, 0);
          return { port, ref, block };
        }),
      );
      const output = {
        emit: (rows: readonly unknown[] | Block<unknown>): void => {
          const block = isBlock(rows) ? rows : rowBlock(rows);
          emitted.push(block);
          outputs.push(block.rows);
        },
        forward: ({ id }: { readonly id: number }): void => {
          outputs.push(id);
        },
      };
      const result = await instance.take(inputs, ended, flush, output, context);
      for (const { ref } of inputs) store.release(ref);
      return result;
    },
  };
}
