import { describe, expect, test } from 'vitest';
import { columnBlock } from '../../actors/columns/column-block.ts';
import { simEnv } from '../../actors/sim-env.ts';
import { GRACE_MS } from '../../actors/env.ts';
import type { TransformContext } from '../../actors/transform.ts';
import { StoreError, TimeoutError } from '../../machines/errors.ts';
import { columnsFromThread } from './support/columns-from-thread.ts';
import { harness, PLENTY, programOf } from './support/runner.ts';

const NONE = { blocks: 0, bytes: 0 };

describe('what a transform may return', () => {
  const double = (rows: readonly number[]): number[] => rows.map((row) => 2 * row);

  test.each([
    ['an array', double],
    ['a promise of an array', (rows: number[]) => Promise.resolve(double(rows))],
    [
      'a generator',
      function* (rows: number[]) {
        yield double(rows);
      },
    ],
    [
      'an async generator',
      async function* (rows: number[]) {
        await Promise.resolve();
        yield double(rows);
      },
    ],
    ['a promise of a generator', (rows: number[]) => Promise.resolve(new Set([double(rows)]))],
  ])('%s is one block for each', async (_name, transform) => {
    const { env, run } = harness([programOf(transform)]);
    const watched = run([[1, 2], [3]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[2, 4], [6]]);
    expect(watched.end()).toMatchObject({ type: 'run.end', satisfied: false, wants: undefined });
  });

  test('a generator may yield any number of blocks', async () => {
    const { env, run } = harness([
      programOf(function* (rows: number[]) {
        for (const row of rows) yield [row];
      }),
    ]);
    const watched = run([[], [1, 2, 3]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[1], [2], [3]]);
  });

  test('blocks without rows vanish', async () => {
    const { env, run, store } = harness([
      programOf(function* () {
        yield [];
        yield [1];
        yield [];
      }),
    ]);
    const watched = run([[0]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[1]]);
    expect(watched.refs()).toMatchObject([{ lineage: '0.0' }]);
    expect(store.usage.blocks).toBe(2);
  });

  test.each([
    ['undefined', undefined, 'returned undefined'],
    ['null', null, 'returned null'],
    ['a number', 7, 'returned number'],
    ['a string', 'rows', 'returned string'],
    ['an object', { rows: [] }, 'returned an object (Object)'],
    ['an object of a class', new Date(0), 'returned an object (Date)'],
    ['an object without a prototype', Object.create(null) as object, 'returned an object'],
    ['an iterable of rows', new Set([1]), 'yielded number'],
    ['an iterable of undefined', [undefined].values(), 'yielded undefined'],
    ['a typed array', new Uint8Array(2), 'yielded number'],
  ])('%s is a TypeError that names it', async (_name, value, message) => {
    const { env, run } = harness([programOf(() => value)]);
    const watched = run([[1]]);
    await env.advance();
    const end = watched.end();
    if (end.type !== 'run.error') throw new Error('it did not fail');
    expect(end.error).toBeInstanceOf(TypeError);
    expect((end.error as TypeError).message).toContain(message);
  });

  test.each([
    [
      'at once',
      () => {
        throw new Error('no');
      },
    ],
    ['later', () => Promise.reject(new Error('no'))],
    [
      'by a generator',
      function* () {
        yield [1];
        throw new Error('no');
      },
    ],
    [
      'by an async generator',
      async function* () {
        yield await Promise.resolve([1]);
        throw new Error('no');
      },
    ],
  ])('what is thrown %s is the error of the run', async (_name, transform) => {
    const { env, run } = harness([programOf(transform)]);
    const watched = run([[1]]);
    await env.advance();
    expect(watched.end()).toMatchObject({
      type: 'run.error',
      error: new Error('no'),
      retryAfter: undefined,
    });
  });
});

