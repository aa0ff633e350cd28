/** Pipelines that are more than a chain: unions, pairs, branches, limits, other block sizes. */
import { expect, test, vi } from 'vitest';
import { pipeline, StallError } from '../../src/index.ts';
import { simEnv } from '../../src/testing.ts';

const numbers = (count: number, rowsPerBlock = 1) =>
  pipeline('graph').from(
    Array.from({ length: count }, (_, index) => index),
    { rowsPerBlock },
  );

const sorted = (rows: readonly number[]): number[] => [...rows].sort((a, b) => a - b);

test('limit stops its upstream early', async () => {
  const env = simEnv();
  let read = 0;
  const returned = vi.fn();
  const run = pipeline('endless')
    .from(
      function* () {
        try {
          for (;;) yield read++;
        } finally {
          returned();
        }
      },
      { rowsPerBlock: 4 },
    )
    .map((row) => row)
    .limit(10)
    .start({ env });
  const rows = await env.drive(run.collect());
  expect(rows).toHaveLength(10);
  expect(read).toBeLessThan(400);
  expect(returned).toHaveBeenCalledOnce();
  const report = await run.done;
  expect(report.status).toBe('done');
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('F46: limit(0) yields nothing and ends', async () => {
  const env = simEnv();
  const run = pipeline('endless')
    .from(function* () {
      for (;;) yield 1;
    })
    .limit(0)
    .start({ env });
  expect(await env.drive(run.collect())).toEqual([]);
});

test('F46: a limit in one branch leaves the other whole', async () => {
  const env = simEnv();
  const [left, right] = numbers(50).tee();
  const run = left
    .limit(3)
    .map((row) => row + 1000)
    .union(right)
    .start({ env });
  const rows = sorted(await env.drive(run.collect()));
  expect(rows.filter((row) => row < 1000)).toEqual(Array.from({ length: 50 }, (_, index) => index));
  expect(rows.filter((row) => row >= 1000)).toHaveLength(3);
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('union serves its inputs in turns', async () => {
  const env = simEnv();
  const fast = numbers(200).map((row) => row);
  const slow = numbers(200).map((row) => row + 1000);
  const run = fast
    .union(slow)
    .map(async (row) => (await env.sleep(1), row), { maxConcurrency: 1 })
    .start({ env });
  const rows = await env.drive(run.collect());
  const firstHalf = rows.slice(0, 200).filter((row) => row >= 1000).length;
  expect(firstHalf).toBeGreaterThan(50);
  expect(firstHalf).toBeLessThan(150);
});

test('zip pairs rows by position as they come, whatever the blocks', async () => {
  const env = simEnv();
  const left = numbers(10, 3);
  const right = pipeline('graph').from(Array.from('abcdefghij'), { rowsPerBlock: 4 });
  const run = left.zip(right).start({ env });
  const pairs = await env.drive(run.collect());
  expect(pairs.map(([number, letter]) => `${String(number)}${letter}`).join(' ')).toBe(
    '0a 1b 2c 3d 4e 5f 6g 7h 8i 9j',
  );
});

test('F45: zip ends with the shorter side and stops the other', async () => {
  const env = simEnv();
  const returned = vi.fn();
  const endless = pipeline('graph').from(function* () {
    try {
      for (let row = 0; ; row++) yield row;
    } finally {
      returned();
    }
  });
  const run = numbers(5, 2).zip(endless).start({ env });
  expect(await env.drive(run.collect())).toHaveLength(5);
  expect(returned).toHaveBeenCalledOnce();
  expect(run.snapshot().blockBytes.live).toBe(0);

  const empty = endless.zip(numbers(0)).start({ env });
  expect(await env.drive(empty.collect())).toEqual([]);
});

test('a flow can be zipped with what is made of itself', async () => {
  const env = simEnv();
  const base = numbers(100, 7);
  const run = base
    .zip(base.map((row) => row * row, { preserveOrder: true }))
    .start({ env, budget: { cpu: 2 } });
  const pairs = await env.drive(run.collect());
  expect(pairs).toHaveLength(100);
  expect(pairs.every(([row, square]) => square === row * row)).toBe(true);
});

test('tee gives every block to each branch, told apart by lineage', async () => {
  const env = simEnv();
  const [left, right] = numbers(4, 2).tee();
  const run = left.union(right.map((row) => row + 100)).start({ env });
  const seen: [string, readonly number[]][] = [];
  await env.drive(
    (async () => {
      for await (const { lineage, rows } of run.blocks()) seen.push([lineage, rows]);
    })(),
  );
  expect(new Map(seen)).toEqual(
    new Map([
      ['0.0.0', [0, 1]],
      ['0.1.0', [2, 3]],
      ['0.0.1.0', [100, 101]],
      ['0.1.1.0', [102, 103]],
    ]),
  );
});

test('split gives each block to one branch', async () => {
  const env = simEnv();
  const counts = [0, 0, 0];
  const branches = numbers(300)
    .split(3)
    .map((branch, index) =>
      branch.map((row) => {
        counts[index] = (counts[index] ?? 0) + 1;
        return row;
      }),
    );
  const [first, ...others] = branches;
  const run = first?.union(...others).start({ env });
  expect(sorted(await env.drive(run?.collect() ?? Promise.resolve([])))).toEqual(
    Array.from({ length: 300 }, (_, index) => index),
  );
  expect(Math.min(...counts)).toBeGreaterThan(30);
});

test('branches of branches', async () => {
  const env = simEnv();
  const [left, right] = numbers(60).split();
  const [a, b] = left.tee();
  const run = a
    .map((row) => row)
    .union(
      b.map((row) => row),
      right.map((row) => row),
    )
    .start({ env });
  const rows = await env.drive(run.collect());
  expect(new Set(rows).size).toBe(60);
  expect(rows.length).toBeGreaterThan(60);
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('branches may end in sinks of their own', async () => {
  const env = simEnv();
  const even: number[] = [];
  const odd: number[] = [];
  const [left, right] = numbers(10).tee();
  const run = left
    .filter((row) => row % 2 === 0)
    .to((rows) => void even.push(...rows))
    .union(right.filter((row) => row % 2 === 1).to((rows) => void odd.push(...rows)))
    .start({ env });
  expect((await env.drive(run.done)).status).toBe('done');
  expect(sorted(even)).toEqual([0, 2, 4, 6, 8]);
  expect(sorted(odd)).toEqual([1, 3, 5, 7, 9]);
});

test('batch re-blocks across blocks and tasks, by rows and by bytes', async () => {
  const env = simEnv();
  const sizes = async (size: { rows?: number; bytes?: number }): Promise<number[]> => {
    const run = numbers(25, 4).batch(size).start({ env });
    const counts: number[] = [];
    await env.drive(
      (async () => {
        for await (const { numRows } of run.blocks()) counts.push(numRows);
      })(),
    );
    return counts;
  };
  expect(await sizes({ rows: 10 })).toEqual([10, 10, 5]);
  expect(await sizes({ bytes: 80 })).toEqual([10, 10, 5]);
  expect(await sizes({ rows: 7, bytes: 40 })).toEqual([5, 5, 5, 5, 5]);
});

test('output sizes split and merge what a transform yields', async () => {
  const env = simEnv();
  const run = numbers(20, 10)
    .mapBlocks(
      function* (rows) {
        for (const row of rows) yield [row];
      },
      { output: { rows: 4 }, preserveOrder: true },
    )
    .start({ env });
  const blocks: (readonly number[])[] = [];
  await env.drive(
    (async () => {
      for await (const { rows } of run.blocks()) blocks.push(rows);
    })(),
  );
  expect(blocks.map((rows) => rows.length)).toEqual([4, 4, 2, 4, 4, 2]);
  expect(blocks.flat()).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test('F10: large blocks are split to the budget; a row that is too large alone passes alone', async () => {
  const env = simEnv();
  const run = pipeline('graph')
    .fromBlocks([['x'.repeat(5000), ...Array.from({ length: 50 }, () => 'small')]])
    .map((row) => row, { maxConcurrency: 1 })
    .start({ env, budget: { cpu: 1, blockBytes: 1000 } });
  const sizes: number[] = [];
  await env.drive(
    (async () => {
      for await (const { sizeBytes, numRows } of run.blocks()) {
        sizes.push(sizeBytes);
        if (sizeBytes > 1000) expect(numRows).toBe(1);
      }
    })(),
  );
  expect(sizes.filter((size) => size > 1000)).toHaveLength(1);
  expect(run.snapshot().blockBytes.peak).toBeLessThanOrEqual(1000 + 2 * 5008);
});

test('a task may take several small blocks, its transform still sees one at a time', async () => {
  const env = simEnv();
  const sizes: number[] = [];
  const run = numbers(64)
    .mapBlocks(
      (rows) => {
        sizes.push(rows.length);
        return rows;
      },
      { input: { blocks: 16 }, maxConcurrency: 1 },
    )
    .start({ env });
  await env.drive(run.collect());
  expect(sizes).toHaveLength(64);
  expect(new Set(sizes)).toEqual(new Set([1]));
  expect((await run.done).operators['mapBlocks']?.tasks).toBeLessThan(12);
});

test('blocks that take no time are bundled; blocks that take time are not', async () => {
  const env = simEnv();
  const quick = numbers(1000).map((row) => row, { name: 'quick' });
  const fast = quick.start({ env });
  await env.drive(fast.collect());
  expect((await fast.done).operators['quick']?.tasks).toBeLessThan(150);
  const slow = numbers(50)
    .map(async (row) => (await env.sleep(5), row), { name: 'slow' })
    .start({ env });
  await env.drive(slow.collect());
  expect((await slow.done).operators['slow']?.tasks).toBe(50);
});

test('what can never fit is a stall, reported at once, with who waits for what', async () => {
  const env = simEnv();
  const run = numbers(100)
    .batch({ rows: 50 })
    .start({ env, budget: { blockBytes: 100 } });
  const error: unknown = await env.drive(run.collect().catch((thrown: unknown) => thrown));
  expect(error).toBeInstanceOf(StallError);
  expect(error).toMatchObject({ code: 'STALL' });
  expect((error as StallError).message).toMatch(/source waits for .* of the 100 blockBytes/);
  expect(run.snapshot().blockBytes.live).toBe(0);
  expect(env.now()).toBe(0);
});

test('a source merges and splits what it reads to the size it is told', async () => {
  const env = simEnv();
  const blocks = [[1], [2, 3, 4, 5, 6], [7], [8]];
  const output = { rows: 3 };
  const flows = [
    pipeline('sized').fromBlocks(blocks, { output }),
    pipeline('sized').from(blocks.flat(), { rowsPerBlock: 1, output }),
    pipeline('sized').fromSource({ splits: () => [0], read: () => blocks }, { output }),
  ];
  for (const flow of flows) {
    const run = flow.mapBlocks((rows) => rows.slice()).start({ env });
    const sized: (readonly number[])[] = [];
    await env.drive(
      (async () => {
        for await (const { rows } of run.blocks()) sized.push(rows);
      })(),
    );
    expect(sized).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8],
    ]);
  }
});
