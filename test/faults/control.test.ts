/** Faults of budget and control. The ids are those of the table in docs/reliability.md. */
import { expect, test, vi } from 'vitest';
import { CancelledError, pipeline, type Run, type RunEvent, type Sink } from '../../src/index.ts';
import type { SimEnv } from '../../src/testing.ts';
import { ended, failed, numbers, sorted } from './support.ts';

const slow = (env: SimEnv, count = 20, ms = 10) =>
  pipeline('control')
    .from(numbers(count), { rowsPerBlock: 1 })
    .map(
      async (row) => {
        await env.sleep(ms);
        return row;
      },
      { name: 'work' },
    );

test('F38: a budget below what is in use starts nothing until enough has come back', async () => {
  const most: number[] = [];
  const { rows } = await ended(
    (env) => slow(env, 20, 100).start({ env, budget: { cpu: 4 } }),
    async (run, env) => {
      const collected = run.collect();
      await env.advance(50);
      run.setBudget({ cpu: 1 });
      const used = (): number => run.snapshot().resources['cpu']?.used ?? 0;
      most.push(used());
      for (let step = 0; step < 10; step++) {
        await env.advance(100);
        most.push(used());
      }
      return env.drive(collected);
    },
  );
  expect(most[0]).toBe(4);
  expect(Math.max(...most.slice(1))).toBe(1);
  expect(sorted(rows)).toEqual(numbers(20));
});

test('F41: a flow that is never started runs nothing', () => {
  const read = vi.fn(() => [1]);
  const call = vi.fn((row: number) => row);
  pipeline('idle')
    .from(read)
    .map(call)
    .to({ write: vi.fn(), open: read as never });
  expect(read).not.toHaveBeenCalled();
  expect(call).not.toHaveBeenCalled();
});

/** Where a run is when it is cancelled. */
const phases: Record<string, (event: RunEvent) => boolean> = {
  'before anything is open': ({ type }) => type === 'actor.started',
  'while it opens': (event) => event.type === 'message' && event.message === 'runner.opened',
  'while it polls': (event) => event.type === 'message' && event.message === 'operator.poll',
  'while it asks for tokens': (event) =>
    event.type === 'message' && event.message === 'resource.request',
  'while a task starts': ({ type }) => type === 'task.started',
  'while a block is on its way': ({ type }) => type === 'blocks.moved',
  'while a task waits to be tried again': ({ type }) => type === 'task.retried',
  'while it drains': (event) => event.type === 'state.entered' && event.state === 'draining',
  'while it closes': (event) => event.type === 'state.entered' && event.state === 'closing',
  'while the last bytes are booked': (event) =>
    event.type === 'state.entered' && event.state === 'settling',
};

test.each(Object.entries(phases))(
  'F42: cancelled %s, twice, it ends once and leaves nothing',
  async (_, isNow) => {
    let run: Run<number> | undefined;
    let ends = 0;
    const sink = { open: vi.fn(), close: vi.fn(), abort: vi.fn() };
    const told = { cancel: false };
    const { error, run: over } = await ended((env) => {
      run = slow(env, 6)
        .map(
          (row, { attempt }) => {
            if (row === 1 && attempt === 1) throw new Error('flaky');
            return row;
          },
          { retries: { count: 1, backoff: 20 } },
        )
        .union(
          pipeline('control')
            .from([1])
            .to({ ...sink, write: () => undefined }, { name: 'to' }),
        )
        .start({
          env,
          onEvent: (event) => {
            if (event.type === 'state.entered' && event.actor === 'control') {
              if (['done', 'failed', 'cancelled'].includes(event.state)) ends += 1;
            }
            if (told.cancel || run === undefined || !isNow(event)) return;
            told.cancel = true;
            void run.cancel('first');
            void run.cancel('second');
          },
        });
      return run;
    });
    const report = await over.done;
    expect(told.cancel).toBe(true);
    expect(ends).toBe(1);
    if (report.status === 'cancelled') {
      expect(report.reason).toBe('first');
      expect(error).toBeInstanceOf(CancelledError);
      expect(sink.close).not.toHaveBeenCalled();
    } else {
      expect(report.status).toBe('done');
      expect(sink.close).toHaveBeenCalledTimes(1);
    }
  },
);

test.each(['done', 'failed'] as const)(
  'F43: a cancel at the moment at which a run is %s makes one end of it, not two',
  async (outcome) => {
    for (const before of [true, false]) {
      const ends: string[] = [];
      const { run } = await ended(
        (env) =>
          slow(env, 1)
            .map((row) => {
              if (outcome === 'failed') throw new Error('the last block');
              return row;
            })
            .start({
              env,
              onEvent: (event) => {
                if (event.type !== 'state.entered' || event.actor !== 'control') return;
                if (['done', 'failed', 'cancelled'].includes(event.state)) ends.push(event.state);
              },
            }),
        async (started, env) => {
          const collected = started.collect();
          const cancel = async (): Promise<void> => {
            await env.sleep(10);
            await started.cancel('at the same time');
          };
          if (before) void cancel();
          else void env.sleep(10).then(() => started.cancel('at the same time'));
          return collected;
        },
      );
      expect(ends).toHaveLength(1);
      const status = await run.done.then(
        (report) => report.status,
        () => 'failed',
      );
      expect(status).toBe(ends[0]);
      await run.cancel('when all is over');
      expect(ends).toHaveLength(1);
    }
  },
);

