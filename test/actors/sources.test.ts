import { from, Observable, of, Subject, throwError, concat } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { rowBlock } from '../../actors/block.ts';
import { simEnv, type SimEnv } from '../../actors/sim-env.ts';
import { blocksSource, readerSource, rowsSource, type RowsInput } from '../../actors/sources.ts';
import type { SourceTransform } from '../../actors/transform.ts';
import { contextOf } from './support/context.ts';

/** Never aborted. */
const NEVER = new AbortController().signal;

function read(
  source: SourceTransform,
  env: SimEnv,
  { signal = NEVER, finishing = NEVER } = {},
): AsyncIterable<readonly unknown[]> | Iterable<readonly unknown[]> {
  const blocks = source.read(undefined as never, contextOf({ signal }), { env, finishing });
  return blocks as Iterable<readonly unknown[]>;
}

/** All blocks of a source; when it fails, those before the error and the error. */
async function all(
  source: SourceTransform,
  env = simEnv(),
): Promise<{ blocks: (readonly unknown[])[]; error?: unknown }> {
  const blocks: (readonly unknown[])[] = [];
  const consume = async (): Promise<void> => {
    for await (const block of read(source, env)) blocks.push(block);
  };
  try {
    await env.drive(consume());
    return { blocks };
  } catch (error) {
    return { blocks, error };
  }
}

/** The first block of a source, which is left then. */
async function first(
  source: SourceTransform,
  env = simEnv(),
): Promise<readonly unknown[] | undefined> {
  const consume = async (): Promise<readonly unknown[] | undefined> => {
    for await (const block of read(source, env)) return block;
    return undefined;
  };
  const block = await env.drive(consume());
  await env.advance(1000);
  return block;
}

async function* asyncRows(count: number): AsyncGenerator<number> {
  for (let row = 1; row <= count; row++) yield await Promise.resolve(row);
}

function streamOf(count: number): ReadableStream<number> {
  let row = 0;
  return new ReadableStream({
    pull(controller) {
      row += 1;
      if (row > count) controller.close();
      else controller.enqueue(row);
    },
  });
}

/** A stream as browsers have it that cannot iterate one: it has a reader and nothing else. */
function plainStream(stream: ReadableStream<number>): ReadableStream<number> {
  return { getReader: () => stream.getReader() } as ReadableStream<number>;
}

