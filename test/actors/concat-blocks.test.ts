import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asColumns, rowBlock, type Block } from '../../actors/block.ts';
import { columnBlock, rowsToColumns } from '../../actors/columns/column-block.ts';
import { arraysOf } from '../../actors/columns/column-data.ts';
import type { ColumnType } from '../../actors/columns/column-types.ts';
import { concatBlocks as concatParts } from '../../actors/concat-blocks.ts';
import { createBlockSizer } from '../../actors/output-blocks.ts';
import { batchTransform } from '../../actors/transforms/batch.ts';
import { instanceOf } from './support/stateful.ts';
import { typed } from './support/typed-values.ts';

/** A type of column, and rows in several parts, each of which begins somewhere in a larger block. */
const cases = typed.chain(({ type, values }) =>
  fc.record({
    type: fc.constant(type),
    parts: fc.array(
      fc.record({
        rows: fc.array(fc.record({ a: fc.option(values), b: fc.integer() }), { maxLength: 20 }),
        before: fc.nat(9),
        nulls: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  }),
);

interface Row {
  readonly a: unknown;
  readonly b: number;
}
interface Part {
  readonly rows: readonly Row[];
  readonly before: number;
  readonly nulls: boolean;
}

/** A part as a slice of a block; now and then one whose type is known by nothing but nulls. */
function blockOf({ rows, before, nulls }: Part, type: ColumnType): Block<Row> {
  const shown = nulls ? rows.map(({ b }) => ({ a: null, b })) : rows;
  const others = shown.slice(0, before);
  const block = rowsToColumns<Row>([...others, ...shown], {
    a: nulls ? 'null' : type,
    b: 'float64',
  } as never);
  return block.slice(others.length, block.numRows);
}

function concatBlocks<T>(blocks: readonly Block<T>[]): Block<T> {
  return concatParts(blocks.map((block) => ({ block, from: 0, to: block.numRows })));
}

/** The bytes of all memory that a block holds on to. */
function bytesHeld(block: Block<unknown>): number {
  const { columns } = asColumns(block).toMessage();
  const buffers = new Set(
    columns.flatMap(([, data]) => arraysOf(data).map(({ buffer }) => buffer)),
  );
  return [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

describe('blocks of columns', () => {
  test('of every type become one of columns, with the same rows and no memory but its own', () => {
    fc.assert(
      fc.property(cases, ({ type, parts }) => {
        const blocks = parts.map((part) => blockOf(part, type));
        const whole = concatBlocks(blocks);
        expect(whole.kind).toBe('columns');
        expect(whole.rows).toEqual(blocks.flatMap(({ rows }) => rows));
        expect(whole.numRows).toBe(whole.rows.length);
        expect(whole.sizeBytes).toBe(Math.max(whole.numRows, bytesHeld(whole)));
        const known = parts.some(({ nulls }) => !nulls);
        expect(whole.column('a').type).toEqual(known ? type : 'null');
      }),
      { numRuns: 500 },
    );
  });

  test('go to another thread without a copy, and what they were made of stays', () => {
    const parts: Block<unknown>[] = [
      columnBlock({ x: [1, 2], s: ['a', 'b'] }),
      columnBlock({ x: [3], s: ['c'] }),
    ];
    const whole = concatBlocks(parts);
    const { transfer } = whole.toTransfer();
    structuredClone(0, { transfer });
    expect(transfer.length).toBeGreaterThan(0);
    expect(parts.map(({ rows }) => rows.length)).toEqual([2, 1]);
  });

  test('have one dictionary, of the strings that are used', () => {
    const colours = columnBlock({ c: ['red', 'green', 'blue', 'red'] }, { c: 'dictionary' });
    const others = columnBlock({ c: ['blue', 'pink', null, 'red'] }, { c: 'dictionary' });
    const whole = concatBlocks<{ c: string | null }>([
      colours.slice(2, 4),
      others,
      colours.slice(3, 4),
    ]);
    expect(whole.column('c').dictionary).toEqual(['blue', 'red', 'pink']);
    expect(whole.column('c').toArray()).toEqual([
      'blue',
      'red',
      'blue',
      'pink',
      null,
      'red',
      'red',
    ]);
  });

  test('of plain values stay plain', () => {
    const whole = concatBlocks([rowsToColumns([1, 2]), rowsToColumns([3])]);
    expect([whole.kind, whole.rows]).toEqual(['columns', [1, 2, 3]]);
  });

  test.each<[string, Block<unknown>, Block<unknown>]>([
    ['other names', columnBlock({ x: [1] }), columnBlock({ y: [1] })],
    ['more names', columnBlock({ x: [1] }), columnBlock({ x: [1], y: [1] })],
    ['another order', columnBlock({ x: [1], y: [1] }), columnBlock({ y: [1], x: [1] })],
    ['another type', columnBlock({ x: [1] }), columnBlock({ x: ['1'] })],
    ['a narrower type', columnBlock({ x: [1] }), columnBlock({ x: [1] }, { x: 'int32' })],
    ['lists of another type', columnBlock({ x: [[1]] }), columnBlock({ x: [['1']] })],
    ['lists', columnBlock({ x: [1] }), columnBlock({ x: [[1]] })],
    ['plain values', columnBlock({ value: [1] }), rowsToColumns([1])],
    ['rows', columnBlock({ x: [1] }), rowBlock([{ x: 1 }])],
  ])('become rows with one of %s', (_what, one, other) => {
    for (const blocks of [
      [one, other],
      [other, one],
    ]) {
      const whole = concatBlocks(blocks);
      expect(whole.kind).toBe('rows');
      expect(whole.rows).toEqual(blocks.flatMap(({ rows }) => rows));
    }
  });
});

test('parts of blocks are what is between their ends', () => {
  for (const block of [rowBlock([1, 2, 3, 4]), rowsToColumns([1, 2, 3, 4])]) {
    const parts = [
      { block, from: 1, to: 3 },
      { block, from: 0, to: 1 },
    ];
    expect([concatParts(parts).kind, concatParts(parts).rows]).toEqual([block.kind, [2, 3, 1]]);
  }
});

test('blocks of rows become one, in an array of its own', () => {
  const one = rowBlock([1, 2]);
  const whole = concatBlocks([one]);
  expect(whole.rows).toEqual([1, 2]);
  expect(whole.rows).not.toBe(one.rows);
  expect(concatBlocks([one, rowBlock([3])]).rows).toEqual([1, 2, 3]);
});

describe('columns stay columns, with the rows of the row path', () => {
  test('in batch, for every type', async () => {
    await fc.assert(
      fc.asyncProperty(cases, fc.integer({ min: 1, max: 12 }), async ({ type, parts }, rows) => {
        const byColumns = instanceOf(batchTransform({ rows }));
        const byRows = instanceOf(batchTransform({ rows }));
        for (const part of parts) {
          const block = blockOf(part, type);
          await byColumns.take([[block]]);
          await byRows.take([[block.rows]]);
        }
        await byColumns.take([[]], { flush: true });
        await byRows.take([[]], { flush: true });
        expect(byColumns.outputs).toEqual(byRows.outputs);
        expect(byColumns.emitted.every(({ kind }) => kind === 'columns')).toBe(true);
        expect(byRows.emitted.every(({ kind }) => kind === 'rows')).toBe(true);
        for (const block of byColumns.emitted) {
          expect(block.sizeBytes).toBe(Math.max(block.numRows, bytesHeld(block)));
        }
        expect(byColumns.held()).toBe(0);
      }),
    );
  });

  test('in outputs that are merged and split, for every type', () => {
    fc.assert(
      fc.property(cases, fc.integer({ min: 1, max: 12 }), ({ type, parts }, rows) => {
        const byColumns = createBlockSizer({ rows }, 1_000_000);
        const byRows = createBlockSizer({ rows }, 1_000_000);
        const blocks = parts.map((part) => blockOf(part, type));
        const merged = [...blocks.flatMap((block) => byColumns.add(block)), ...byColumns.flush()];
        const wanted = [...blocks.flatMap((block) => byRows.add(block.rows)), ...byRows.flush()];
        expect(merged.map((block) => block.rows)).toEqual(wanted.map((block) => block.rows));
        expect(merged.every(({ kind }) => kind === 'columns')).toBe(true);
      }),
    );
  });
});
