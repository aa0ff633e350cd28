/** Transforms in worker threads: what they get, what they may be, and what becomes of their threads. */
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  columnBlock,
  pipeline,
  StoreError,
  type Block,
  type Run,
  type RunEvent,
} from '../../../src/index.ts';
import { workerModule, workers } from '../../../src/node/index.ts';
import { counted } from './threads.ts';
import type * as opsModule from './ops.ts';

const ops = workerModule<typeof opsModule>(new URL('./ops.ts', import.meta.url));
const numbers = pipeline('workers').fromBlocks([[1, 2], [3], [4, 5, 6]]);

function events<T>(run: Run<T>): RunEvent[] {
  const seen: RunEvent[] = [];
  run.trace.subscribe((event) => seen.push(event));
  return seen;
}

test('functions, async functions and generators of blocks', async () => {
  const run = numbers
    .mapBlocks(workers(ops, 'double'), { preserveOrder: true })
    .mapBlocks(workers(ops, 'later'), { preserveOrder: true })
    .mapBlocks(workers(ops, 'oneByOne'), { preserveOrder: true })
    .start();
  const blocks = [];
  for await (const { lineage, rows } of run.blocks()) blocks.push([lineage, rows]);
  expect(blocks).toEqual([
    ['0.0.0.0.0', [3]],
    ['0.0.0.0.1', [5]],
    ['0.1.0.0.0', [7]],
    ['0.2.0.0.0', [9]],
    ['0.2.0.0.1', [11]],
    ['0.2.0.0.2', [13]],
  ]);
});

test('functions of rows: map, filter, flatMap', async () => {
  const run = numbers
    .map(workers(ops, 'square'), { preserveOrder: true })
    .filter(workers(ops, 'isOdd'), { preserveOrder: true })
    .flatMap(workers(ops, 'repeat'), { preserveOrder: true })
    .start();
  expect(await run.collect()).toEqual([1, 1, 9, 9, 25, 25]);
});

test('an operator is called like the function', () => {
  expect(numbers.map(workers(ops, 'square')).node).toMatchObject({ label: 'square' });
});

test('a task knows its attempt, its lineage and its operator, and can log and tell its progress', async () => {
  const run = numbers
    .mapBlocks(workers(ops, 'describeTask'), { name: 'work', preserveOrder: true })
    .start();
  const seen = events(run);
  expect(await run.collect()).toEqual(
    ['0.0', '0.1', '0.2'].map((lineage) => ({ attempt: 1, lineage, operator: 'work' })),
  );
  expect(seen).toContainEqual(
    expect.objectContaining({ type: 'log', operator: 'work', lineage: '0.2', text: 'rows 3' }),
  );
  expect(seen).toContainEqual(
    expect.objectContaining({ type: 'progress', operator: 'work', lineage: '0.1', fraction: 0.5 }),
  );
});

test('a stateful transform is set up once for each worker, with its options, and torn down', async () => {
  const run = numbers
    .mapBlocks(workers(ops, 'counting', { threads: 1, options: { from: 10 } }), {
      input: { blocks: 1 },
      maxConcurrency: 1,
      name: 'count',
    })
    .start();
  const seen = events(run);
  // The state is kept between tasks: it goes on counting.
  expect(await run.collect()).toEqual([12, 13, 16]);
  const logged = seen.flatMap((event) => (event.type === 'log' ? [event.text] : []));
  expect(logged).toEqual(['set up for count in worker 0']);
});

test('a stateful transform of rows', async () => {
  const run = numbers
    .map(workers(ops, 'adding', { options: 100 }), { preserveOrder: true })
    .start();
  expect(await run.collect()).toEqual([101, 102, 103, 104, 105, 106]);
});

test('blocks of columns cross both ways, and are columns on the other side', async () => {
  const run = pipeline('columns')
    .fromBlocks([columnBlock({ x: Float64Array.of(1, 2, 3) })])
    .mapBlocks(workers(ops, 'halve'), { format: 'columns' })
    .start();
  const blocks = [];
  for await (const block of run.blocks()) blocks.push(block.rows);
  expect(blocks).toEqual([[{ x: 0.5 }, { x: 1 }, { x: 1.5 }]]);
});

test('large buffers in the rows of a worker are moved, not copied', async () => {
  const run = pipeline('buffers')
    .fromBlocks([[1], [2]])
    .mapBlocks(workers(ops, 'buffers'), { maxConcurrency: 1 })
    .start();
  const rows = await run.collect();
  expect(rows.map(({ data }) => data.length)).toEqual([100_000, 100_000]);
  // The worker has seen that the buffer of its task before is gone.
  expect(rows.map(({ before }) => before)).toEqual([undefined, 0]);
});

test("the user's own buffers stay the user's", async () => {
  const mine = new Float64Array(10_000).fill(1);
  const flow = pipeline('mine').from([mine]).map(workers(ops, 'sum'));
  expect(await flow.start().collect()).toEqual([10_000]);
  expect(mine.length).toBe(10_000);
  expect(await flow.start().collect()).toEqual([10_000]);
});