describe('columns', () => {
  const ROWS = 10_000;
  const pass = { kind: 'blocks', format: 'columns', call: (block: unknown) => block } as const;

  test('that a transform passes on are its to give away, unless they may be needed again', async () => {
    for (const retries of [0, 1]) {
      const { env, run, store, put } = harness([programOf(pass, { retries })]);
      const input = put(columnBlock({ x: new Float64Array(ROWS).fill(7) }));
      const watched = run([input]);
      await env.advance();
      const [output] = watched.refs();
      if (output === undefined) throw new Error('nothing came');
      store.get(output).toTransfer();
      const look = (): unknown =>
        store
          .get(input)
          .column('x' as never)
          .at(0);
      if (retries === 0) expect(look).toThrow(StoreError);
      else expect(look()).toBe(7);
    }
  });

  test('that only rows were made of are let go of with their input, if it is not needed again', async () => {
    for (const givesInputsAway of [true, false]) {
      const transform = (rows: readonly { x: number }[]): number[] => rows.map(({ x }) => x);
      const { env, run, put } = harness([programOf(transform, { givesInputsAway })]);
      const { block, numbers } = columnsFromThread(ROWS);
      const watched = run([put(block)]);
      await env.advance();
      expect(watched.blocks()[0]?.[ROWS - 1]).toBe(7);
      expect(numbers).toHaveLength(givesInputsAway ? 0 : ROWS);
    }
  });
});

describe('what a transform is told', () => {
  test('its operator, the lineage of its input, the attempt, and a signal', async () => {
    const seen: unknown[] = [];
    const { env, run } = harness([
      programOf((rows: number[], { operator, lineage, attempt, signal }: TransformContext) => {
        seen.push([operator, lineage, attempt, signal.aborted]);
        return rows;
      }),
    ]);
    run([[1], [2]], { attempt: 3 });
    await env.advance();
    // The attempt is that of the first input; all further ones are tried for the first time.
    expect(seen).toEqual([
      ['work', '0', 3, false],
      ['work', '1', 1, false],
    ]);
  });

  test('what it notes and how far it is reaches whoever watches, with where it comes from', async () => {
    const { env, run, logs } = harness([
      programOf((rows: number[], { log, progress }: TransformContext) => {
        log('half', 1);
        progress(0.5);
        return rows;
      }),
    ]);
    run([[1]]);
    await env.advance();
    expect(logs.map(({ values }) => values)).toEqual([['half', 1], 0.5]);
    expect(logs.map(({ context }) => [context.operator, context.lineage])).toEqual([
      ['work', '0'],
      ['work', '0'],
    ]);
  });
});

describe('lineage', () => {
  test('outputs are named by their input and their position', async () => {
    const { env, run } = harness([
      programOf(function* (rows: number[]) {
        for (const row of rows) yield [row];
      }),
    ]);
    const watched = run([[1, 2], [3]]);
    await env.advance();
    expect(watched.refs()).toMatchObject([
      { lineage: '0.0', producer: 0 },
      { lineage: '0.1' },
      { lineage: '1.0' },
    ]);
  });

  test('blocks are merged and split within an input, never across two', async () => {
    const { env, run } = harness([
      programOf(
        function* (rows: number[]) {
          for (const row of rows) yield [row, -row];
        },
        { output: { rows: 3 } },
      ),
    ]);
    const watched = run([[1, 2], [3]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[1, -1, 2], [-2], [3, -3]]);
    expect(watched.refs().map(({ lineage }) => lineage)).toEqual(['0.0', '0.1', '1.0']);
  });
});

describe('reports', () => {
  test('say what came since the one before, and how far the run is', async () => {
    const sim = harness([
      programOf(async function* (rows: number[]) {
        for (const row of rows) {
          await sim.env.sleep(10);
          yield [row];
        }
      }),
    ]);
    const watched = sim.run([[1, 2], [3]]);
    await sim.env.advance(10);
    expect(watched.last()).toMatchObject({ type: 'run.progress', consumed: 0, partial: 1 });
    await sim.env.advance(10);
    expect(watched.last()).toMatchObject({ type: 'run.progress', consumed: 1, partial: 0 });
    await sim.env.advance(10);
    expect(watched.end()).toMatchObject({ type: 'run.end', consumed: 1, partial: 0 });
    expect(watched.blocks()).toEqual([[1], [2], [3]]);
  });

  test('count the time spent inside of the transform, waiting for credit not included', async () => {
    const sim = harness([
      programOf(async function* (rows: number[]) {
        for (const row of rows) {
          await sim.env.sleep(10);
          yield [row];
        }
      }),
    ]);
    const watched = sim.run([[1, 2]], { credit: { blocks: 1, bytes: 1000 } });
    await sim.env.advance(500);
    watched.credit(PLENTY);
    await sim.env.advance();
    const busy = watched.reports.messages.map(({ busyMs }) => busyMs);
    expect(busy.reduce((sum, ms) => sum + ms, 0)).toBe(20);
  });
});

