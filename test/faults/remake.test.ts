/** Blocks that are lost where they were spilled to, and made again: row F50 of the table of faults. */
import { expect, test } from 'vitest';
import {
  CancelledError,
  columnBlock,
  pipeline,
  StoreError,
  type Block,
  type Flow,
  type OperatorOptions,
  type PipelineOptions,
} from '../../src/index.ts';
import type { Spill } from '../../actors/spill.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';

/** Takes every block at once, and gives none of them back. */
function losingSpill(env: SimEnv): Spill {
  return {
    highWater: 0,
    maxBytes: Infinity,
    write: async (_id, block) => {
      await env.sleep(1);
      return block.sizeBytes;
    },
    read: async (id) => {
      await env.sleep(1);
      throw new StoreError(`block ${String(id)} is gone`);
    },
    remove: () => undefined,
    close: () => Promise.resolve(),
  };
}

/** Runs a flow whose consumer takes its time: what it has not taken yet is lost meanwhile. */
async function runLosing<T>(flow: Flow<T>, options: PipelineOptions = {}) {
  const env = simEnv();
  const run = flow.start({ env, store: { open: () => losingSpill(env) }, ...options });
  const rows: unknown[] = [];
  const lineages: string[] = [];
  async function consume(): Promise<unknown> {
    try {
      for await (const ref of run.refs()) {
        lineages.push(ref.lineage);
        rows.push(...run.read(ref).rows);
        run.release(ref);
        await env.sleep(10);
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }
  const error = await env.drive(consume());
  const report = await env.drive(run.done.catch(() => undefined));
  return { rows, lineages, error, report, run, spill: run.snapshot().spill };
}

const AGAIN: OperatorOptions = { retries: 1, queue: { blocks: 100 } };
const blocks = Array.from({ length: 6 }, (_, block) => [block * 10, block * 10 + 1]);

test('a chain of operators is run again from its source on, block by block', async () => {
  const seen: string[] = [];
  const flow = pipeline('chain')
    .fromBlocks(blocks)
    .map(
      (row, { lineage, attempt }) => {
        seen.push(`${lineage} ${String(attempt)}`);
        return row + 1;
      },
      { ...AGAIN, preserveOrder: true },
    )
    .mapBlocks(
      function* (rows) {
        for (const row of rows) yield [row, -row];
      },
      { ...AGAIN, preserveOrder: true },
    );
  const { rows, error, report, lineages, spill } = await runLosing(flow);
  expect(error).toBeUndefined();
  expect(rows).toEqual(blocks.flat().flatMap((row) => [row + 1, -row - 1]));
  expect(lineages).toEqual(
    blocks.flatMap((_, block) => [`0.${String(block)}.0.0`, `0.${String(block)}.0.1`]),
  );
  expect(spill.remade).toBeGreaterThan(0);
  expect(report?.operators['map']).toMatchObject({
    tasks: blocks.length,
    blocksOut: blocks.length,
  });
  // The same place in the run, whenever it is called.
  expect(new Set(seen)).toEqual(new Set(blocks.map((_, block) => `0.${String(block)} 1`)));
  expect(seen.length).toBeGreaterThan(2 * blocks.length);
});

test('a split of a source that can be read again is read again, no other', async () => {
  for (const rereadable of [true, false]) {
    const reads: string[] = [];
    const flow = pipeline('splits')
      .fromSource({
        rereadable,
        splits: () => ['a', 'b', 'c'],
        *read(split: string) {
          reads.push(split);
          for (let part = 0; part < 4; part++) yield [`${split}${String(part)}`];
        },
      })
      .map((row) => row.toUpperCase(), AGAIN);
    const { rows, error, spill } = await runLosing(flow);
    if (rereadable) {
      expect(error).toBeUndefined();
      expect([...rows].sort()).toEqual(
        ['A', 'B', 'C'].flatMap((a) => [0, 1, 2, 3].map((part) => a + String(part))),
      );
      expect(spill.remade).toBeGreaterThan(0);
      expect(reads.length).toBe(3 + spill.remade);
    } else {
      expect(String(error)).toContain('is gone');
      expect(reads).toEqual(['a', 'b', 'c']);
      expect(spill.remade).toBe(0);
    }
  }
});

test.each<[string, OperatorOptions]>([
  ['has no retries', {}],
  ['is atomic', { retries: 1, atomic: true }],
  ['needs a rate', { retries: 1, resources: { calls: 1 } }],
])('an operator that %s is not run again', async (_why, options) => {
  let calls = 0;
  const flow = pipeline('once')
    .fromBlocks(blocks)
    .map(
      (row) => {
        calls += 1;
        return row;
      },
      { queue: { blocks: 100 }, ...options },
    );
  const { error, spill, rows } = await runLosing(flow, {
    budget: { cpu: 1, calls: { perSecond: 1000, burst: 1000 } },
  });
  expect(String(error)).toContain('is gone');
  expect(error).toBeInstanceOf(StoreError);
  expect(spill.remade).toBe(0);
  expect(calls).toBe(blocks.flat().length);
  expect(blocks.flat().slice(0, rows.length)).toEqual(rows);
});

test('a block that mixes inputs is not made again', async () => {
  const flow = pipeline('batch')
    .fromBlocks(blocks)
    .map((row) => row, AGAIN)
    .batch({ rows: 1 });
  const { error, spill } = await runLosing(flow);
  expect(error).toBeInstanceOf(StoreError);
  expect(String(error)).toContain('is gone');
  expect(spill.failed).toBe(spill.remade + 1);
});

test.each<[string, (call: number) => number[] | Block<{ value: number }>]>([
  ['other values', (call) => [call]],
  ['more rows', (call) => Array.from({ length: call }, () => 7)],
  ['other columns', (call) => columnBlock({ value: Float64Array.of(call) })],
  ['another kind of block', (call) => (call > 6 ? columnBlock({ value: [1] }) : [1])],
])(
  'a transform that yields %s the second time costs the block, and yields no wrong row',
  async (_what, make) => {
    let calls = 0;
    const flow = pipeline('other')
      .fromBlocks(blocks)
      .mapBlocks(() => make(++calls) as number[], AGAIN);
    const { error, spill } = await runLosing(flow);
    expect(error).toBeInstanceOf(StoreError);
    expect(String(error)).toMatch(
      /is gone; what its source and transforms yield now is not the same/,
    );
    expect(spill.remade).toBe(0);
  },
);

test('a transform that fails or yields less the second time costs the block, with both errors', async () => {
  for (const second of [
    (): never => {
      throw new Error('not again');
    },
    (): number[] => [],
  ]) {
    const called = new Set<number>();
    const flow = pipeline('fails')
      .fromBlocks(blocks)
      .mapBlocks(([row = 0]) => {
        if (called.has(row)) return second();
        called.add(row);
        return [row];
      }, AGAIN);
    const { error } = await runLosing(flow);
    expect(error).toBeInstanceOf(StoreError);
    const { cause } = error as StoreError;
    expect((cause as AggregateError).errors.map(String)).toEqual([
      expect.stringContaining('is gone'),
      expect.stringMatching(/not again|operator "mapBlocks" yields less than before/),
    ]);
  }
});

test('rows that were given up are given up again, and handed out once', async () => {
  const letters: unknown[] = [];
  const flow = pipeline('rows')
    .fromBlocks(blocks)
    .map(
      (row) => {
        if (row % 10 === 0) throw new Error('bad row');
        return row;
      },
      { ...AGAIN, onRowError: 'deadLetter', retries: { count: 1, backoff: 0 } },
    );
  const { rows, error, report } = await runLosing(flow, {
    onDeadLetter: ({ rows: lost }) => {
      letters.push(...lost);
    },
  });
  expect(error).toBeUndefined();
  expect(rows).toEqual(blocks.map(([, row]) => row));
  expect([...letters].sort()).toEqual(blocks.map(([row]) => row).sort());
  expect(report?.operators['map']?.rowsDropped).toBe(blocks.length);
});

test('what others see of a block is not changed by a transform that is run again', async () => {
  const [left, right] = pipeline('tee')
    .fromBlocks(blocks)
    .map((row) => ({ row }), AGAIN)
    .tee();
  const flow = left
    .map(({ row }) => row, { ...AGAIN, name: 'left' })
    .union(
      right.map(
        (value) => {
          value.row += 1;
          return value.row;
        },
        { ...AGAIN, name: 'right', onError: 'skip' },
      ),
    );
  const { rows, report } = await runLosing(flow);
  expect(rows).toEqual(blocks.flat());
  expect(report?.operators['right']?.droppedCount).toBe(blocks.length);
});

/** Blocks that are all made, and lost, before the second operator takes them. */
function gated(
  env: SimEnv,
  make: (rows: number[], signal: AbortSignal) => Promise<number[]>,
  take: OperatorOptions,
) {
  let isOpen = false;
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = () => {
      isOpen = true;
      resolve();
    };
  });
  const flow = pipeline('gated')
    .fromBlocks(blocks)
    .mapBlocks((rows, { signal }) => (isOpen ? make(rows, signal) : rows), {
      ...AGAIN,
      name: 'make',
      preserveOrder: true,
    })
    .mapBlocks(
      async (rows) => {
        await gate;
        return rows;
      },
      { name: 'take', input: { blocks: 1 }, ...take },
    );
  const run = flow.start({ env, budget: { cpu: 8 }, store: { open: () => losingSpill(env) } });
  return { run, open };
}

