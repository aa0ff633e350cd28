/** What happens when transforms, sources, sinks and callbacks fail. */
import { expect, test, vi } from 'vitest';
import {
  pipeline,
  RestartLimitError,
  TaskError,
  TimeoutError,
  type Sink,
} from '../../src/index.ts';
import { simEnv } from '../../src/testing.ts';

/** Rows 0..n-1 in blocks of one row. */
function rows(count: number) {
  return pipeline('p').from(
    Array.from({ length: count }, (_, index) => index),
    { rowsPerBlock: 1 },
  );
}

async function failure(work: Promise<unknown>): Promise<TaskError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TaskError);
  return error as TaskError;
}

const frozen = Object.freeze({ frozen: true });

test.each([
  ['an error', new Error('boom'), 'boom'],
  ['a string', 'boom', 'boom'],
  ['undefined', undefined, 'undefined'],
  ['a frozen object', frozen, '[object Object]'],
])('F01: a transform that throws %s fails the run with its place', async (_, thrown, text) => {
  for (const how of ['throws', 'rejects', 'mid-stream'] as const) {
    const env = simEnv();
    const run = rows(3)
      .mapBlocks(
        function (block): number[] | Promise<number[]> | Generator<number[]> {
          if (block[0] !== 1) return block;
          switch (how) {
            case 'throws':
              throw thrown;
            case 'rejects':
              return Promise.reject(thrown);
            case 'mid-stream':
              return (function* () {
                yield [10];
                throw thrown;
              })();
          }
        },
        { name: 'breaks' },
      )
      .start({ env, budget: { cpu: 1 } });
    const error = await failure(env.drive(run.collect()));
    expect(error).toMatchObject({ code: 'TASK', operator: 'breaks', attempt: 1, lineage: '0.1' });
    expect(error.cause).toBe(thrown);
    expect(error.message).toBe(`operator "breaks" failed on block 0.1 (attempt 1): ${text}`);
    expect(await failure(run.done)).toBe(error);
    expect(run.snapshot().blockBytes.live).toBe(0);
    expect(run.snapshot().operators['breaks']).toMatchObject({ state: 'failed', active: 0 });
    await env.advance();
    expect(env.pending()).toBe(0);
  }
});

test('F08: what is no block is an error that says so', async () => {
  const env = simEnv();
  for (const [value, text] of [
    [undefined, 'returned undefined'],
    [7, 'returned number'],
    ['rows', 'returned string'],
    [{ then: 1 }, 'returned an object'],
    [
      (function* () {
        yield 5;
      })(),
      'yielded number',
    ],
  ] as const) {
    const run = rows(1)
      .mapBlocks(() => value as unknown as number[])
      .start({ env });
    expect((await failure(env.drive(run.collect()))).message).toContain(text);
  }
});

test('F02: a failed attempt is repeated after a wait, and blocks are not yielded twice', async () => {
  const env = simEnv();
  const attempts: [number, number][] = [];
  const run = rows(2)
    .mapBlocks(
      function* (block, { attempt }) {
        attempts.push([env.now(), attempt]);
        yield block;
        if (block[0] === 0 && attempt < 3) throw new Error('flaky');
        yield [100];
      },
      { retries: { count: 2, backoff: (attempt) => attempt * 10 } },
    )
    .start({ env, budget: { cpu: 1 } });
  expect(await env.drive(run.collect())).toEqual([0, 100, 1, 100]);
  expect(attempts).toEqual([
    [0, 1],
    [10, 2],
    [30, 3],
    [30, 1],
  ]);
  const report = await run.done;
  expect(report.operators['mapBlocks']).toMatchObject({ retried: 2, tasks: 2, failed: 0 });
});

test('attempts run out', async () => {
  const env = simEnv();
  const run = rows(1)
    .map(
      () => {
        throw new Error('always');
      },
      { retries: 2 },
    )
    .start({ env });
  expect((await failure(env.drive(run.collect()))).attempt).toBe(3);
  // Two waits, of 50 to 100 and of 100 to 200 ms.
  expect(env.now()).toBeGreaterThanOrEqual(150);
  expect(env.now()).toBeLessThanOrEqual(300);
});