describe('output credit', () => {
  /** Yields each row as a block of its own, and counts how often it was asked. */
  function counting() {
    const asked = { times: 0 };
    const program = programOf(function* (rows: number[]) {
      for (const row of rows) {
        asked.times += 1;
        yield [row];
      }
    });
    return { asked, ...harness([program]) };
  }

  test('is taken before the transform is called', async () => {
    const { env, run, asked } = counting();
    const watched = run([[1]], { credit: NONE });
    await env.advance();
    expect(asked.times).toBe(0);
    expect(watched.last()).toMatchObject({
      type: 'run.progress',
      held: { blocks: 1, bytes: -0 },
      outputs: [],
    });
    watched.credit(PLENTY);
    await env.advance();
    expect(watched.blocks()).toEqual([[1]]);
  });

  test('is taken before each further yield, and what is left of its bytes is told', async () => {
    const { env, run, asked } = counting();
    const watched = run([[1, 2, 3]], { credit: { blocks: 2, bytes: 50 } });
    await env.advance();
    expect(asked.times).toBe(2);
    expect(watched.blocks()).toEqual([[1], [2]]);
    expect(watched.last()).toMatchObject({ held: { blocks: 1, bytes: -34 } });
  });

  test('that is too small for a block holds the block back until the rest is there', async () => {
    const { env, run } = harness([programOf((rows: number[]) => rows)]);
    const watched = run([[1, 2, 3, 4]], { credit: { blocks: 1, bytes: 10 } });
    await env.advance();
    expect(watched.blocks()).toEqual([]);
    expect(watched.last()).toMatchObject({ held: { blocks: 0, bytes: 22 } });
    watched.credit({ blocks: 0, bytes: 12 });
    await env.advance();
    expect(watched.last()).toMatchObject({ held: { blocks: 0, bytes: 10 } });
    watched.credit({ blocks: 0, bytes: 10 });
    await env.advance();
    expect(watched.blocks()).toEqual([[1, 2, 3, 4]]);
  });

  test('that is missing is reported once', async () => {
    const { env, run } = counting();
    const watched = run([[1]], { credit: NONE });
    await env.advance(1000);
    expect(watched.reports.messages).toHaveLength(1);
  });

  test('is not spent on inputs without outputs', async () => {
    const { env, run } = harness([programOf((rows: number[]) => rows.filter((row) => row > 2))]);
    const watched = run([[1], [2], [3]], { credit: { blocks: 1, bytes: 100 } });
    await env.advance();
    expect(watched.blocks()).toEqual([[3]]);
    expect(watched.end().type).toBe('run.end');
  });
});

describe('another attempt', () => {
  const yieldRows = function* (rows: number[]): Generator<number[]> {
    for (const row of rows) yield [row];
  };

  test('skips what was published before, and goes on behind it', async () => {
    const { env, run, store } = harness([programOf(yieldRows)]);
    const watched = run([[1, 2, 3], [4]], { attempt: 2, skip: 2 });
    await env.advance();
    expect(watched.blocks()).toEqual([[3], [4]]);
    expect(watched.refs().map(({ lineage }) => lineage)).toEqual(['0.2', '1.0']);
    expect(store.usage.blocks).toBe(4);
  });

  test('needs no credit for what it skips', async () => {
    const { env, run } = harness([programOf(yieldRows)]);
    const watched = run([[1, 2, 3]], { attempt: 2, skip: 2, credit: { blocks: 1, bytes: 8 } });
    await env.advance();
    expect(watched.blocks()).toEqual([[3]]);
  });

  test.each([0, 1, 2, 3])(
    'that fails after %i outputs does not forget what was published before',
    async (outputs) => {
      const { env, run } = harness([
        programOf(function* (rows: number[]) {
          for (const row of rows.slice(0, outputs)) yield [row];
          throw new Error('no');
        }),
      ]);
      const watched = run([[1, 2, 3]], { attempt: 2, skip: 2 });
      await env.advance();
      expect(watched.end()).toMatchObject({ type: 'run.error', partial: Math.max(2, outputs) });
    },
  );

  test('is offered with the wait that the operator’s policy says', async () => {
    const { env, run } = harness([
      programOf(() => Promise.reject(new Error('no')), {
        retryDelay: (error, attempt) => ((error as Error).message === 'no' ? attempt * 10 : 0),
      }),
    ]);
    const watched = run([[1]], { attempt: 3 });
    await env.advance();
    expect(watched.end()).toMatchObject({ type: 'run.error', retryAfter: 30 });
  });

  test('is not offered when the policy itself fails, and both errors are told', async () => {
    const { env, run } = harness([
      programOf(() => Promise.reject(new Error('no')), {
        retryDelay: () => {
          throw new Error('policy');
        },
      }),
    ]);
    const watched = run([[1]]);
    await env.advance();
    const end = watched.end();
    expect(end).toMatchObject({ type: 'run.error', retryAfter: undefined });
    expect(end.type === 'run.error' && (end.error as AggregateError).errors).toEqual([
      new Error('no'),
      new Error('policy'),
    ]);
  });
});