test('a worker waits for credit between two yields: a slow consumer holds it back', async () => {
  const run = pipeline('slow')
    .fromBlocks([[64]])
    .mapBlocks(workers(ops, 'kilobytes'), { name: 'work', queue: { blocks: 2 } })
    .start({ budget: { cpu: 1, blockBytes: 8 * 1024 } });
  let rows = 0;
  for await (const block of run.blocks()) rows += block.numRows;
  expect(rows).toBe(64);
  const { live, peak } = run.snapshot().blockBytes;
  expect(live).toBe(0);
  expect(peak).toBeLessThanOrEqual(8 * 1024 + 2 * 1100);
});

test('as many threads as tasks, and not more than asked for', async () => {
  const [module, threads] = counted(ops);
  const run = numbers
    .mapBlocks(workers(module, 'double'), { maxConcurrency: 2, input: { blocks: 1 } })
    .start({ budget: { cpu: 3 } });
  expect(await run.collect()).toHaveLength(6);
  expect(threads).toMatchObject({ most: 2, alive: 0 });

  const [one, single] = counted(ops);
  const limited = numbers.mapBlocks(workers(one, 'double', { threads: 1 }));
  expect(await limited.start({ budget: { cpu: 3 } }).collect()).toHaveLength(6);
  expect(single).toMatchObject({ most: 1, alive: 0 });
});

test('a warm worker is preferred: tasks one after the other have one thread', async () => {
  const [module, threads] = counted(ops);
  const run = numbers
    .mapBlocks(workers(module, 'double'), { maxConcurrency: 1, input: { blocks: 1 } })
    .start({ budget: { cpu: 3 } });
  expect(await run.collect()).toHaveLength(6);
  expect(threads).toMatchObject({ made: 1 });
});

test('threads that have nothing to do go, and come back when there is something', async () => {
  const [module, threads] = counted(ops);
  async function* rows(): AsyncGenerator<number> {
    yield 1;
    await threads.gone();
    yield 2;
  }
  const run = pipeline('idle')
    .from(rows, { rowsPerBlock: 1 })
    .mapBlocks(workers(module, 'double', { idle: 1 }))
    .start();
  expect(await run.collect()).toEqual([2, 4]);
  expect(threads.made).toBeGreaterThanOrEqual(2);
  expect(threads.alive).toBe(0);
});

test.for(['cancelled', 'failed', 'left'] as const)(
  'no thread is left of a run that was %s',
  async (how) => {
    const [module, threads] = counted(ops);
    const rows = pipeline('ends').from([1, 2, 3]);
    const flow =
      how === 'failed'
        ? rows.mapBlocks(workers(module, 'fail'))
        : rows.mapBlocks(workers(module, 'oneByOne'));
    const run = flow.start();
    onTestFinished(() => run.cancel());
    if (how === 'cancelled') await run.cancel();
    else if (how === 'failed') await expect(run.drain()).rejects.toThrow('on purpose');
    else for await (const row of run) if (row === 1) break;
    expect(threads.made).toBeGreaterThanOrEqual(1);
    expect(threads.alive).toBe(0);
  },
);

test('a model that takes long to load is not starved by those in front of it', async () => {
  const run = pipeline('slow start')
    .from(
      Array.from({ length: 40 }, (_, index) => index),
      { rowsPerBlock: 1 },
    )
    .mapBlocks((rows) => rows, { name: 'quick', input: { blocks: 1 } })
    .mapBlocks(workers(ops, 'slowStart', { threads: 2 }), { name: 'model', input: { blocks: 1 } })
    .start({ budget: { cpu: 2 } });
  expect((await run.collect()).length).toBe(40);
  const { operators } = await run.done;
  expect(operators['model']?.tasks).toBe(40);
});

describe('what a worker has made of columns', () => {
  const ROWS = 20_000;
  const flow = pipeline('columns')
    .fromBlocks([columnBlock({ x: new Float64Array(ROWS).fill(14) })])
    .mapBlocks(workers(ops, 'halve'), { format: 'columns' });

  test('is gone as soon as its ref is released, and says so to whoever looks at it still', async () => {
    const run = flow.start();
    for await (const ref of run.refs()) {
      const block = run.read(ref);
      const x = block.column('x');
      const { values } = x;
      expect(values[ROWS - 1]).toBe(7);
      run.release(ref);
      expect(values).toHaveLength(0);
      expect(() => x.at(0)).toThrow(StoreError);
      expect(() => block.rows).toThrow(StoreError);
    }
  });

  test('is the consumer’s for as long as it likes when it takes blocks or rows', async () => {
    const blocks = [];
    for await (const block of flow.start().blocks()) blocks.push(block);
    expect(blocks[0]?.column('x').at(ROWS - 1)).toBe(7);
    expect(await flow.start().collect()).toHaveLength(ROWS);
    const rows = [];
    for await (const row of flow.start()) rows.push(row);
    expect(rows[ROWS - 1]).toEqual({ x: 7 });
  });

  test('stays with the other branch of a tee, whatever becomes of it in one', async () => {
    const kept: Block<{ x: number }>[] = [];
    const [first, second] = flow.tee();
    const keep = second.mapBlocks(
      (block) => {
        kept.push(block);
        return [];
      },
      { format: 'columns' },
    );
    const run = first.union(keep).start();
    for await (const ref of run.refs()) {
      run.read(ref).toTransfer();
      run.release(ref);
    }
    expect(kept.map((block) => block.column('x').at(ROWS - 1))).toEqual([7]);
  });
});