test('retries.when decides which errors are worth another attempt', async () => {
  const env = simEnv();
  const seen: unknown[] = [];
  const run = rows(1)
    .map(
      (_row, { attempt }) => {
        throw new Error(attempt === 1 ? 'passing' : 'lasting');
      },
      {
        retries: {
          count: 5,
          backoff: 0,
          when: (error, attempt) => {
            seen.push([(error as Error).message, attempt]);
            return (error as Error).message === 'passing';
          },
        },
      },
    )
    .start({ env });
  expect(await failure(env.drive(run.collect()))).toMatchObject({ attempt: 2 });
  expect(seen).toEqual([
    ['passing', 1],
    ['lasting', 2],
  ]);
});

test('a retries.when that throws costs nothing of the first error', async () => {
  const env = simEnv();
  const run = rows(1)
    .map(
      () => {
        throw new Error('first');
      },
      {
        retries: {
          count: 1,
          when: () => {
            throw new Error('second');
          },
        },
      },
    )
    .start({ env });
  const { cause } = await failure(env.drive(run.collect()));
  expect((cause as AggregateError).errors.map(String)).toEqual(['Error: first', 'Error: second']);
});

test('an atomic operator publishes nothing of a failed attempt', async () => {
  const env = simEnv();
  let calls = 0;
  const run = rows(1)
    .mapBlocks(
      function* () {
        calls += 1;
        yield [calls];
        if (calls === 1) throw new Error('flaky');
        yield [calls];
      },
      { atomic: true, retries: 1 },
    )
    .start({ env });
  expect(await env.drive(run.collect())).toEqual([2, 2]);
});