describe('an atomic transform', () => {
  test('publishes nothing before its input is done with', async () => {
    const sim = harness([
      programOf(
        async function* (rows: number[]) {
          for (const row of rows) {
            yield [row];
            await sim.env.sleep(10);
          }
        },
        { atomic: true },
      ),
    ]);
    const watched = sim.run([[1, 2]]);
    await sim.env.advance(15);
    expect(watched.blocks()).toEqual([]);
    await sim.env.advance();
    expect(watched.blocks()).toEqual([[1], [2]]);
  });

  test('publishes nothing of an attempt that fails', async () => {
    const { env, run, store } = harness([
      programOf(
        function* (rows: number[]) {
          yield rows;
          throw new Error('no');
        },
        { atomic: true },
      ),
    ]);
    const watched = run([[1]]);
    await env.advance();
    expect(watched.end()).toMatchObject({ type: 'run.error', outputs: [], partial: 0 });
    expect(store.usage.blocks).toBe(1);
  });

  test('keeps nothing of one input for the next', async () => {
    const { env, run } = harness([
      programOf((rows: number[]) => rows, { atomic: true, output: { rows: 2 } }),
    ]);
    const watched = run([[1, 2, 3], [4]]);
    await env.advance();
    expect(watched.blocks()).toEqual([[1, 2], [3], [4]]);
  });
});

describe('a transform with a timeout', () => {
  /** Takes so many milliseconds for each row, and yields it. */
  function slow(msPerRow: number, timeoutMs: number) {
    const seen: { signal?: AbortSignal; returned: boolean } = { returned: false };
    const sim = harness([
      programOf(
        async function* (rows: number[], { signal }: TransformContext) {
          seen.signal = signal;
          try {
            for (const row of rows) {
              await sim.env.sleep(msPerRow);
              yield [row];
            }
          } finally {
            seen.returned = true;
          }
        },
        { timeoutMs },
      ),
    ]);
    return { seen, ...sim };
  }

  test('fails when one input takes longer, and its signal says so', async () => {
    const { env, run, seen } = slow(1000, 100);
    const watched = run([[1]]);
    await env.advance(100);
    expect(watched.end()).toMatchObject({ type: 'run.error', error: new TimeoutError(100) });
    expect(seen.signal?.reason).toBeInstanceOf(TimeoutError);
  });

  test('has the whole time for each input', async () => {
    const { env, run } = slow(80, 100);
    const watched = run([[1], [2], [3]]);
    await env.advance();
    expect(watched.end().type).toBe('run.end');
  });

  test('has the time for all outputs of an input together', async () => {
    const { env, run } = slow(60, 100);
    const watched = run([[1, 2]]);
    await env.advance();
    expect(watched.end()).toMatchObject({ type: 'run.error', error: new TimeoutError(100) });
    expect(watched.blocks()).toEqual([[1]]);
  });

  test('is not blamed for waiting for credit', async () => {
    const { env, run } = slow(40, 100);
    const watched = run([[1, 2]], { credit: { blocks: 1, bytes: 8 } });
    await env.advance(5000);
    watched.credit(PLENTY);
    await env.advance();
    expect(watched.end().type).toBe('run.end');
  });

  test('has no more time because it had to wait for credit', async () => {
    const { env, run } = slow(60, 100);
    const watched = run([[1, 2]], { credit: { blocks: 1, bytes: 8 } });
    await env.advance(5000);
    watched.credit(PLENTY);
    await env.advance();
    expect(watched.end()).toMatchObject({ type: 'run.error', error: new TimeoutError(100) });
  });

  test('has no voice any more when its time is over, and is returned', async () => {
    const { env, run, store, seen } = slow(150, 100);
    const watched = run([[1, 2]]);
    await env.advance();
    expect(watched.reports.messages).toHaveLength(1);
    expect(store.usage.blocks).toBe(1);
    expect(seen.returned).toBe(true);
  });

  test('leaves no timer behind when it is done in time', async () => {
    const { env, run } = slow(10, 100);
    const watched = run([[1]]);
    await env.advance(20);
    expect(watched.end().type).toBe('run.end');
    expect(env.pending()).toBe(0);
  });

  test('sees an aborted signal even when it looks at it for the first time afterwards', async () => {
    const seen: boolean[] = [];
    const sim = harness([
      programOf(
        async (rows: number[], context: TransformContext) => {
          await sim.env.sleep(500);
          seen.push(context.signal.aborted);
          return rows;
        },
        { timeoutMs: 100 },
      ),
    ]);
    sim.run([[1]]);
    await sim.env.advance();
    expect(seen).toEqual([true]);
  });
});

