/** Blocks that several workers are sent: copied once, into shared memory that nobody gets to see. */
import { rmSync } from 'node:fs';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { slabPool } from '../../../actors/slabs.ts';
import {
  columnBlock,
  pipeline,
  rowsToColumns,
  type ColumnBlock,
  type Flow,
  type OutputBlock,
} from '../../../src/index.ts';
import { spillingStore, workerModule, workers } from '../../../src/node/index.ts';
import { folder } from '../../faults/spilling.ts';
import { createGate } from './gate.ts';
import { pass, tellColumns, tellRows, type Mixed } from './slab-ops.ts';
import type * as opsModule from './slab-ops.ts';

const ops = workerModule<typeof opsModule>(new URL('./slab-ops.ts', import.meta.url));
const ROWS = 1500;
const BLOCKS = 6;

function mixedBlock(block: number): ColumnBlock<Mixed> {
  const rows = Array.from({ length: ROWS }, (_, row) => ({
    id: block * ROWS + row,
    small: row % 3 === 0 ? null : row % 100,
    big: BigInt(row) * -7n,
    flag: row % 5 === 0 ? null : row % 2 === 0,
    text: row % 4 === 0 ? null : `grün ${String(block)} ${'x'.repeat(row % 40)}`,
    colour: ['red', 'blau', ''][row % 3] ?? '',
    at: new Date(row * 1000),
    list: row % 6 === 0 ? null : [row, row + 1].slice(0, row % 3),
  }));
  return rowsToColumns<Mixed>(rows, { small: 'int8', colour: 'dictionary' });
}

const numbers = (fill: number): ColumnBlock<{ x: number }> =>
  columnBlock({ x: new Float64Array(10_000).fill(fill) });

/** What a source yields is the run's own. */
function flowOf<T>(make: (block: number) => ColumnBlock<T>, blocks = BLOCKS): Flow<T> {
  return pipeline('slabs').fromSource({
    name: 'source',
    splits: () => [0],
    *read() {
      for (let block = 0; block < blocks; block++) yield make(block);
    },
  });
}

/** Counts the copies that are made; none of the slabs they lie in may be in use at the end. */
function watchSlabs() {
  const take = vi.spyOn(slabPool, 'take');
  onTestFinished(() => {
    take.mockRestore();
    expect(slabPool.usage()).toMatchObject({ taken: 0, takenBytes: 0 });
  });
  const taken = () =>
    take.mock.results.flatMap(({ type, value }) =>
      type === 'return' && value !== undefined ? [value] : [],
    );
  return {
    copies: () => taken().length,
    /** Slabs they were made in. */
    buffers: () => new Set(taken().map(({ buffer }) => buffer)).size,
  };
}

const sorted = (texts: readonly string[]): string[] => [...texts].sort();

function union<T>([first, ...others]: readonly Flow<T>[]): Flow<T> {
  if (first === undefined) throw new Error('there is a flow');
  return first.union(...others);
}

/** The same, in this thread. */
async function expected(
  branches: number,
  look: (flow: Flow<Mixed>) => Flow<string>,
): Promise<string[]> {
  const flow = union(flowOf(mixedBlock).tee(branches).map(look));
  return sorted(await flow.start().collect());
}

const columns = { format: 'columns' } as const;
const NOTHING_KEPT = { isWhole: true, kept: 0 };

describe.each([2, 3])('%i workers that get the same blocks', (branches) => {
  test('as rows, have the same rows, from one copy', async () => {
    const slabs = watchSlabs();
    const flow = union(
      flowOf(mixedBlock)
        .tee(branches)
        .map((branch) => branch.mapBlocks(workers(ops, 'tellRows', { threads: 1 }))),
    );
    expect(sorted(await flow.start().collect())).toEqual(
      await expected(branches, (branch) => branch.mapBlocks(tellRows)),
    );
    expect(slabs.copies()).toBe(BLOCKS);
  });

  test('as columns, have the same columns, each a copy of its own', async () => {
    const slabs = watchSlabs();
    const flow = union(
      flowOf(mixedBlock)
        .tee(branches)
        .map((branch) => branch.mapBlocks(workers(ops, 'tellColumns', { threads: 1 }), columns)),
    );
    expect(sorted(await flow.start().collect())).toEqual(
      await expected(branches, (branch) => branch.mapBlocks(tellColumns, columns)),
    );
    expect(slabs.copies()).toBe(0);
  });

  test('can pass them on', async () => {
    watchSlabs();
    const flow = union(
      flowOf(mixedBlock)
        .tee(branches)
        .map((branch) => branch.mapBlocks(workers(ops, 'pass', { threads: 1 }), columns)),
    );
    expect(sorted(await flow.mapBlocks(tellRows).start().collect())).toEqual(
      await expected(branches, (branch) => branch.mapBlocks(pass, columns).mapBlocks(tellRows)),
    );
  });
});

test('a transform may keep its columns: they stay as they are', async () => {
  const slabs = watchSlabs();
  const blocks = 80;
  const [inRows, ...inColumns] = flowOf(numbers, blocks).tee(3);
  const keeps = workers(ops, 'keepsAll', { threads: 1 });
  // A block that was sent as rows before lies in a slab.
  const sent = inRows?.mapBlocks(workers(ops, 'count', { threads: 1 }), { name: 'in rows' });
  const flow = union([
    ...inColumns.map((branch) => branch.mapBlocks(keeps, columns)),
    ...(sent === undefined ? [] : [sent.filter(() => false).map(() => NOTHING_KEPT)]),
  ]);
  const rows = await flow.start({ budget: { cpu: 3, blockBytes: 6e6 } }).collect();
  expect(rows).toHaveLength(2 * blocks);
  expect(rows.every(({ isWhole }) => isWhole)).toBe(true);
  expect(Math.max(...rows.map(({ kept }) => kept))).toBe(blocks);
  expect(slabs.copies()).toBe(blocks);
  // Meanwhile other blocks were where those had been.
  expect(slabs.buffers()).toBeLessThan(blocks / 2);
});