describe('rows', () => {
  const inputs: readonly [string, () => RowsInput<number>][] = [
    ['an iterable', () => [1, 2, 3, 4, 5]],
    ['a generator', () => [1, 2, 3, 4, 5].values()],
    ['an async iterable', () => asyncRows(5)],
    ['a ReadableStream', () => streamOf(5)],
    ['a ReadableStream that is no iterable', () => plainStream(streamOf(5))],
    ['an Observable', () => of(1, 2, 3, 4, 5)],
  ];

  test.each(inputs)(
    'of %s are gathered into full blocks, the last one being what is left',
    async (_name, make) => {
      expect(await all(rowsSource(make(), 2))).toEqual({ blocks: [[1, 2], [3, 4], [5]] });
    },
  );

  test.each(inputs)('of %s that ends with a full block make no empty one', async (_name, make) => {
    expect(await all(rowsSource(make(), 5))).toEqual({ blocks: [[1, 2, 3, 4, 5]] });
  });

  test.each([
    ['an iterable', []],
    ['an async iterable', asyncRows(0)],
    ['a ReadableStream', streamOf(0)],
    ['an Observable', of()],
  ] as [string, RowsInput<number>][])('of %s without rows make no block', async (_name, input) => {
    expect(await all(rowsSource(input, 2))).toEqual({ blocks: [] });
  });

  test('are read as one part', () => {
    expect(rowsSource([1], 1).splits(new AbortController().signal)).toEqual([undefined]);
  });

  test('of a function are asked for once a run', async () => {
    let calls = 0;
    const source = rowsSource(() => {
      calls += 1;
      return asyncRows(2);
    }, 10);
    expect(await all(source)).toEqual({ blocks: [[1, 2]] });
    expect(await all(source)).toEqual({ blocks: [[1, 2]] });
    expect(calls).toBe(2);
  });

  test('that come slowly are passed on as they come', async () => {
    const env = simEnv();
    const slow = async function* (): AsyncGenerator<number> {
      for (let row = 1; row <= 3; row++) {
        await env.sleep(10);
        yield row;
      }
    };
    expect(await all(rowsSource(slow, 100), env)).toEqual({ blocks: [[1], [2], [3]] });
    expect(env.now()).toBe(30);
  });

  test('that come in bursts are passed on burst by burst', async () => {
    const env = simEnv();
    const bursts = async function* (): AsyncGenerator<number> {
      for (let burst = 0; burst < 2; burst++) {
        yield 3 * burst;
        yield 3 * burst + 1;
        yield 3 * burst + 2;
        await env.sleep(10);
      }
    };
    expect(await all(rowsSource(bursts, 100), env)).toEqual({
      blocks: [
        [0, 1, 2],
        [3, 4, 5],
      ],
    });
  });

  test('of an observable are passed on when they come', async () => {
    const env = simEnv();
    const subject = new Subject<number>();
    const blocks: (readonly unknown[])[] = [];
    const consume = async (): Promise<void> => {
      for await (const block of read(rowsSource(subject, 10), env)) blocks.push(block);
    };
    const done = consume();
    await env.advance();
    subject.next(1);
    subject.next(2);
    await env.advance();
    expect(blocks).toEqual([[1, 2]]);
    subject.next(3);
    subject.complete();
    await env.drive(done);
    expect(blocks).toEqual([[1, 2], [3]]);
  });

  test('are read no more than a block ahead', async () => {
    const env = simEnv();
    let asked = 0;
    const counted = async function* (): AsyncGenerator<number> {
      for (;;) {
        asked += 1;
        yield await Promise.resolve(asked);
      }
    };
    const blocks = read(rowsSource(counted, 4), env) as AsyncGenerator<number[]>;
    expect((await env.drive(blocks.next())).value).toEqual([1, 2, 3, 4]);
    await env.advance();
    expect(asked).toBeLessThanOrEqual(8);
    await env.drive(blocks.return(undefined));
  });
});

describe('a source that fails', () => {
  const error = new Error('broken pipe');
  const failing: readonly [string, () => RowsInput<number>][] = [
    [
      'an iterable',
      function* () {
        yield* [1, 2, 3];
        throw error;
      },
    ],
    [
      'an async iterable',
      async function* () {
        yield* asyncRows(3);
        throw error;
      },
    ],
    [
      'a ReadableStream',
      () => {
        let row = 0;
        return new ReadableStream({
          pull(controller) {
            row += 1;
            if (row > 3) controller.error(error);
            else controller.enqueue(row);
          },
        });
      },
    ],
    [
      'an Observable',
      () =>
        concat(
          of(1, 2, 3),
          throwError(() => error),
        ),
    ],
  ];

  test.each(failing)('as %s passes on the error behind the rows before it', async (_name, make) => {
    const { blocks, error: thrown } = await all(rowsSource(make, 2));
    expect(thrown).toBe(error);
    // A reader of a stream may lose what was enqueued in front of an error; nobody else may.
    expect(blocks[0]).toEqual([1, 2]);
  });

  test('passes on even the rows of a block that is not full', async () => {
    const { blocks } = await all(rowsSource(failing[1]?.[1] ?? [], 100));
    expect(blocks).toEqual([[1, 2, 3]]);
  });

  test('when the function that makes it throws, throws', async () => {
    const source = rowsSource((): number[] => {
      throw error;
    }, 2);
    expect(() => read(source, simEnv())).toThrow(error);
    await Promise.resolve();
  });
});