describe('a run that is cancelled', () => {
  test('before it began calls no transform', async () => {
    let calls = 0;
    const { env, run } = harness([
      programOf((rows: number[]) => {
        calls += 1;
        return rows;
      }),
    ]);
    const watched = run([[1]]);
    watched.cancel('enough');
    await env.advance();
    expect(calls).toBe(0);
    expect(watched.end()).toMatchObject({ type: 'run.end', consumed: 0, outputs: [] });
  });

  test('tells the transform by its signal, and ends when the transform does', async () => {
    let reason: unknown;
    const sim = harness([
      programOf(async (rows: number[], { signal }: TransformContext) => {
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve);
        });
        reason = signal.reason;
        await sim.env.sleep(50);
        return rows;
      }),
    ]);
    const watched = sim.run([[1]]);
    await sim.env.advance(10);
    watched.cancel('enough');
    await sim.env.advance(49);
    expect(reason).toBe('enough');
    expect(watched.reports.messages).toEqual([]);
    await sim.env.advance(1);
    expect(watched.end()).toMatchObject({ type: 'run.end', now: 60, outputs: [], consumed: 0 });
    expect(sim.env.pending()).toBe(0);
  });

  test('tells the transform even when it looks at its signal for the first time afterwards', async () => {
    let seen: unknown;
    const sim = harness([
      programOf(async (rows: number[], context: TransformContext) => {
        await sim.env.sleep(50);
        seen = context.signal.reason;
        return rows;
      }),
    ]);
    const watched = sim.run([[1]]);
    await sim.env.advance(10);
    watched.cancel('enough');
    await sim.env.advance();
    expect(seen).toBe('enough');
  });

  test('is given a grace, and then left to itself without a voice', async () => {
    const sim = harness([
      programOf(async function* () {
        await sim.env.sleep(5000);
        yield [1];
        yield [2];
      }),
    ]);
    const watched = sim.run([[0]]);
    await sim.env.advance(10);
    watched.cancel();
    await sim.env.advance(GRACE_MS - 1);
    expect(watched.reports.messages).toEqual([]);
    await sim.env.advance(1);
    expect(watched.end().type).toBe('run.end');
    await sim.env.advance();
    expect(watched.reports.messages).toHaveLength(1);
    expect(sim.store.usage.blocks).toBe(1);
  });

  test('while it holds ends at once, and its generator is returned', async () => {
    let returned = 0;
    const { env, run } = harness([
      programOf(function* (rows: number[]) {
        try {
          for (const row of rows) yield [row];
        } finally {
          returned += 1;
        }
      }),
    ]);
    const watched = run([[1, 2]], { credit: { blocks: 1, bytes: 8 } });
    await env.advance();
    watched.cancel();
    await env.advance(0);
    expect(watched.end().type).toBe('run.end');
    expect(returned).toBe(1);
    expect(env.pending()).toBe(0);
  });

  test('while a block is held back does not publish it', async () => {
    const { env, run, store } = harness([programOf((rows: number[]) => rows)]);
    const watched = run([[1, 2]], { credit: { blocks: 1, bytes: 8 } });
    await env.advance();
    watched.cancel();
    await env.advance(0);
    expect(watched.end()).toMatchObject({ type: 'run.end', outputs: [] });
    expect(store.usage.blocks).toBe(1);
  });

  test('ends well even when the transform ends with an error', async () => {
    const { env, run } = harness([
      programOf((_rows: number[], { signal }: TransformContext) => {
        return new Promise<never>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            reject(new Error('aborted'));
          });
        });
      }),
    ]);
    const watched = run([[1]]);
    await env.advance();
    watched.cancel();
    watched.cancel();
    await env.advance();
    expect(watched.end().type).toBe('run.end');
    expect(watched.reports.messages).toHaveLength(1);
  });

  test('does not begin its next input, and says which were done with', async () => {
    const seen: number[] = [];
    const sim = harness([
      programOf(async (rows: number[]) => {
        seen.push(...rows);
        await sim.env.sleep(10);
        return rows;
      }),
    ]);
    const watched = sim.run([[1], [2], [3]]);
    await sim.env.advance(15);
    watched.cancel();
    await sim.env.advance();
    expect(seen).toEqual([1, 2]);
    const consumed = watched.reports.messages.map((report) => report.consumed);
    expect(consumed.reduce((sum, one) => sum + one, 0)).toBe(1);
  });

  test('cannot be cancelled when it is over', async () => {
    const { env, run } = harness([programOf((rows: number[]) => rows)]);
    const watched = run([[1]]);
    await env.advance();
    watched.cancel();
    await env.advance();
    expect(watched.reports.messages).toHaveLength(1);
    expect(env.pending()).toBe(0);
  });
});