test('a block that is kept for another attempt is not copied again for it', async () => {
  const slabs = watchSlabs();
  const run = flowOf(numbers)
    .mapBlocks(workers(ops, 'crashesOnce', { threads: 1 }), {
      name: 'sum',
      retries: { count: 1, backoff: 0 },
      preserveOrder: true,
      input: { blocks: 1 },
    })
    .start();
  expect(await run.collect()).toEqual([0, 1, 2, 3, 4, 5].map((fill) => 10_000 * fill));
  expect((await run.done).operators['sum']?.retried).toBe(1);
  expect(slabs.copies()).toBe(BLOCKS);
});

test('this thread has the same blocks, and may keep them when the run is over', async () => {
  watchSlabs();
  const [left, middle, right] = flowOf(mixedBlock).tee(3);
  if (left === undefined || middle === undefined || right === undefined) throw new Error('three');
  const inThread: ColumnBlock<Mixed>[] = [];
  const flow = left.mapBlocks(workers(ops, 'pass', { threads: 1 }), columns).union(
    middle.mapBlocks(
      (block) => {
        inThread.push(block);
        return block;
      },
      { ...columns, maxConcurrency: 1 },
    ),
    right,
  );
  const kept: OutputBlock<Mixed>[] = [];
  for await (const block of flow.start().blocks()) kept.push(block);
  // Other blocks lie where these have been.
  await union(
    flowOf(mixedBlock)
      .tee()
      .map((branch) => branch.mapBlocks(workers(ops, 'tellRows', { threads: 1 }))),
  )
    .start()
    .drain();
  const told = await expected(3, (branch) => branch.mapBlocks(tellRows));
  expect(sorted(kept.flatMap(({ rows }) => tellRows(rows)))).toEqual(told);
  const once = await expected(1, (branch) => branch.mapBlocks(tellColumns, columns));
  expect(sorted(inThread.flatMap(tellColumns))).toEqual(once);
});

test("the user's own blocks stay the user's", async () => {
  watchSlabs();
  const mine = [1, 2, 3].map(numbers);
  const { values } = mine[0]?.column('x') ?? {};
  const [left, right] = pipeline('mine').fromBlocks(mine).tee();
  const both = [left, right].map((branch) =>
    branch.mapBlocks(workers(ops, 'failsAtThree', { threads: 1 }), { onError: 'skip' }),
  );
  expect(await union(both).start().collect()).toEqual([10_000, 10_000, 10_000, 10_000]);
  expect(values?.buffer).toBeInstanceOf(ArrayBuffer);
  expect(mine.map((block) => block.column('x').values[9999])).toEqual([1, 2, 3]);
});

test('blocks are written to disk and come back in between', async () => {
  watchSlabs();
  const directory = folder();
  onTestFinished(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const flow = union(
    flowOf(mixedBlock)
      .tee()
      .map((branch, index) =>
        branch.mapBlocks(workers(ops, 'tellRows', { threads: 1 }), {
          name: `tell ${String(index)}`,
          queue: { blocks: 100 },
          input: { blocks: 1 },
          retries: 1,
        }),
      ),
  );
  const run = flow.start({
    budget: { cpu: 2 },
    store: spillingStore({ directory, highWater: 0 }),
  });
  expect(sorted(await run.collect())).toEqual(
    await expected(2, (branch) => branch.mapBlocks(tellRows)),
  );
  const { spill } = await run.done;
  expect(spill.written).toBeGreaterThan(0);
  expect(spill.failed).toBe(0);
});

test('a run that fails leaves no slab in use', async () => {
  const slabs = watchSlabs();
  const [left, right] = flowOf(numbers).tee();
  const fails = workers(ops, 'failsAtThree', { threads: 1 });
  const run = union([left, right].map((branch) => branch.mapBlocks(fails))).start();
  await expect(run.collect()).rejects.toThrow('on purpose');
  await run.done.catch(() => undefined);
  expect(slabs.copies()).toBeGreaterThan(0);
});

test('a run that is cancelled has its slabs until its threads are done with them', async () => {
  watchSlabs();
  const gate = createGate();
  const [left, right] = flowOf(numbers).tee();
  const waits = workers(ops, 'waitsWithBlock', { threads: 1, options: gate.cells });
  const run = union([left, right].map((branch) => branch.mapBlocks(waits))).start();
  const waiting = new Promise<void>((resolve) => {
    run.trace.subscribe((event) => {
      if (event.type === 'log' && event.text === 'waits') resolve();
    });
  });
  const rows = run.collect();
  rows.catch(() => undefined);
  await waiting;
  const cancelled = run.cancel('enough');
  expect(slabPool.usage().taken).toBeGreaterThan(0);
  gate.open();
  await cancelled;
  expect((await run.done).status).toBe('cancelled');
});

test('where memory cannot be shared, blocks are copied for each', async () => {
  vi.stubGlobal('SharedArrayBuffer', undefined);
  onTestFinished(() => {
    vi.unstubAllGlobals();
  });
  const slabs = watchSlabs();
  const flow = union(
    flowOf(mixedBlock)
      .tee()
      .map((branch) => branch.mapBlocks(workers(ops, 'tellRows', { threads: 1 }), { retries: 1 })),
  );
  expect(sorted(await flow.start().collect())).toEqual(
    await expected(2, (branch) => branch.mapBlocks(tellRows)),
  );
  expect(slabs.copies()).toBe(0);
});