describe('a source that is left early', () => {
  /** Rows without end, as any kind of iterator, that counts what is asked of it. */
  function watched() {
    const calls = { next: 0, return: 0 };
    const next = (): IteratorResult<number> => {
      calls.next += 1;
      return { done: false, value: calls.next };
    };
    const end = (): IteratorResult<number> => {
      calls.return += 1;
      return { done: true, value: undefined };
    };
    const iterable: Iterable<number> = { [Symbol.iterator]: () => ({ next, return: end }) };
    const asyncIterable: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve(next()),
        return: () => Promise.resolve(end()),
      }),
    };
    return { calls, iterable, asyncIterable };
  }

  test('is returned exactly once, when it is an iterable', async () => {
    const { calls, iterable } = watched();
    expect(await first(rowsSource(iterable, 2))).toEqual([1, 2]);
    expect(calls).toEqual({ next: 2, return: 1 });
  });

  test('is returned exactly once, when it is an async iterable', async () => {
    const { calls, asyncIterable } = watched();
    expect(await first(rowsSource(asyncIterable, 2))).toEqual([1, 2]);
    expect(calls.return).toBe(1);
  });

  test('is asked for nothing more after it was returned, even while an answer is on its way', async () => {
    const env = simEnv();
    const calls: string[] = [];
    const slow: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        async next() {
          calls.push('next');
          await env.sleep(1);
          return { done: false, value: 1 };
        },
        return() {
          calls.push('return');
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    expect(await first(rowsSource(slow, 50), env)).toEqual([1]);
    expect(calls.filter((call) => call === 'return')).toHaveLength(1);
    expect(calls.at(-1)).toBe('return');
  });

  test('is cancelled exactly once, when it is a stream', async () => {
    for (const wrap of [(stream: ReadableStream<number>) => stream, plainStream]) {
      const reasons: unknown[] = [];
      let row = 0;
      const stream = new ReadableStream<number>(
        {
          pull(controller) {
            row += 1;
            controller.enqueue(row);
          },
          cancel(reason) {
            reasons.push(reason);
          },
        },
        { highWaterMark: 0 },
      );
      expect(await first(rowsSource(wrap(stream), 2))).toEqual([1, 2]);
      expect(reasons).toHaveLength(1);
    }
  });

  test('is unsubscribed from, when it is an observable', async () => {
    let unsubscribed = 0;
    const observable = new Observable<number>((subscriber) => {
      for (let row = 1; row <= 10; row++) subscriber.next(row);
      return () => {
        unsubscribed += 1;
      };
    });
    expect(await first(rowsSource(observable, 2))).toEqual([1, 2]);
    expect(unsubscribed).toBe(1);
  });

  test('is not returned when it has ended by itself', async () => {
    let returned = 0;
    const iterator = asyncRows(3);
    const counting: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => iterator.next(),
        return: () => {
          returned += 1;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    await all(rowsSource(counting, 10));
    expect(returned).toBe(0);
  });

  test('does not hold up the end, when it does not answer any more', async () => {
    const env = simEnv();
    const controller = new AbortController();
    let returned = 0;
    const silent: AsyncIterable<number> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => undefined),
        return: () => {
          returned += 1;
          return new Promise(() => undefined);
        },
      }),
    };
    const blocks = read(rowsSource(silent, 2), env, {
      signal: controller.signal,
    }) as AsyncGenerator;
    const next = blocks.next();
    await env.advance();
    controller.abort('enough');
    expect(await env.drive(next)).toEqual({ done: true, value: undefined });
    expect(returned).toBe(1);
  });

  test('that cannot be returned, or fails at that, hurts nobody', async () => {
    const base = (): IteratorResult<number> => ({ done: false, value: 1 });
    const next = (): Promise<IteratorResult<number>> => Promise.resolve(base());
    const without = { [Symbol.asyncIterator]: () => ({ next }) };
    const refusing = {
      [Symbol.asyncIterator]: () => ({ next, return: () => Promise.reject(new Error('no')) }),
    };
    expect(await first(rowsSource<number>(without, 1))).toEqual([1]);
    expect(await first(rowsSource<number>(refusing, 1))).toEqual([1]);
  });

  test('leaves no listener on the signal', async () => {
    const env = simEnv();
    const { signal } = new AbortController();
    let listeners = 0;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = ((...parameters: Parameters<typeof add>) => {
      listeners += 1;
      add(...parameters);
    }) as typeof add;
    signal.removeEventListener = ((...parameters: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...parameters);
    }) as typeof remove;
    const blocks = read(rowsSource(asyncRows(9), 2), env, { signal }) as AsyncGenerator;
    await env.drive(blocks.next());
    expect(listeners).toBe(1);
    await env.drive(blocks.return(undefined));
    expect(listeners).toBe(0);
  });
});