describe('a generator that is left early', () => {
  test.each([
    ['yields something wrong', 'wrong'],
    ['is cancelled', 'cancel'],
  ])('because it %s gets to run its finally', async (_name, why) => {
    const seen: string[] = [];
    const sim = harness([
      programOf(async function* () {
        try {
          yield [1];
          await sim.env.sleep(10);
          yield why === 'wrong' ? 'text' : [2];
          seen.push('not reached');
        } finally {
          seen.push('finally');
        }
      }),
    ]);
    const watched = sim.run([[0]]);
    await sim.env.advance(5);
    if (why === 'cancel') watched.cancel();
    await sim.env.advance();
    expect(seen).toEqual(['finally']);
    expect(watched.end().type).toBe(why === 'wrong' ? 'run.error' : 'run.end');
  });

  test('is not returned when it has ended by itself', async () => {
    let returned = 0;
    const { env, run } = harness([
      programOf(() => ({
        [Symbol.iterator]: () => ({
          next: () => ({ done: true, value: undefined }),
          return: () => {
            returned += 1;
            return { done: true, value: undefined };
          },
        }),
      })),
    ]);
    const watched = run([[0]]);
    await env.advance();
    expect(watched.end().type).toBe('run.end');
    expect(returned).toBe(0);
  });
});

describe('time slices', () => {
  const MANY = Array.from({ length: 1000 }, (_, row) => row);

  test('F06: an async generator that never leaves the microtask queue does not starve timers', async () => {
    const { env, run } = harness([
      programOf(async function* (rows: number[]) {
        for (const row of rows) yield await Promise.resolve([row]);
      }),
    ]);
    const watched = run([MANY], { credit: { blocks: 2000, bytes: 1_000_000 } });
    let seen = -1;
    env.setTimer(0, () => {
      env.defer(() => {
        env.defer(() => {
          seen = watched.blocks().length;
        });
      });
    });
    await env.advance();
    expect(watched.blocks()).toHaveLength(1000);
    expect(seen).toBeGreaterThan(0);
    expect(seen).toBeLessThan(1000);
  });

  test('neither do a thousand small blocks', async () => {
    const { env, run } = harness([programOf((rows: number[]) => rows)]);
    const watched = run(MANY.map((row) => [row]));
    let seen = -1;
    env.defer(() => {
      env.defer(() => {
        seen = watched.blocks().length;
      });
    });
    await env.advance();
    expect(watched.blocks()).toHaveLength(1000);
    expect(seen).toBeLessThan(1000);
  });

  test('a slice ends early when its blocks take long', async () => {
    const env = simEnv();
    let time = 0;
    // A clock that goes on while the transform computes.
    const watch = { ...env, now: () => (time += 3) };
    const { run } = harness([programOf((rows: number[]) => rows)], watch);
    const watched = run(MANY.slice(0, 10).map((row) => [row]));
    await env.advance();
    expect(watched.reports.messages.length).toBeGreaterThan(3);
    expect(watched.blocks()).toHaveLength(10);
  });
});

