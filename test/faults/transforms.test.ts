/** Faults of tasks and transforms. The ids are those of the table in docs/reliability.md. */
import { expect, test, vi } from 'vitest';
import { pipeline, type Flow } from '../../src/index.ts';
import { program } from '../cli/child.ts';
import { ended, failed, numbers, sorted } from './support.ts';

const rows = (count: number, rowsPerBlock = 1): Flow<number> =>
  pipeline('faulty').from(numbers(count), { rowsPerBlock });

test('F03: a block that always fails is tried again, counted once, and fails the run at the limit', async () => {
  const poison = (count: number) => (env: { now: () => number }) =>
    rows(6).map(
      (row) => {
        attempts.push({ row, at: env.now() });
        if (row < count) throw new Error(`poison ${String(row)}`);
        return row;
      },
      {
        name: 'eat',
        maxConcurrency: 1,
        retries: { count: 2, backoff: () => 10 },
        onError: 'skip',
        maxErrors: 1,
      },
    );
  let attempts: { row: number; at: number }[] = [];
  const within = await ended((env) => poison(1)(env).start({ env }));
  expect(within.error).toBeUndefined();
  expect(within.rows).toEqual([1, 2, 3, 4, 5]);
  expect(attempts.filter(({ row }) => row === 0).map(({ at }) => at)).toEqual([0, 10, 20]);
  expect((await within.run.done).operators['eat']).toMatchObject({ droppedCount: 1, retried: 2 });

  attempts = [];
  const beyond = await failed((env) => poison(2)(env).start({ env }));
  expect(beyond.error).toMatchObject({ operator: 'eat', attempt: 3, lineage: '0.1' });
  expect(beyond.error.cause).toEqual(new Error('poison 1'));
  expect(attempts.some(({ row }) => row > 1)).toBe(false);
});

/** Rows of the endless generator that its consumer has taken. */
let taken = 0;

test.each(['cancel', 'limit', 'break'] as const)(
  'F05: a generator that never ends is held by credit, ended by %s, and returned',
  async (how) => {
    const returned = vi.fn();
    let made = 0;
    let most = 0;
    const { run } = await ended(
      (env) => {
        const endless = rows(1).mapBlocks(
          async function* () {
            try {
              for (;;) {
                made += 1;
                most = Math.max(most, made - taken);
                if (made % 10 === 0) await env.sleep(1);
                yield [made];
              }
            } finally {
              returned();
            }
          },
          { name: 'endless' },
        );
        return (how === 'limit' ? endless.limit(50) : endless).start({ env });
      },
      async (started) => {
        const got: number[] = [];
        try {
          for await (const block of started.blocks()) {
            got.push(...block.rows);
            taken = got.length;
            if (how === 'break' && taken === 50) break;
            if (how === 'cancel' && taken === 50) await started.cancel('enough');
          }
        } catch {
          // A cancel reaches whoever consumes.
        }
        return got;
      },
    );
    expect(returned).toHaveBeenCalledTimes(1);
    expect(taken).toBeGreaterThanOrEqual(50);
    expect(most).toBeLessThan(400);
    expect((await run.done).status).toBe(how === 'limit' ? 'done' : 'cancelled');
    taken = 0;
  },
);
test('F08: rows that look like promises are rows; a generator may yield nothing', async () => {
  // An object with a `then` that is no function is a value, as for any promise.
  const thenable = { then: 1 };
  const values = await ended((env) =>
    pipeline('thenables')
      .from([thenable, thenable])
      .mapBlocks((block) => block)
      .start({ env }),
  );
  expect(values.rows).toEqual([thenable, thenable]);
  const nothing = await ended((env) =>
    rows(5)
      .mapBlocks(function* (): Generator<number[]> {
        // Not a block.
      })
      .start({ env }),
  );
  expect(nothing.rows).toEqual([]);
});