test('one block at a time is made again', async () => {
  const env = simEnv();
  let now = 0;
  let most = 0;
  const { run, open } = gated(
    env,
    async (rows) => {
      now += 1;
      most = Math.max(most, now);
      await env.sleep(20);
      now -= 1;
      return rows;
    },
    { maxConcurrency: 2 },
  );
  const rows = run.collect();
  await env.advance(100);
  open();
  expect((await env.drive(rows)).sort((a, b) => a - b)).toEqual(blocks.flat());
  expect(most).toBe(1);
  expect(run.snapshot().spill.remade).toBe(4);
});

test('L4: a cancel ends the making of a block at once, and begins no other', async () => {
  const env = simEnv();
  let isSecond = false;
  let aborted = 0;
  let began = 0;
  const flow = pipeline('cancelled')
    .fromBlocks(blocks)
    .mapBlocks(async (rows, { signal }) => {
      if (!isSecond) return rows;
      began += 1;
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(new Error('aborted'));
        });
      });
      return rows;
    }, AGAIN);
  const run = flow.start({ env, store: { open: () => losingSpill(env) } });
  const taken = run.blocks();
  await env.advance(1000);
  isSecond = true;
  const block = taken.next().then(
    () => undefined,
    (error: unknown) => error,
  );
  await env.advance(10);
  expect(began).toBe(1);
  const before = env.now();
  await env.drive(run.cancel('enough'));
  expect(env.now() - before).toBeLessThan(100);
  // Not that its block is lost: the run is over.
  expect(await env.drive(block)).toBeInstanceOf(CancelledError);
  expect({ began, aborted }).toEqual({ began: 1, aborted: 1 });
  await env.advance();
  expect(env.pending()).toBe(0);
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('L4: a task that waits for a block that is made again ends at once when it is cancelled', async () => {
  const env = simEnv();
  let began = 0;
  let aborted = 0;
  const { run, open } = gated(
    env,
    (_rows, signal) => {
      began += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted += 1;
          reject(new Error('aborted'));
        });
      });
    },
    { maxConcurrency: 2 },
  );
  const rows = run.collect().catch((error: unknown) => error);
  await env.advance(100);
  open();
  await env.advance(10);
  expect({ began, aborted }).toEqual({ began: 1, aborted: 0 });
  const before = env.now();
  await env.drive(run.cancel('enough'));
  expect(env.now() - before).toBeLessThan(100);
  await env.drive(rows);
  await env.advance();
  expect({ began, aborted }).toEqual({ began: 1, aborted: 1 });
  expect((await env.drive(run.done)).status).toBe('cancelled');
  expect(env.pending()).toBe(0);
});

test('a task whose block stays lost fails by it, as it does by an error of its own', async () => {
  const env = simEnv();
  const { run, open } = gated(env, () => Promise.reject(new Error('not again')), {
    maxConcurrency: 2,
    onError: 'skip',
  });
  const rows = run.collect();
  await env.advance(100);
  open();
  expect((await env.drive(rows)).sort((a, b) => a - b)).toEqual(blocks.slice(0, 2).flat());
  const { dropped = [] } = (await env.drive(run.done)).operators['take'] ?? {};
  expect(dropped.map(({ lineage }) => lineage)).toEqual(['0.2.0', '0.3.0', '0.4.0', '0.5.0']);
  expect(dropped.every(({ cause }) => cause instanceof StoreError)).toBe(true);
});
