import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowBlock, type Block } from '../../actors/block.ts';
import { createBlockSizer } from '../../actors/output-blocks.ts';
import type { OutputSizing } from '../../actors/transform.ts';

/** The rows of each block that comes of these yields. */
function sized(
  yields: readonly (readonly unknown[])[],
  sizing: OutputSizing,
  targetBytes = 1_000_000,
): readonly (readonly unknown[])[] {
  return blocksOf(yields, sizing, targetBytes).map(({ rows }) => rows);
}

function blocksOf(
  yields: readonly (readonly unknown[])[],
  sizing: OutputSizing,
  targetBytes: number,
): readonly Block<unknown>[] {
  const sizer = createBlockSizer(sizing, targetBytes);
  return [...yields.flatMap((rows) => sizer.add(rows)), ...sizer.flush()];
}

describe('as yielded', () => {
  test('a block is what was yielded, when it is small enough', () => {
    expect(sized([[1, 2], [3]], {})).toEqual([[1, 2], [3]]);
  });

  test('nothing is kept back', () => {
    expect(createBlockSizer({}, 100).flush()).toEqual([]);
  });

  test('what is larger than the target is split into parts within the target', () => {
    const rows = Array.from({ length: 10 }, (_, row) => row);
    expect(sized([rows], {}, 24)).toEqual([[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]);
  });

  test('a single row that is larger than the target passes alone', () => {
    const huge = 'x'.repeat(1000);
    expect(sized([[huge]], {}, 100)).toEqual([[huge]]);
    expect(sized([['a', huge, 'b']], {}, 100)).toEqual([['a'], [huge], ['b']]);
  });
});

describe('by rows', () => {
  test('what is yielded is merged and cut to the number of rows', () => {
    expect(sized([[1, 2], [3, 4, 5], [6], [7]], { rows: 3 })).toEqual([[1, 2, 3], [4, 5, 6], [7]]);
  });

  test('a yield of many blocks is cut at once', () => {
    const sizer = createBlockSizer({ rows: 2 }, 1000);
    expect(sizer.add([1, 2, 3, 4, 5]).map(({ rows }) => rows)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(sizer.flush().map(({ rows }) => rows)).toEqual([[5]]);
  });

  test('the target is kept even when fewer rows fit', () => {
    expect(sized([[1, 2, 3, 4]], { rows: 4 }, 16)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });

  test('empty yields vanish', () => {
    expect(sized([[], [1], [], [2], []], { rows: 2 })).toEqual([[1, 2]]);
    expect(sized([[]], { rows: 2 })).toEqual([]);
  });

  test('after a flush it begins anew', () => {
    const sizer = createBlockSizer({ rows: 2 }, 1000);
    sizer.add([1]);
    sizer.flush();
    expect(sizer.flush()).toEqual([]);
    expect(sizer.add([2, 3]).map(({ rows }) => rows)).toEqual([[2, 3]]);
  });
});

describe('by bytes', () => {
  test('what is yielded is merged until it weighs enough', () => {
    expect(sized([[1], [2], [3], [4], [5]], { bytes: 16 }, 16)).toEqual([[1, 2], [3, 4], [5]]);
  });

  test('the first limit that is reached counts', () => {
    expect(sized([[1], [2], [3], [4]], { rows: 3, bytes: 16 }, 100)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(sized([[1], [2], [3], [4]], { rows: 2, bytes: 1000 }, 1000)).toEqual([
      [1, 2],
      [3, 4],
    ]);
  });
});

const yields = fc.array(fc.array(fc.string({ maxLength: 40 }), { maxLength: 30 }), {
  maxLength: 20,
});
const sizing = fc.record(
  { rows: fc.integer({ min: 1, max: 20 }), bytes: fc.integer({ min: 1, max: 500 }) },
  { requiredKeys: [] },
);

test('whatever is yielded, the rows of the blocks are the rows of the yields', () => {
  fc.assert(
    fc.property(yields, sizing, fc.integer({ min: 1, max: 500 }), (given, how, target) => {
      expect(sized(given, how, target).flat()).toEqual(given.flat());
    }),
  );
});

test('whatever is yielded, no block exceeds the target, unless it is a single row', () => {
  fc.assert(
    fc.property(yields, sizing, fc.integer({ min: 1, max: 500 }), (given, how, target) => {
      for (const block of blocksOf(given, how, target)) {
        expect(block.numRows === 1 || block.sizeBytes <= target).toBe(true);
        expect(block.sizeBytes).toBe(rowBlock(block.rows).sizeBytes);
        expect(block.numRows).toBeLessThanOrEqual(how.rows ?? Infinity);
      }
    }),
  );
});

test('whatever is yielded, all blocks but the last have the rows that were asked for', () => {
  fc.assert(
    fc.property(yields, fc.integer({ min: 1, max: 20 }), (given, rows) => {
      const lengths = sized(given, { rows }).map(({ length }) => length);
      const last = lengths.pop();
      expect(lengths.every((length) => length === rows)).toBe(true);
      expect(last ?? 1).toBeGreaterThan(0);
    }),
  );
});