test('F09: blocks without rows are dropped, rows without bytes pass, and nothing is divided by zero', async () => {
  const { rows: passed, run } = await ended((env) =>
    pipeline('empty')
      .fromBlocks([[], [''], [], ['', '']])
      .mapBlocks((block) => (block.length === 1 ? [] : block), { name: 'pass' })
      .map((row) => row, { name: 'after' })
      .start({ env }),
  );
  expect(passed).toEqual(['', '']);
  const { operators } = await run.done;
  expect(operators['pass']).toMatchObject({ rowsIn: 3, rowsOut: 2 });
  for (const report of Object.values(operators)) {
    for (const value of [...Object.values(report.shares), report.busyMs, report.bytesOut]) {
      expect(Number.isFinite(value)).toBe(true);
    }
  }
  expect(run.explain('pass').text).not.toMatch(/NaN|Infinity/);
});

test('F11: twenty thousand blocks of one row go through few actors, and make few messages', async () => {
  let messages = 0;
  let actors = 0;
  const { rows: out, run } = await ended((env) =>
    rows(20_000)
      .map((row) => row + 1, { name: 'increment' })
      .filter((row) => row % 2 === 0, { name: 'even' })
      .start({
        env,
        budget: { cpu: 4 },
        onEvent: ({ type }) => {
          if (type === 'message') messages += 1;
          if (type === 'actor.started') actors += 1;
        },
      }),
  );
  expect(out).toHaveLength(10_000);
  expect(actors).toBeLessThan(30);
  // 32 blocks a task; each takes part in some tens of messages.
  expect(messages / 20_000).toBeLessThan(4);
  expect(run.snapshot().operators['increment']?.done).toBeLessThan(20_000);
});

test('F13: rows that a transform keeps and changes later are frozen when it could be run again', async () => {
  let kept: number[] | undefined;
  const { error } = await failed((env) =>
    rows(4, 2)
      .mapBlocks(
        (block) => {
          if (kept !== undefined) kept.push(7);
          kept = block;
          return [...block];
        },
        { name: 'keeper', retries: 1, maxConcurrency: 1 },
      )
      .start({ env }),
  );
  expect(error.cause).toBeInstanceOf(TypeError);
});

test('F14: a transform that adds to Object.prototype does not change what the engine does', async () => {
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  try {
    const { rows: out, run } = await ended((env) =>
      rows(20)
        .map((row) => {
          prototype['polluted'] = row;
          return row;
        })
        .filter((row) => row % 2 === 0, { retries: 1 })
        .start({ env }),
    );
    expect(sorted(out)).toEqual(numbers(20).filter((row) => row % 2 === 0));
    expect(Object.keys(run.snapshot().operators)).toEqual(['source', 'map', 'filter']);
  } finally {
    delete prototype['polluted'];
  }
});

test('F16: a stack overflow is an error of its task', async () => {
  const { error } = await failed((env) =>
    rows(3)
      .map(
        function deep(row: number): number {
          return row === 1 ? deep(row) + 1 : row;
        },
        { name: 'deep' },
      )
      .start({ env }),
  );
  expect(error).toMatchObject({ operator: 'deep', lineage: '0.1' });
  expect(error.cause).toBeInstanceOf(RangeError);
});

test('F17: a rejection in work that nobody awaits is not swallowed: the process says so', async () => {
  const { code, stdout, stderr } = await program('test/faults/fixtures/detached.ts').ended;
  expect(code).toBe(1);
  expect(stderr).toContain('Error: nobody awaits this');
  expect(stdout).not.toContain('done');
});

test('F18: what rows and blocks say of their own size is not believed', async () => {
  const liar = { numRows: NaN, sizeBytes: -5, length: -1, toJSON: () => 'x'.repeat(1000) };
  const { run } = await ended((env) =>
    pipeline('liars')
      .from([liar, liar], { rowsPerBlock: 1 })
      .mapBlocks((block) => Object.assign([...block], { numRows: -1, sizeBytes: NaN }), {
        name: 'lie',
      })
      .start({ env }),
  );
  const { blocksOut, rowsOut, bytesOut } = (await run.done).operators['lie'] ?? {};
  expect({ blocksOut, rowsOut }).toEqual({ blocksOut: 2, rowsOut: 2 });
  expect(bytesOut).toBeGreaterThan(0);
  expect(Number.isFinite(run.snapshot().blockBytes.peak)).toBe(true);
});