describe('blocks', () => {
  test('are passed on as they are: arrays of rows, and blocks', async () => {
    const { blocks } = await all(blocksSource<number>([[1, 2], rowBlock([3])]));
    expect(blocks).toEqual([[1, 2], [3]]);
  });

  test('may come over time, and from a function', async () => {
    const make = async function* (): AsyncGenerator<number[]> {
      yield await Promise.resolve([1]);
      yield [2, 3];
    };
    const source = blocksSource(make);
    expect(await all(source)).toEqual({ blocks: [[1], [2, 3]] });
    expect(await all(source)).toEqual({ blocks: [[1], [2, 3]] });
  });

  test('are copies: what happens to them does not reach the arrays that were given', async () => {
    const given = [[1, 2]];
    const { blocks } = await all(blocksSource(given));
    (blocks[0] as unknown[]).push(3);
    expect(given).toEqual([[1, 2]]);
  });

  test('of a source that is left early are returned exactly once', async () => {
    let returned = 0;
    const endless = async function* (): AsyncGenerator<number[]> {
      try {
        for (;;) yield await Promise.resolve([1]);
      } finally {
        returned += 1;
      }
    };
    expect(await first(blocksSource(endless))).toEqual([1]);
    expect(returned).toBe(1);
    await first(
      blocksSource(function* () {
        try {
          for (;;) yield [1];
        } finally {
          returned += 1;
        }
      }),
    );
    expect(returned).toBe(2);
  });
});

describe('a source that is told to read no more', () => {
  test('hands over the rows it has, when it gathers them from an iterable', () => {
    const env = simEnv();
    const finishing = new AbortController();
    const blocks = read(rowsSource([1, 2, 3, 4, 5], 2), env, {
      finishing: finishing.signal,
    }) as Generator<number[]>;
    expect(blocks.next().value).toEqual([1, 2]);
    finishing.abort();
    expect(blocks.next()).toEqual({ done: true, value: undefined });
  });

  test('hands over the rows it has, when they come over time, and returns the source', async () => {
    const env = simEnv();
    const finishing = new AbortController();
    let returned = 0;
    const slow = async function* (): AsyncGenerator<number> {
      try {
        for (let row = 1; ; row++) {
          yield row;
          if (row % 3 === 0) await env.sleep(10);
        }
      } finally {
        returned += 1;
      }
    };
    const blocks = read(rowsSource(slow, 2), env, {
      finishing: finishing.signal,
    }) as AsyncGenerator<number[]>;
    expect((await env.drive(blocks.next())).value).toEqual([1, 2]);
    const next = blocks.next();
    await env.advance(5);
    finishing.abort();
    expect((await env.drive(next)).value).toEqual([3]);
    expect(await env.drive(blocks.next())).toEqual({ done: true, value: undefined });
    await env.advance(100);
    expect(returned).toBe(1);
  });

  test('ends even when it waits for a row that does not come', async () => {
    const env = simEnv();
    const finishing = new AbortController();
    const blocks = read(rowsSource(new Subject<number>(), 2), env, {
      finishing: finishing.signal,
    }) as AsyncGenerator<number[]>;
    const next = blocks.next();
    await env.advance(5);
    finishing.abort();
    expect(await env.drive(next)).toEqual({ done: true, value: undefined });
  });
});

describe('a reader', () => {
  test('lists its splits, and reads each of them on its own', async () => {
    const seen: AbortSignal[] = [];
    const source = readerSource<number, string>({
      splits(signal) {
        seen.push(signal);
        return Promise.resolve(['a', 'b']);
      },
      *read(split, { lineage }) {
        yield [split.charCodeAt(0), lineage.length];
      },
    });
    const { signal } = new AbortController();
    expect(await source.splits(signal)).toEqual(['a', 'b']);
    expect(seen).toEqual([signal]);
    const blocks = source.read('b' as never, contextOf({ lineage: '0.1' }), {
      env: simEnv(),
      finishing: NEVER,
    });
    expect([...(blocks as Iterable<number[]>)]).toEqual([[98, 3]]);
  });
});

test('an array may be read as an observable as well', async () => {
  expect(await all(rowsSource(from([1, 2, 3]), 2))).toEqual({ blocks: [[1, 2], [3]] });
});