test('a skipped block is counted and listed with cause, lineage and input', async () => {
  const env = simEnv();
  const cause = new Error('bad row');
  const run = rows(5)
    .map(
      (row) => {
        if (row % 2 === 1) throw cause;
        return row;
      },
      { onError: 'skip', retries: { count: 1, backoff: 0 } },
    )
    .start({ env });
  expect((await env.drive(run.collect())).sort()).toEqual([0, 2, 4]);
  const { operators } = await run.done;
  expect(operators['map']).toMatchObject({ droppedCount: 2, failed: 0, retried: 2 });
  expect(operators['map']?.dropped).toEqual([
    expect.objectContaining({ lineage: '0.1', cause, attempts: 2, published: 0 }),
    expect.objectContaining({ lineage: '0.3', cause, attempts: 2, published: 0 }),
  ]);
  expect(operators['map']?.dropped[0]?.input).toMatchObject({ lineage: '0.1', numRows: 1 });
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('a block that is given up does not take the rest of its bundle along', async () => {
  const env = simEnv();
  const run = rows(8)
    .map(
      (row) => {
        if (row === 2 || row === 7) throw new Error('bad');
        return row;
      },
      { onError: 'skip', input: { blocks: 8 }, maxConcurrency: 1 },
    )
    .start({ env });
  expect(await env.drive(run.collect())).toEqual([0, 1, 3, 4, 5, 6]);
});

test('F04: more errors than maxErrors fail the run', async () => {
  const env = simEnv();
  const run = rows(20)
    .map(
      (row) => {
        if (row >= 5) throw new Error(`bad ${String(row)}`);
        return row;
      },
      { onError: 'skip', maxErrors: 2, maxConcurrency: 1 },
    )
    .start({ env });
  const error = await failure(env.drive(run.collect()));
  expect(error).toMatchObject({ operator: 'map', lineage: '0.7' });
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('dead letters are handed out with their rows, and awaited', async () => {
  const env = simEnv();
  const letters: unknown[] = [];
  const run = rows(3)
    .map(
      (row) => {
        if (row === 1) throw new Error('bad');
        return row;
      },
      { onError: 'deadLetter' },
    )
    .start({
      env,
      onDeadLetter: async ({ rows, operator, lineage, attempts }) => {
        await env.sleep(5);
        letters.push({ rows, operator, lineage, attempts });
      },
    });
  expect((await env.drive(run.collect())).sort()).toEqual([0, 2]);
  await env.advance();
  expect(letters).toEqual([{ rows: [1], operator: 'map', lineage: '0.1', attempts: 1 }]);
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('a dead letter callback that throws does not hurt the run', async () => {
  const env = simEnv();
  const first = new Error('no room for the dead');
  const run = rows(2)
    .map(
      () => {
        throw new Error('bad');
      },
      { onError: 'deadLetter' },
    )
    .start({
      env,
      onDeadLetter: () => {
        throw first;
      },
    });
  expect(await env.drive(run.collect())).toEqual([]);
  expect(run.callbackErrors).toEqual({ count: 2, first });
});

test('F07: an attempt that takes too long fails, and what it still does is not heard', async () => {
  const env = simEnv();
  const run = rows(2)
    .map(
      async (row, { attempt }) => {
        if (row === 0 && attempt === 1) await env.sleep(500);
        return [row, attempt];
      },
      { timeout: 100, retries: { count: 1, backoff: 0 }, maxConcurrency: 1 },
    )
    .start({ env });
  expect(await env.drive(run.collect())).toEqual([
    [0, 2],
    [1, 1],
  ]);
  expect((await run.done).operators['map']).toMatchObject({ retried: 1, rowsOut: 2 });
});

test('F07: a transform that never settles ends with its timeout', async () => {
  const env = simEnv();
  const run = rows(1)
    .map(() => new Promise<number>(() => undefined), { timeout: 50 })
    .start({ env });
  const error = await failure(env.drive(run.collect()));
  expect(error.cause).toBeInstanceOf(TimeoutError);
  expect(env.now()).toBe(50);
  await env.advance();
  expect(env.pending()).toBe(0);
});

test('waiting for output credit does not count against the timeout', async () => {
  const env = simEnv();
  const run = rows(4)
    .map((row) => row, { timeout: 20 })
    .mapBlocks(async (block) => (await env.sleep(200), block), { maxConcurrency: 1 })
    .start({ env, budget: { blockBytes: 16 } });
  expect((await env.drive(run.collect())).sort()).toEqual([0, 1, 2, 3]);
});

test('a transform that ignores its signal is left behind after a grace', async () => {
  const env = simEnv();
  const run = rows(1)
    .map(() => new Promise<number>(() => undefined))
    .start({ env });
  const result = failure(env.drive(run.collect())).catch((error: unknown) => error);
  await env.advance(10);
  const cancelled = run.cancel('enough');
  await env.drive(cancelled);
  expect(env.now()).toBe(1010);
  await result;
  expect(await run.done).toMatchObject({ status: 'cancelled' });
});

test('F47: a source that fails names itself; its close errors do not mask the cause', async () => {
  const env = simEnv();
  const run = pipeline('p')
    .from(
      function* () {
        yield 1;
        throw new Error('source broke');
      },
      { name: 'reader', rowsPerBlock: 1 },
    )
    .map((row) => row)
    .start({ env });
  expect(await failure(env.drive(run.collect()))).toMatchObject({ operator: 'reader' });

  const listing = pipeline('p')
    .fromSource({
      name: 'files',
      splits: () => Promise.reject(new Error('no such folder')),
      read: () => [],
    })
    .map((row) => row)
    .start({ env });
  const error = await failure(env.drive(listing.collect()));
  expect(error.message).toBe('operator "files" failed: no such folder');
});

test.each(['open', 'write', 'close'] as const)(
  'F48: a sink whose %s fails is no success',
  async (where) => {
    const env = simEnv();
    const calls: string[] = [];
    const step = (name: string) => () => {
      calls.push(name);
      if (name === where) throw new Error(`${name} failed`);
    };
    const sink: Sink<number> = {
      open: step('open'),
      write: step('write'),
      close: step('close'),
      abort: step('abort'),
    };
    const run = rows(2).to(sink, { name: 'store' }).start({ env });
    const error = await failure(env.drive(run.done));
    expect(error).toMatchObject({ operator: 'store' });
    expect(error.message).toContain(`${where} failed`);
    expect(calls.includes('abort')).toBe(where !== 'close');
    expect(run.snapshot().blockBytes.live).toBe(0);
  },
);

test('a sink that is written commits once, after the last row', async () => {
  const env = simEnv();
  const calls: unknown[] = [];
  const sink: Sink<number> = {
    open: () => void calls.push('open'),
    write: async (block) => {
      await env.sleep(5);
      calls.push(...block);
    },
    close: () => void calls.push('close'),
    abort: () => void calls.push('abort'),
  };
  const run = rows(3).to(sink).start({ env });
  expect((await env.drive(run.done)).status).toBe('done');
  expect(calls).toEqual(['open', 0, 1, 2, 'close']);
});

test('a failure nobody looks at is an unhandled rejection; one that is observed is not', async () => {
  const env = simEnv();
  const unhandled = vi.fn();
  process.on('unhandledRejection', unhandled);
  try {
    const failing = rows(1).to(() => {
      throw new Error('unseen');
    });
    const seen = failing.start({ env });
    await failure(env.drive(seen.done));
    await env.advance();
    expect(unhandled).not.toHaveBeenCalled();
    failing.start({ env });
    await env.advance();
    await env.advance();
    expect(unhandled).toHaveBeenCalledOnce();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});

test('F33: observers that throw do not hurt the run', async () => {
  const env = simEnv();
  const run = rows(3)
    .map((row) => row)
    .start({
      env,
      onEvent: () => {
        throw new Error('observer');
      },
      inspect: () => {
        throw new Error('inspector');
      },
    });
  expect((await env.drive(run.collect())).sort()).toEqual([0, 1, 2]);
  expect(run.callbackErrors.count).toBeGreaterThan(10);
  expect(run.callbackErrors.first).toEqual(new Error('inspector'));
});

test('F15: transforms may call back into their own run', async () => {
  const env = simEnv();
  const run = rows(100)
    .map((row) => {
      if (row === 5) void run.cancel('from inside');
      return row;
    })
    .start({ env });
  await env.drive(run.collect().catch(() => undefined));
  expect(await run.done).toMatchObject({ status: 'cancelled', reason: 'from inside' });
});

test('more failed attempts in a while than restarts allow fail the operator', async () => {
  const flaky = (count: number, every: number) => {
    const env = simEnv();
    const run = rows(1)
      .map(
        (_row, { attempt }) => {
          throw new Error(`attempt ${String(attempt)}`);
        },
        { retries: { count: 6, backoff: () => every }, restarts: { count, within: 100 } },
      )
      .start({ env });
    return failure(env.drive(run.collect()));
  };
  // The limit itself is allowed; one more is not.
  const error = await flaky(3, 10);
  expect(error).toMatchObject({ attempt: 4, lineage: '0.0' });
  expect(error.cause).toBeInstanceOf(RestartLimitError);
  expect(error.cause).toMatchObject({ code: 'RESTARTS', cause: new Error('attempt 1') });
  expect((error.cause as RestartLimitError).errors).toHaveLength(4);
  // Spread over time they never add up.
  expect(await flaky(3, 50)).toMatchObject({ attempt: 7, cause: new Error('attempt 7') });
});

test('the first failure is the error; what failed after it is kept with it', async () => {
  const env = simEnv();
  const run = rows(3)
    .mapBlocks(
      async (block, { signal }) => {
        if (block[0] === 0) {
          await env.sleep(10);
          throw new Error('first');
        }
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        return block;
      },
      { name: 'work' },
    )
    .to({
      write: () => undefined,
      abort: () => {
        throw new Error('could not clean up');
      },
    })
    .start({ env, budget: { cpu: 4 } });
  const error = await failure(env.drive(run.done));
  expect(error.cause).toEqual(new Error('first'));
  expect(error.later).toBeInstanceOf(AggregateError);
  expect(error.later?.errors).toEqual([new Error('could not clean up')]);
});

test('what fails at the same moment elsewhere is kept with the first failure', async () => {
  const env = simEnv();
  const failing = (message: string) => async (): Promise<number> => {
    await env.sleep(10);
    throw new Error(message);
  };
  const [left, right] = rows(2).tee();
  const run = left
    .map(failing('left'), { name: 'left' })
    .union(right.map(failing('right'), { name: 'right' }))
    .start({ env, budget: { cpu: 8 } });
  const error = await failure(env.drive(run.collect()));
  const later: readonly unknown[] = error.later?.errors ?? [];
  const causes = [error.cause, ...later].map(String);
  expect(causes.sort()).toEqual(['Error: left', 'Error: left', 'Error: right', 'Error: right']);
});

test.each(['map', 'filter', 'flatMap'] as const)(
  'one bad row does not cost its block: %s',
  async (method) => {
    const env = simEnv();
    const pick = (row: number): number => {
      if (row % 5 === 3) throw new Error(`bad ${String(row)}`);
      return row;
    };
    const flow = pipeline('p').from(
      Array.from({ length: 10 }, (_, index) => index),
      { rowsPerBlock: 5 },
    );
    const options = { name: method, onRowError: 'skip', preserveOrder: true } as const;
    const chosen = {
      map: () => flow.map(pick, options),
      filter: () => flow.filter((row) => pick(row) >= 0, options),
      flatMap: () => flow.flatMap((row) => [pick(row)], options),
    }[method]();
    const run = chosen.start({ env });
    expect(await env.drive(run.collect())).toEqual([0, 1, 2, 4, 5, 6, 7, 9]);
    const report = (await run.done).operators[method];
    expect(report).toMatchObject({ rowsDropped: 2, droppedCount: 0, failed: 0 });
    expect(report?.dropped).toEqual([
      expect.objectContaining({ lineage: '0.0', row: 3, cause: new Error('bad 3') }),
      expect.objectContaining({ lineage: '0.1', row: 3, cause: new Error('bad 8') }),
    ]);
  },
);

test('a bad row is tried again with its block before it is given up, once', async () => {
  const env = simEnv();
  const letters: unknown[] = [];
  const attempts: number[] = [];
  const run = pipeline('p')
    .from([1, 2, 3])
    .map(
      async (row, { attempt }) => {
        await env.sleep(1);
        if (row === 1) attempts.push(attempt);
        if (row === 2) throw new Error('bad');
        return row;
      },
      { retries: { count: 2, backoff: 5 }, onRowError: 'deadLetter' },
    )
    .start({
      env,
      onDeadLetter: ({ rows, row, attempts }) => {
        letters.push({ rows, row, attempts });
      },
    });
  expect(await env.drive(run.collect())).toEqual([1, 3]);
  expect(attempts).toEqual([1, 2, 3]);
  expect(letters).toEqual([{ rows: [2], row: 1, attempts: 3 }]);
});

test('rows that are given up count towards maxErrors', async () => {
  const env = simEnv();
  const run = pipeline('p')
    .from(
      Array.from({ length: 100 }, (_, index) => index),
      { rowsPerBlock: 10 },
    )
    .map(
      (row) => {
        if (row % 10 === 0) throw new Error('bad');
        return row;
      },
      { onRowError: 'skip', maxErrors: 4, maxConcurrency: 1 },
    )
    .start({ env });
  expect(await failure(env.drive(run.collect()))).toMatchObject({ lineage: '0.4' });
});

test('the run waits for the last dead letter', async () => {
  const env = simEnv();
  let handled = 0;
  const run = rows(2)
    .map(
      () => {
        throw new Error('bad');
      },
      { onError: 'deadLetter' },
    )
    .start({
      env,
      onDeadLetter: async () => {
        await env.sleep(500);
        handled += 1;
      },
    });
  await env.drive(run.collect());
  expect(handled).toBe(2);
  expect(run.snapshot().blockBytes.live).toBe(0);
});

test('F12: rows that others will see are frozen: who changes them fails, and hurts nobody else', async () => {
  const env = simEnv();
  const [left, right] = pipeline('p')
    .from(() => [{ tags: ['a'] }])
    .map((row) => ({ tags: [...row.tags] }))
    .tee();
  const run = left
    .map(
      (row) => {
        row.tags.push('b');
        return row;
      },
      { name: 'rude', onError: 'skip' },
    )
    .union(right.map((row) => row))
    .start({ env });
  expect(await env.drive(run.collect())).toEqual([{ tags: ['a'] }]);
  expect((await run.done).operators['rude']?.dropped[0]?.cause).toBeInstanceOf(TypeError);
});

test("a transform may sort its rows in place; the caller's arrays stay as they are", async () => {
  const env = simEnv();
  const mine = [[3, 1, 2]];
  const flow = pipeline('p')
    .fromBlocks(mine)
    .mapBlocks((block) => block.sort());
  expect(await env.drive(flow.start({ env }).collect())).toEqual([1, 2, 3]);
  expect(mine).toEqual([[3, 1, 2]]);
});

test('explain tells of a task that yields nothing', async () => {
  const env = simEnv();
  const run = rows(1)
    .map(() => new Promise<number>(() => undefined))
    .start({ env });
  const collected = run.collect().catch(() => undefined);
  await env.advance(12_300);
  expect(run.explain('map').text).toContain('task 0 has yielded nothing for 12.3 s');
  await env.drive(run.cancel());
  await collected;
});
