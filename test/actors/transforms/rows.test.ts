import { describe, expect, test } from 'vitest';
import type { RowErrors } from '../../../actors/transform.ts';
import { filterRows, flatMapRows, mapRows } from '../../../actors/transforms/rows.ts';
import { contextOf } from '../support/context.ts';

/** Errors of rows are thrown again. */
const strict: RowErrors = {
  mayGiveUp: () => false,
  handle: (error) => {
    throw error;
  },
};

function lenient(): RowErrors & { readonly dropped: unknown[] } {
  const dropped: unknown[] = [];
  return {
    dropped,
    mayGiveUp: () => true,
    handle: (error, row, index) => {
      dropped.push([(error as Error).message, row, index]);
    },
  };
}

type BlockFunction = ReturnType<typeof mapRows>;

function call(transform: BlockFunction, rows: readonly unknown[], errors = strict): unknown {
  return transform(rows as never[], contextOf(), errors);
}

async function yielded(
  transform: BlockFunction,
  rows: readonly unknown[],
  errors = strict,
): Promise<readonly unknown[][]> {
  const blocks: unknown[][] = [];
  for await (const block of call(transform, rows, errors) as AsyncIterable<unknown[]>) {
    blocks.push(block);
  }
  return blocks;
}

describe('map', () => {
  test('gives one row for each row, at once when nothing has to be waited for', () => {
    expect(
      call(
        mapRows((row: number) => 2 * row),
        [1, 2, 3],
      ),
    ).toEqual([2, 4, 6]);
    expect(
      call(
        mapRows(() => undefined),
        [1],
      ),
    ).toEqual([undefined]);
    expect(
      call(
        mapRows((row) => row),
        [],
      ),
    ).toEqual([]);
  });

  test('awaits promises row by row, one after the other', async () => {
    const order: string[] = [];
    const map = async (row: number): Promise<number> => {
      order.push(`begin ${String(row)}`);
      await Promise.resolve();
      order.push(`end ${String(row)}`);
      return 2 * row;
    };
    expect(await call(mapRows(map), [1, 2])).toEqual([2, 4]);
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'end 2']);
  });

  test('may return a promise for some rows only', async () => {
    const map = (row: number): unknown => (row % 2 === 0 ? Promise.resolve(-row) : row);
    expect(await call(mapRows(map), [1, 2, 3, 4])).toEqual([1, -2, 3, -4]);
  });

  test('calls its function once a row, with the row and what it is told', () => {
    const seen: unknown[] = [];
    const context = contextOf({ lineage: '0.7' });
    const transform = mapRows((row, told) => seen.push([row, told]));
    transform(['a', 'b'] as never[], context, strict);
    expect(seen).toEqual([
      ['a', context],
      ['b', context],
    ]);
  });
});

describe('filter', () => {
  test('keeps the rows it holds for, whatever true value it returns', () => {
    expect(
      call(
        filterRows((row: number) => row % 2),
        [1, 2, 3],
      ),
    ).toEqual([1, 3]);
  });

  test('may take its time', async () => {
    const judge = (row: number): Promise<boolean> => Promise.resolve(row > 1);
    expect(await call(filterRows(judge), [1, 2, 3])).toEqual([2, 3]);
  });

  test('does not copy the rows', () => {
    const row = { id: 1 };
    expect(
      (
        call(
          filterRows(() => true),
          [row],
        ) as unknown[]
      )[0],
    ).toBe(row);
  });
});

