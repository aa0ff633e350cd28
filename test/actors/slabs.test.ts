/** The pool of shared memory: sizes, reuse, generations, and what is kept of it. */
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { checkSlab, createSlabPool, partsOf, type Slab } from '../../actors/slabs.ts';
import { StoreError } from '../../machines/errors.ts';

const KB = 1024;
const MB = 1024 * KB;

function taken(slab: Slab | undefined): Slab {
  if (slab === undefined) throw new Error('there is no slab');
  return slab;
}

describe('a slab', () => {
  test('has room for what was asked for, and at most a quarter and a head more', () => {
    const pool = createSlabPool();
    fc.assert(
      fc.property(fc.integer({ min: 64 * KB, max: 32 * MB }), (bytes) => {
        const slab = taken(pool.take(bytes));
        expect(partsOf(slab)(bytes).byteLength).toBe(bytes);
        expect(slab.buffer.byteLength).toBeLessThanOrEqual(1.25 * bytes + 4 * KB);
        pool.give(slab);
      }),
      { numRuns: 50 },
    );
  });

  test('of exactly the bytes of a class is not one of the next', () => {
    const pool = createSlabPool();
    expect(taken(pool.take(8 * MB)).buffer.byteLength).toBe(8 * MB + 4 * KB);
    expect(taken(pool.take(8 * MB + 1000)).buffer.byteLength).toBe(8 * MB + 4 * KB);
    expect(taken(pool.take(8 * MB + 8 * KB)).buffer.byteLength).toBe(10 * MB + 4 * KB);
  });

  test('is not given for few bytes, nor for very many', () => {
    const pool = createSlabPool();
    expect(pool.take(64 * KB - 1)).toBeUndefined();
    expect(pool.take(64 * KB)).toBeDefined();
    expect(pool.take(32 * MB)).toBeDefined();
    expect(pool.take(32 * MB + 1)).toBeUndefined();
  });

  test('has parts that begin at multiples of 8, and none of its head', () => {
    const slab = taken(createSlabPool().take(100 * KB));
    const part = partsOf(slab);
    const parts = [3, 8, 0, 5].map(part);
    expect(parts.map(({ byteLength }) => byteLength)).toEqual([3, 8, 0, 5]);
    expect(parts.map(({ byteOffset }) => byteOffset % 8)).toEqual([0, 0, 0, 0]);
    for (const each of parts) each.fill(255);
    checkSlab(slab);
    expect([...(parts[1] ?? [])]).toEqual(new Array(8).fill(255));
  });

  test('does not exist where memory cannot be shared', () => {
    vi.stubGlobal('SharedArrayBuffer', undefined);
    try {
      expect(createSlabPool().take(MB)).toBeUndefined();
    } finally {
      vi.unstubAllGlobals();
    }
  });
});

describe('a slab that was given back', () => {
  test('is used again, for any bytes of its class', () => {
    const pool = createSlabPool();
    const first = taken(pool.take(110 * KB));
    pool.give(first);
    expect(taken(pool.take(105 * KB)).buffer).toBe(first.buffer);
    expect(taken(pool.take(105 * KB)).buffer).not.toBe(first.buffer);
  });

  test('is known to be by its generation, idle or used again', () => {
    const pool = createSlabPool();
    const first = taken(pool.take(MB));
    expect(() => {
      checkSlab(first);
    }).not.toThrow();
    pool.give(first);
    expect(() => {
      checkSlab(first);
    }).toThrow(StoreError);
    const second = taken(pool.take(MB));
    expect(second.buffer).toBe(first.buffer);
    expect(() => {
      checkSlab(first);
    }).toThrow('not in shared memory any more');
    expect(() => {
      checkSlab(second);
    }).not.toThrow();
  });

  test('cannot be given back again', () => {
    const pool = createSlabPool();
    const slab = taken(pool.take(MB));
    pool.give(slab);
    expect(() => {
      pool.give(slab);
    }).toThrow(StoreError);
    expect(pool.usage()).toMatchObject({ taken: 0, takenBytes: 0 });
  });
});

test('slabs that are idle are kept up to a limit, those given back last', () => {
  const size = MB + 4 * KB;
  const pool = createSlabPool(2 * size);
  const slabs = [1, 2, 3].map(() => taken(pool.take(MB)));
  expect(pool.usage()).toEqual({ taken: 3, takenBytes: 3 * size, idleBytes: 0 });
  slabs.forEach(pool.give);
  expect(pool.usage()).toEqual({ taken: 0, takenBytes: 0, idleBytes: 2 * size });
  const again = [1, 2, 3].map(() => taken(pool.take(MB)).buffer);
  expect(again.slice(0, 2)).toEqual([slabs[2]?.buffer, slabs[1]?.buffer]);
  expect(again[2]).not.toBe(slabs[0]?.buffer);
});
