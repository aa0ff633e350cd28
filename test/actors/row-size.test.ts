import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { estimateBytes } from '../../actors/row-size.ts';

describe('single rows', () => {
  test.each([
    ['a number', 1, 8],
    ['a boolean', true, 8],
    ['undefined', undefined, 8],
    ['null', null, 8],
    ['a bigint', 1n, 16],
    ['a string, by its length', 'abcde', 13],
    ['an empty object', {}, 24],
    ['an object, by its fields', { id: 1, name: 'ab' }, 24 + 8 + 8 + 8 + 10],
    ['an array, by its items', [1, 'ab'], 24 + 16 + 8 + 10],
    ['a typed array, by its bytes', new Float64Array(10), 24 + 80],
    ['a view, by the part it shows', new Uint8Array(new ArrayBuffer(1000), 10, 5), 29],
    ['a buffer', new ArrayBuffer(100), 124],
    ['a date', new Date(0), 24],
    ['a set', new Set(['ab', 'c']), 24 + 10 + 9],
  ])('%s', (_name, row, bytes) => {
    expect(estimateBytes([row])).toBe(bytes);
  });

  test('the keys of a map are counted like its values', () => {
    const key = 'k'.repeat(10_000);
    expect(estimateBytes([new Map([[key, 1]])])).toBeGreaterThan(10_000);
  });

  test('no rows weigh nothing, and every row weighs something', () => {
    expect(estimateBytes([])).toBe(0);
    expect(estimateBytes([undefined, '', {}, []])).toBeGreaterThanOrEqual(4);
  });

  test('what is nested too deep counts little, but the estimate ends', () => {
    interface Nested {
      inner?: Nested;
    }
    const row: Nested = {};
    row.inner = row;
    expect(estimateBytes([row])).toBeLessThan(1000);
  });

  test('a row that refers to itself many times is measured with little work', () => {
    let reads = 0;
    const row: object = Object.defineProperties(
      {},
      Object.fromEntries(
        ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [
          name,
          {
            enumerable: true,
            get: () => {
              reads += 1;
              return row;
            },
          },
        ]),
      ),
    );
    estimateBytes([row]);
    expect(reads).toBeLessThan(10_000);
  });
});

/** Rows as programs have them: records of values, lists and records. */
const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  leaf: fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.constant(null), fc.bigInt()),
  list: fc.array(tie('value'), { maxLength: 5 }),
  record: fc.dictionary(fc.string({ maxLength: 3 }), tie('value'), { maxKeys: 5 }),
  value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, tie('leaf'), tie('list'), tie('record')),
})).value;

/** The exact sum of what the header of the module says that things count. */
function exactBytes(row: unknown): number {
  if (typeof row === 'string') return 8 + row.length;
  if (typeof row === 'bigint') return 16;
  if (typeof row !== 'object' || row === null) return 8;
  const parts = Object.values(row).reduce<number>((sum, part) => sum + exactBytes(part), 0);
  return 24 + 8 * Object.keys(row).length + parts;
}

describe('generated rows', () => {
  test('few rows are summed up exactly', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 32 }), (rows) => {
        expect(estimateBytes(rows)).toBe(
          rows.reduce<number>((sum, row) => sum + exactBytes(row), 0),
        );
      }),
    );
  });

  test('many rows are estimated between the smallest and the largest of them', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 20 }), fc.nat(2000), (kinds, more) => {
        const count = 33 + more;
        const rows = Array.from({ length: count }, (_, index) => kinds[index % kinds.length]);
        const sizes = kinds.map(exactBytes);
        const estimate = estimateBytes(rows);
        expect(estimate).toBeGreaterThanOrEqual(count * Math.min(...sizes));
        expect(estimate).toBeLessThanOrEqual(count * Math.max(...sizes) + 1);
      }),
    );
  });

  test('many rows of one kind, with lists of any length, are estimated almost exactly', () => {
    fc.assert(
      fc.property(value, fc.nat(200), fc.integer({ min: 1, max: 500 }), (item, length, count) => {
        const row = { list: Array.from({ length }, () => item), item };
        const exact = count * exactBytes(row);
        const rows = Array.from({ length: count }, () => row);
        expect(Math.abs(estimateBytes(rows) - exact)).toBeLessThanOrEqual(count);
      }),
    );
  });

  test('rows that grow evenly are estimated within a tenth', () => {
    const rows = Array.from({ length: 1000 }, (_, index) => 'x'.repeat(index));
    const exact = rows.reduce((sum, row) => sum + exactBytes(row), 0);
    expect(Math.abs(estimateBytes(rows) - exact) / exact).toBeLessThan(0.1);
  });

  test('the work for a large block does not grow with the block', () => {
    const readsOf = (count: number): number => {
      let reads = 0;
      const row = {
        get field() {
          reads += 1;
          return 1;
        },
      };
      estimateBytes(Array.from({ length: count }, () => row));
      return reads;
    };
    expect(readsOf(100_000)).toBe(readsOf(100));
  });
});
