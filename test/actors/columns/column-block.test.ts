import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { asColumns, isBlock, rowBlock } from '../../../actors/block.ts';
import {
  columnBlock,
  rowsToColumns,
  type ColumnBlock,
} from '../../../actors/columns/column-block.ts';
import type { ColumnType } from '../../../actors/columns/column-types.ts';
import { ColumnError } from '../../../machines/errors.ts';
import { typed } from '../support/typed-values.ts';

describe('rows made into columns', () => {
  test('come back as they were, whole and cut anywhere', () => {
    const cases = typed.chain(({ type, values }) =>
      fc.record({
        type: fc.constant(type),
        rows: fc.array(fc.record({ a: fc.option(values), b: fc.integer() }), { minLength: 1 }),
        from: fc.nat(20),
        count: fc.nat(20),
      }),
    );
    fc.assert(
      fc.property(cases, ({ type, rows, from, count }) => {
        const block = rowsToColumns<{ a: unknown; b: number }>(rows, { a: type });
        expect(block.rows).toEqual(rows);
        const slice = block.slice(from, from + count);
        expect(slice.rows).toEqual(rows.slice(from, from + count));
        expect(slice.slice(1, 3).rows).toEqual(rows.slice(from, from + count).slice(1, 3));
        expect(slice.column('a').toArray()).toEqual(slice.rows.map(({ a }) => a));
      }),
      { numRuns: 300 },
    );
  });

  test('have the types that follow from their values', () => {
    const row = { id: 1, big: 1n, ok: true, name: 'a', at: new Date(0), tags: [['x']], none: null };
    expect(rowsToColumns([row]).schema).toEqual([
      { name: 'id', type: 'float64' },
      { name: 'big', type: 'int64' },
      { name: 'ok', type: 'bool' },
      { name: 'name', type: 'utf8' },
      { name: 'at', type: 'timestamp' },
      { name: 'tags', type: 'list<list<utf8>>' },
      { name: 'none', type: 'null' },
    ]);
  });

  test('a field that a row does not have is null', () => {
    const block = rowsToColumns<{ a?: number; b?: string }>([{ a: 1 }, { b: 'x' }]);
    expect(block.rows).toEqual([
      { a: 1, b: null },
      { a: null, b: 'x' },
    ]);
    expect(block.column('a').nullCount).toBe(1);
    expect([0, 1].map((row) => block.column('a').isNull(row))).toEqual([false, true]);
  });

  test('that are no records have one column', () => {
    const block = rowsToColumns(['a', 'b']);
    expect(block.rows).toEqual(['a', 'b']);
    expect(block.schema).toEqual([{ name: 'value', type: 'utf8' }]);
    expectTypeOf(block.column('value').at(0)).toEqualTypeOf<string>();
  });

  test.each<[string, readonly unknown[], string]>([
    ['an object', [{ a: { b: 1 } }], 'columns do not hold an object'],
    ['a function', [{ a: () => 1 }], 'columns do not hold a function'],
    ['a map for a row', [new Map([['a', 1]])], 'columns do not hold an object'],
    ['two kinds', [{ a: 1 }, { a: 'x' }], 'all values of a column are of one type'],
    ['a list among numbers', [{ a: 1 }, { a: [1] }], 'this one is an array'],
    ['half a character', [{ a: 'ok' }, { a: '\ud83d' }], 'row 1: the string has half a surrogate'],
    ['an invalid date', [{ a: new Date(NaN) }], 'an invalid date does not fit'],
    ['a dangerous name', [JSON.parse('{"__proto__":1}')], 'no column can have this name'],
  ])('are refused with %s', (_name, rows, message) => {
    const make = (): unknown => rowsToColumns(rows);
    expect(make).toThrow(ColumnError);
    expect(make).toThrow(message);
  });

  test.each<[ColumnType, unknown]>([
    ['int8', 128],
    ['uint8', -1],
    ['int32', 1.5],
    ['int32', -0],
    ['float32', 0.1],
    ['int64', 2n ** 63n],
    ['uint64', -1n],
    ['bool', 1],
    ['utf8', 1],
    ['timestamp', 1],
    ['null', 1],
    [{ list: 'int8' }, [1, 300]],
    [{ list: 'int8' }, 1],
  ])('%j refuses what would not come back as it is: %s', (type, value) => {
    expect(() => rowsToColumns<{ a: unknown }>([{ a: value }], { a: type })).toThrow(ColumnError);
  });
});