describe('a transform that remembers', () => {
  test('takes all its inputs at once, each with its port, and names outputs by operator', async () => {
    const seen: unknown[] = [];
    const { env, run, open } = harness([
      programOf({
        kind: 'stateful',
        create: () => ({
          async take(inputs, ended, flush, output) {
            seen.push([inputs.map(({ port, block }) => [port, block.rows]), ended, flush]);
            for (const { block } of inputs) await output.emit(block.rows);
            return { satisfied: false, wants: [1] };
          },
        }),
      }),
    ]);
    await open();
    const watched = run([[1], [2], [3]], { perPort: [2, 1], ended: [false, true] });
    await env.advance();
    expect(seen).toEqual([
      [
        [
          [0, [1]],
          [0, [2]],
          [1, [3]],
        ],
        [false, true],
        false,
      ],
    ]);
    expect(watched.refs().map(({ lineage }) => lineage)).toEqual(['@0.0', '@0.1', '@0.2']);
    expect(watched.end()).toMatchObject({ consumed: 3, satisfied: false, wants: [1] });
    const next = run([], { flush: true });
    await env.advance();
    expect(seen.at(-1)).toEqual([[], [false], true]);
    expect(next.end().type).toBe('run.end');
  });

  test('goes on counting its outputs from one run to the next', async () => {
    const { env, run, open } = harness([
      programOf({
        kind: 'stateful',
        create: () => ({
          async take(inputs, _ended, _flush, output) {
            for (const { block } of inputs) await output.emit(block.rows);
            return { satisfied: false };
          },
        }),
      }),
    ]);
    await open();
    run([[1]]);
    await env.advance();
    const second = run([[2]]);
    await env.advance();
    expect(second.refs()).toMatchObject([{ lineage: '@0.1' }]);
  });

  test('passes a block on as it is, with a holder more and without credit', async () => {
    const { env, run, open, store, put } = harness([
      programOf({
        kind: 'stateful',
        create: () => ({
          take(inputs, _ended, _flush, output) {
            for (const { ref } of inputs) output.forward(ref);
            return { satisfied: true };
          },
        }),
      }),
    ]);
    await open();
    const ref = put([1, 2]);
    const watched = run([ref], { credit: NONE });
    await env.advance();
    expect(watched.refs()).toEqual([ref]);
    expect(watched.end()).toMatchObject({ satisfied: true });
    store.release(ref);
    expect(store.get(ref).rows).toEqual([1, 2]);
  });

  test('waits for credit with each block it emits', async () => {
    const { env, run, open } = harness([
      programOf({
        kind: 'stateful',
        create: () => ({
          async take(inputs, _ended, _flush, output) {
            for (const { block } of inputs) await output.emit(block.rows);
            return { satisfied: false };
          },
        }),
      }),
    ]);
    await open();
    const watched = run([[1], [2]], { credit: { blocks: 1, bytes: 8 } });
    await env.advance();
    expect(watched.last()).toMatchObject({ held: { blocks: 1, bytes: 8 } });
    expect(watched.blocks()).toEqual([[1]]);
    watched.credit(PLENTY);
    await env.advance();
    expect(watched.blocks()).toEqual([[1], [2]]);
  });

  test('that emits something wrong, or throws, fails', async () => {
    for (const fault of ['text', undefined]) {
      const { env, run, open } = harness([
        programOf({
          kind: 'stateful',
          create: () => ({
            async take(_inputs, _ended, _flush, output) {
              if (fault === undefined) throw new Error('no');
              await output.emit(fault as never);
              return { satisfied: false };
            },
          }),
        }),
      ]);
      await open();
      const watched = run([[1]]);
      await env.advance();
      expect(watched.end()).toMatchObject({ type: 'run.error', consumed: 0 });
    }
  });
});