describe('flatMap', () => {
  test('gives any number of rows for each row', async () => {
    const repeat = (row: number): number[] => Array.from({ length: row }, () => row);
    expect(await yielded(flatMapRows(repeat), [0, 1, 2])).toEqual([[1, 2, 2]]);
    expect(
      await yielded(
        flatMapRows(() => []),
        [1, 2],
      ),
    ).toEqual([]);
  });

  test('takes any iterable, async ones too', async () => {
    const slow = async function* (row: number): AsyncGenerator<number> {
      yield await Promise.resolve(row);
      yield -row;
    };
    expect(await yielded(flatMapRows(slow), [1, 2])).toEqual([[1, -1, 2, -2]]);
    expect(
      await yielded(
        flatMapRows((row: number) => new Set([row, row])),
        [1],
      ),
    ).toEqual([[1]]);
  });

  test('takes a string for its characters, as any iterable', async () => {
    expect(
      await yielded(
        flatMapRows((row: string) => row),
        ['ab', 'c'],
      ),
    ).toEqual([['a', 'b', 'c']]);
  });

  test('yields in chunks, so that a huge row does not have to fit into memory', async () => {
    let asked = 0;
    const huge = function* (): Generator<number> {
      for (let value = 0; value < 5000; value++) {
        asked += 1;
        yield value;
      }
    };
    const blocks = call(flatMapRows(huge), [1]) as AsyncGenerator<unknown[]>;
    const first = (await blocks.next()) as IteratorResult<unknown[], unknown[]>;
    expect(first.value.length).toBeLessThan(5000);
    expect(asked).toBeLessThan(5000);
    await blocks.return(undefined);
    expect((await yielded(flatMapRows(huge), [1])).flat()).toHaveLength(5000);
  });

  test('returns the iterator of a row when it is left early', async () => {
    let returned = 0;
    const endless = function* (): Generator<number> {
      try {
        for (;;) yield 1;
      } finally {
        returned += 1;
      }
    };
    const blocks = call(flatMapRows(endless), [1]) as AsyncGenerator<unknown[]>;
    await blocks.next();
    await blocks.return(undefined);
    expect(returned).toBe(1);
  });

  test('that returns no iterable says so', async () => {
    const transform = flatMapRows(() => 7 as never);
    await expect(yielded(transform, [1])).rejects.toThrow(/iterable/);
  });
});

describe('a row that fails', () => {
  const fail = (row: number): number => {
    if (row === 2) throw new Error(`bad ${String(row)}`);
    return row;
  };

  test('fails the block, unless it may be given up', async () => {
    expect(() => call(mapRows(fail), [1, 2, 3])).toThrow('bad 2');
    expect(() => call(filterRows(fail), [1, 2, 3])).toThrow('bad 2');
    await expect(
      yielded(
        flatMapRows((row: number) => [fail(row)]),
        [1, 2],
      ),
    ).rejects.toThrow('bad 2');
    await expect(
      call(
        mapRows(async (row: number) => fail(await Promise.resolve(row))),
        [2],
      ),
    ).rejects.toThrow('bad 2');
  });

  test('is given up alone: the others go on', async () => {
    const errors = lenient();
    expect(call(mapRows(fail), [1, 2, 3], errors)).toEqual([1, 3]);
    expect(call(filterRows(fail), [1, 2, 3], errors)).toEqual([1, 3]);
    const slowly = async (row: number): Promise<number> => fail(await Promise.resolve(row));
    expect(await call(mapRows(slowly), [1, 2, 3], errors)).toEqual([1, 3]);
    expect(await call(mapRows(slowly), [2, 2, 3], errors)).toEqual([3]);
    expect(await call(filterRows(slowly), [3, 2, 1], errors)).toEqual([3, 1]);
    expect(
      await yielded(
        flatMapRows((row: number) => [fail(row)]),
        [1, 2, 3],
        errors,
      ),
    ).toEqual([[1, 3]]);
    expect(errors.dropped).toEqual([
      ['bad 2', 2, 1],
      ['bad 2', 2, 1],
      ['bad 2', 2, 1],
      ['bad 2', 2, 0],
      ['bad 2', 2, 1],
      ['bad 2', 2, 1],
      ['bad 2', 2, 1],
    ]);
  });

  test('leaves nothing half-done behind in a flatMap: its rows come all or not at all', async () => {
    const errors = lenient();
    const halfway = function* (row: number): Generator<number> {
      yield row;
      if (row === 2) throw new Error('bad');
      yield -row;
    };
    expect(await yielded(flatMapRows(halfway), [1, 2, 3], errors)).toEqual([[1, -1, 3, -3]]);
  });
});