describe('a block of columns', () => {
  test('can be made of columns of others, arrays of numbers, and values', () => {
    const orders = rowsToColumns([{ id: 1 }, { id: 2 }]);
    const block = columnBlock(
      { id: orders.column('id'), total: Float64Array.of(1.5, 2), currency: ['EUR', 'EUR'] },
      { currency: 'dictionary' },
    );
    expectTypeOf(block).toEqualTypeOf<
      ColumnBlock<{ id: number; total: number; currency: 'EUR' }>
    >();
    expect(block.rows).toEqual([
      { id: 1, total: 1.5, currency: 'EUR' },
      { id: 2, total: 2, currency: 'EUR' },
    ]);
    expect(block.column('currency').dictionary).toEqual(['EUR']);
    expect(block.column('currency').values).toEqual(Int32Array.of(0, 0));
  });

  test('shows its numbers as they lie in memory', () => {
    const total = Float64Array.of(1, 2, 3, 4);
    const block = columnBlock({ total });
    expect(block.column('total').values).toBe(total);
    expect(block.slice(1, 3).column('total').values.buffer).toBe(total.buffer);
  });

  test('wants columns of one length, and knows its columns', () => {
    expect(() => columnBlock({ a: [1], b: [1, 2] })).toThrow(
      'column "b": it has 2 rows, and the first column has 1',
    );
    const block: ColumnBlock<Record<string, number>> = columnBlock({ a: [1] });
    expect(() => block.column('c')).toThrow('column "c": there is no such column; there are: a');
  });

  test('makes its rows once, while somebody has them', () => {
    const block = rowsToColumns([{ id: 1 }]);
    expect(block.rows).toBe(block.rows);
    expect(isBlock(block)).toBe(true);
    expect(asColumns(block)).toBe(block);
  });

  test('a block of rows shows its fields as columns', () => {
    const block = rowBlock([{ id: 1 }, { id: 2 }]);
    expect(block.column('id').toArray()).toEqual([1, 2]);
    expect(rowBlock([1, 2]).column('value').toArray()).toEqual([1, 2]);
    expect([...asColumns(block).column('id').values]).toEqual([1, 2]);
  });
});

describe('the size of a block of columns', () => {
  test('is that of its arrays', () => {
    const rows = Array.from({ length: 80 }, (_, id) => ({ id, name: 'ab', even: id % 2 === 0 }));
    expect(rowsToColumns(rows).sizeBytes).toBe(80 * 8 + (81 * 4 + 160) + 10);
    const nulls = rows.map(({ id }) => ({ id: id === 3 ? null : id }));
    expect(rowsToColumns(nulls).sizeBytes).toBe(80 * 8 + 10);
  });

  test('is divided among slices, dictionaries included', () => {
    const rows = Array.from({ length: 1000 }, (_, id) => ({
      country: `country ${String(id % 50)}`,
    }));
    const block = rowsToColumns(rows, { country: 'dictionary' });
    const slices = [0, 250, 500, 750].map((from) => block.slice(from, from + 250));
    const sum = slices.reduce((bytes, slice) => bytes + slice.sizeBytes, 0);
    expect(Math.abs(sum - block.sizeBytes)).toBeLessThanOrEqual(4);
  });

  test('is never 0 for rows', () => {
    expect(rowsToColumns([{ a: null }, { a: null }]).sizeBytes).toBe(2);
    expect(rowsToColumns([]).sizeBytes).toBe(0);
  });
});
