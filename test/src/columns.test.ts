import { expect, expectTypeOf, test } from 'vitest';
import {
  columnBlock,
  OptionError,
  pipeline,
  TaskError,
  type Block,
  type Run,
} from '../../src/index.ts';
import { simEnv } from '../../actors/sim-env.ts';

const orders = Array.from({ length: 10 }, (_, id) => ({ id, name: `n${String(id)}` }));

function collect<T>(start: (options: { env: ReturnType<typeof simEnv> }) => Run<T>): Promise<T[]> {
  const env = simEnv();
  return env.drive(start({ env }).collect());
}

test('a transform gets columns, typed by the rows, and gives columns', async () => {
  const flow = pipeline('columns')
    .from(orders, { rowsPerBlock: 4 })
    .mapBlocks(
      (block) => {
        expectTypeOf(block.column('name').at(0)).toEqualTypeOf<string>();
        return columnBlock({
          id: block.column('id'),
          double: Float64Array.from(block.column('id').values, (id) => 2 * id),
        });
      },
      { format: 'columns', preserveOrder: true },
    )
    .map(({ id, double }) => [id, double], { preserveOrder: true });
  expect(await collect((options) => flow.start(options))).toEqual(
    orders.map(({ id }) => [id, 2 * id]),
  );
});

test('a generator gives blocks and rows as it likes', async () => {
  const flow = pipeline('mixed')
    .from(orders, { rowsPerBlock: 5 })
    .mapBlocks(
      function* (block) {
        yield block.slice(0, 2);
        yield block.rows.slice(2);
      },
      { format: 'columns', preserveOrder: true },
    );
  const rows = await collect((options) => flow.start(options));
  expectTypeOf(rows).toEqualTypeOf<{ id: number; name: string }[]>();
  expect(rows).toEqual(orders);
});

test('columns reach the consumer as columns, without a detour over rows', async () => {
  const env = simEnv();
  const run = pipeline('kept')
    .fromBlocks([columnBlock({ x: Float64Array.of(1, 2) })])
    .mapBlocks((block) => block, { format: 'columns' })
    .start({ env });
  const kinds: string[] = [];
  const read = async (): Promise<void> => {
    for await (const block of run.blocks()) {
      kinds.push(block.kind);
      expect([...block.column('x').values]).toEqual([1, 2]);
    }
  };
  await env.drive(read());
  expect(kinds).toEqual(['columns']);
});

test('columns stay columns through union, batch and limit, and make the blocks they should', async () => {
  const part = (from: number, to: number) =>
    columnBlock({
      id: Float64Array.from({ length: to - from }, (_, index) => from + index),
      even: Array.from({ length: to - from }, (_, index) => (from + index) % 2 === 0),
    });
  const flow = pipeline('gathered')
    .fromBlocks([part(0, 5), part(5, 6)])
    .union(pipeline('others').fromBlocks([part(6, 13)]))
    .batch({ rows: 4 })
    .limit(10);
  const run = flow.start();
  const blocks: Block<{ id: number; even: boolean }>[] = [];
  for await (const ref of run.refs()) {
    blocks.push(run.read(ref));
    run.release(ref);
  }
  expect(blocks.map(({ kind, numRows }) => [kind, numRows])).toEqual([
    ['columns', 4],
    ['columns', 4],
    ['columns', 2],
  ]);
  const rows = blocks.flatMap((block) => block.rows);
  expect(rows.every(({ id, even }) => even === (id % 2 === 0))).toBe(true);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(10);
});

test('blocks of columns are split to the size that is asked for', async () => {
  const env = simEnv();
  const run = pipeline('split')
    .from([100])
    .mapBlocks(([count = 0]) => columnBlock({ x: new Float64Array(count) }), {
      output: { rows: 30 },
    })
    .start({ env });
  const sizes: number[] = [];
  const read = async (): Promise<void> => {
    for await (const { numRows } of run.blocks()) sizes.push(numRows);
  };
  await env.drive(read());
  expect(sizes).toEqual([30, 30, 30, 10]);
});

test('rows that do not fit into columns fail their block, and the error names column and row', async () => {
  const env = simEnv();
  const run = pipeline('misfits')
    .from([{ a: 1 }, { a: {} }])
    .mapBlocks((block) => block, { name: 'read', format: 'columns' })
    .start({ env });
  const error: unknown = await env.drive(run.collect()).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TaskError);
  expect(String(error)).toContain('column "a", row 1: columns do not hold an object');
});

test('a wrong format is refused by name', () => {
  const flow = pipeline('wrong').from([1]);
  expect(() => flow.mapBlocks((rows) => rows, { format: 'arrow' as never })).toThrow(OptionError);
  // @ts-expect-error only mapBlocks has a format
  expect(() => flow.map((row) => row, { format: 'columns' })).toThrow(
    'there is no option "format"',
  );
});

test('a large block is used before the next is made, however much room there is', async () => {
  const order: string[] = [];
  const flow = pipeline('large')
    .fromBlocks(function* () {
      for (let block = 0; block < 6; block++) {
        order.push(`make ${String(block)}`);
        yield columnBlock({ x: new Float64Array(2 ** 17).fill(block) });
      }
    })
    .mapBlocks(
      (block) => {
        order.push(`use ${String(block.column('x').at(0))}`);
        return [block.numRows];
      },
      { format: 'columns' },
    );
  await flow.start({ budget: { cpu: 4 } }).drain();
  expect(order).toEqual(
    [0, 1, 2, 3, 4, 5].flatMap((n) => [`make ${String(n)}`, `use ${String(n)}`]),
  );
});