test.each(['left', 'right'] as const)(
  'F45: when the %s side of a zip fails, the other one is cancelled and returned',
  async (side) => {
    const returned = vi.fn();
    const endless = function* (): Generator<number> {
      try {
        for (let row = 0; ; row++) yield row;
      } finally {
        returned();
      }
    };
    const breaks = function* (): Generator<number> {
      yield* [1, 2, 3];
      throw new Error(`the ${side} side broke`);
    };
    const { error } = await failed((env) => {
      const broken = pipeline('pairs').from(breaks, { name: 'broken', rowsPerBlock: 1 });
      const other = pipeline('pairs').from(endless, { name: 'endless', rowsPerBlock: 1 });
      return (side === 'left' ? broken.zip(other) : other.zip(broken)).start({ env });
    });
    expect(error).toMatchObject({ operator: 'broken' });
    expect(returned).toHaveBeenCalledTimes(1);
  },
);

test('F45: one side of a zip without rows ends the other; a union goes on with the rest', async () => {
  const returned = vi.fn();
  const endless = function* (): Generator<number> {
    try {
      for (let row = 0; ; row++) yield row;
    } finally {
      returned();
    }
  };
  const { rows } = await ended((env) =>
    pipeline('pairs').from<number>([]).zip(pipeline('pairs').from(endless)).start({ env }),
  );
  expect(rows).toEqual([]);
  expect(returned).toHaveBeenCalledTimes(1);
  const union = await ended((env) =>
    pipeline('all')
      .from<number>([])
      .union(pipeline('all').from([1, 2]))
      .map((row) => row)
      .start({ env }),
  );
  expect(union.rows).toEqual([1, 2]);
});

test('F47: a source whose return() throws hides neither the cancel nor the error before it', async () => {
  const source = (breaks: boolean) => (): Iterable<number> => ({
    [Symbol.iterator]: () => {
      let row = 0;
      return {
        next: () => {
          row += 1;
          if (breaks && row === 3) throw new Error('the cause');
          return { done: false, value: row };
        },
        return: () => {
          throw new Error('cannot be closed');
        },
      };
    },
  });
  const broken = await failed((env) =>
    pipeline('source')
      .from(source(true), { name: 'reader', rowsPerBlock: 1 })
      .map((row) => row)
      .start({ env }),
  );
  expect(broken.error.cause).toEqual(new Error('the cause'));
  const cancelled = await ended(
    (env) =>
      pipeline('source')
        .from(source(false), { rowsPerBlock: 1 })
        .map((row) => row)
        .start({ env }),
    async (run) => {
      for await (const row of run.rows()) if (row === 5) await run.cancel('enough');
      return [];
    },
  );
  expect(cancelled.error).toBeInstanceOf(CancelledError);
  expect(await cancelled.run.done).toMatchObject({ status: 'cancelled', reason: 'enough' });
});

test('F47: what a source yields after its end is not asked for', async () => {
  let asked = 0;
  const source = (): Iterable<number> => ({
    [Symbol.iterator]: () => ({
      next: () => {
        asked += 1;
        return asked === 3 ? { done: true, value: undefined } : { done: false, value: asked };
      },
    }),
  });
  const { rows } = await ended((env) =>
    pipeline('source')
      .from(source, { rowsPerBlock: 1 })
      .map((row) => row)
      .start({ env }),
  );
  expect(rows).toEqual([1, 2]);
  expect(asked).toBe(3);
});

test('F48: a slow sink holds its run back, and a sink that never answers does not outlive a cancel', async () => {
  const written: number[] = [];
  let mostAhead = 0;
  let read = 0;
  const slowSink: Sink<number> = {
    write: async (rows) => {
      mostAhead = Math.max(mostAhead, read - written.length);
      await sleep(20);
      written.push(...rows);
    },
  };
  let sleep: (ms: number) => Promise<void> = () => Promise.resolve();
  await ended(
    (env) => {
      sleep = env.sleep;
      return pipeline('sinks')
        .from(
          function* () {
            while (read < 1000) yield read++;
          },
          { rowsPerBlock: 1 },
        )
        .to(slowSink)
        .start({ env });
    },
    async (run) => {
      await run.drain();
      return [];
    },
  );
  expect(written).toEqual(numbers(1000));
  expect(mostAhead).toBeLessThan(400);

  const aborted = vi.fn();
  const { run } = await ended(
    (env) =>
      pipeline('sinks')
        .from([1, 2, 3])
        .to({ write: () => new Promise<void>(() => undefined), abort: aborted })
        .start({ env }),
    async (started, env) => {
      await env.advance(100);
      await started.cancel('it does not answer');
      return [];
    },
  );
  expect((await run.done).status).toBe('cancelled');
  expect(aborted).toHaveBeenCalledTimes(1);
});
