/** Blocks in slabs: what is taken from one is a copy, and nothing is read of one that was given back. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asColumns, blockFromMessage, rowBlock, type Block } from '../../../actors/block.ts';
import {
  columnBlock,
  rowsToColumns,
  type ColumnBlock,
} from '../../../actors/columns/column-block.ts';
import { arraysOf, type ColumnData } from '../../../actors/columns/column-data.ts';
import { ownBlock, SlabBlock, toSlab } from '../../../actors/columns/slab-block.ts';
import { concatBlocks } from '../../../actors/concat-blocks.ts';
import { fingerprint } from '../../../actors/fingerprint.ts';
import { createSlabPool } from '../../../actors/slabs.ts';
import { outputBlock } from '../../../src/output-block.ts';
import { StoreError } from '../../../machines/errors.ts';
import { blockRef } from '../../machines/support/blocks.ts';

const ROWS = 10_000;
const words = ['grün', 'red', '', 'blue 💧'];

function allTypes(rows: number): ColumnBlock<Record<string, unknown>> {
  const all = Array.from({ length: rows }, (_, row) => ({
    number: row / 2,
    small: row % 2 === 0 ? row % 100 : null,
    big: BigInt(row) - 5n,
    flag: row % 7 === 0 ? null : row % 3 === 0,
    text: row % 5 === 0 ? null : `${words[row % 4] ?? ''} ${String(row)}`,
    colour: words[row % 4] ?? null,
    at: new Date(row * 1000),
    list: row % 11 === 0 ? null : [row, null, row + 1].slice(0, row % 4),
    texts: [[`a${String(row)}`], []],
    nothing: null,
  }));
  return rowsToColumns<Record<string, unknown>>(all, {
    small: 'int8',
    colour: 'dictionary',
    list: { list: 'int32' },
  });
}

function inSlab<T>(block: ColumnBlock<T>, pool = createSlabPool()) {
  const there = toSlab(block, pool);
  if (there === undefined) throw new Error('it is not in a slab');
  return { there, pool };
}

/** What a consumer gets of a block that nobody else has. */
function output<T>(block: Block<unknown>): Block<T> {
  return outputBlock({ get: () => block, isShared: () => false }, blockRef(0));
}

type NamedColumn = readonly [string, ColumnData];

const isShared = (data: ColumnData): boolean =>
  arraysOf(data).some(({ buffer }) => buffer instanceof SharedArrayBuffer);

/** The columns as they lie in memory: of the block itself, not of what it gives to others. */
function columnsOf(block: { toMessage(): { columns: readonly NamedColumn[] } }) {
  return block.toMessage().columns.map(([, data]) => data);
}

describe('a block in a slab', () => {
  test('has the rows, columns, sizes and schema that it had', () => {
    const block = allTypes(ROWS);
    const { there } = inSlab(block);
    expect(there.rows).toEqual(block.rows);
    expect([there.numRows, there.sizeBytes]).toEqual([block.numRows, block.sizeBytes]);
    expect(there.schema).toEqual(block.schema);
    for (const { name } of block.schema) {
      expect(there.column(name).toArray()).toEqual(block.column(name).toArray());
      expect(there.column(name).nullCount).toBe(block.column(name).nullCount);
    }
  });

  test('lies there with all its arrays', () => {
    const { there } = inSlab(allTypes(ROWS));
    const arrays = columnsOf(there).flatMap(arraysOf);
    expect(arrays.length).toBeGreaterThan(10);
    expect(arrays.every(({ buffer }) => buffer === there.slab.buffer)).toBe(true);
  });

  test('is the same after a message', () => {
    const block = allTypes(ROWS);
    const { there, pool } = inSlab(block);
    const arrived = blockFromMessage(structuredClone(there.toMessage()));
    expect(arrived).toBeInstanceOf(SlabBlock);
    expect(arrived.rows).toEqual(block.rows);
    pool.give(there.slab);
    expect(() => arrived.column('number' as never)).toThrow(StoreError);
  });

  test('of one plain column is that', () => {
    const rows = Array.from({ length: ROWS }, (_, row) => row);
    expect(inSlab(rowsToColumns(rows)).there.rows).toEqual(rows);
  });

  test('that is a part of a larger one is only that part, wherever it begins and ends', () => {
    const all = allTypes(ROWS);
    const cut = fc.integer({ min: 0, max: 16 });
    fc.assert(
      fc.property(cut, cut, (before, behind) => {
        const part = all.slice(before, ROWS - behind);
        const { there } = inSlab(part);
        expect(there.rows).toEqual(part.rows);
        // What is lost on disk is compared with what is made again, which is in no slab.
        expect(fingerprint(there)).toBe(fingerprint(part));
      }),
      { numRuns: 10, examples: [[3, 2]] },
    );
  });

  test('shows nobody a view of the slab', () => {
    const { there } = inSlab(allTypes(ROWS));
    const copies = {
      slice: there.slice(1, ROWS),
      columns: asColumns(there),
      own: asColumns(ownBlock(there)),
      joined: asColumns(concatBlocks([{ block: there, from: 0, to: 9 }])),
    };
    for (const [name, copy] of Object.entries(copies)) {
      expect(copy, name).not.toBeInstanceOf(SlabBlock);
      expect(columnsOf(copy).some(isShared), name).toBe(false);
    }
    for (const { name } of there.schema) expect(isShared(there.column(name).data)).toBe(false);
    expect(there.toTransfer().transfer.length).toBeGreaterThan(10);
    // It was a copy that was handed over.
    expect(there.rows).toHaveLength(ROWS);
  });

  test('gives copies that own what they are made of, and can be kept', () => {
    const x = Float64Array.from({ length: ROWS }, (_, row) => row);
    const { there, pool } = inSlab(columnBlock({ x }));
    const copy = asColumns(there);
    const given = output<{ x: number }>(there);
    const { values } = there.column('x');
    pool.give(there.slab);
    inSlab(columnBlock({ x: new Float64Array(ROWS).fill(-1) }), pool);
    expect(copy.column('x').values).toEqual(x);
    expect(given.column('x').values).toEqual(x);
    expect(values).toEqual(x);
    const [, data] = copy.toMessage().columns[0] ?? [];
    expect(copy.toTransfer().transfer).toEqual([data?.values?.buffer]);
  });
});

describe('a block whose slab was given back', () => {
  const uses: readonly (readonly [string, (block: SlabBlock<{ x: number }>) => unknown])[] = [
    ['rows', (block) => block.rows],
    ['a column', (block) => block.column('x')],
    ['a slice', (block) => block.slice(0, 1)],
    ['a message', (block) => block.toMessage()],
    ['a transfer', (block) => block.toTransfer()],
    ['columns', (block) => asColumns(block)],
    ['an output', (block) => output(block)],
    ['a fingerprint', (block) => fingerprint(block)],
  ];

  test.each(uses)('has no %s', (_name, use) => {
    const { there, pool } = inSlab(columnBlock({ x: new Float64Array(ROWS) }));
    expect(use(there)).toBeDefined();
    pool.give(there.slab);
    const other = columnBlock({ x: new Float64Array(ROWS).fill(1) });
    expect(inSlab(other, pool).there.slab.buffer).toBe(there.slab.buffer);
    expect(() => use(there)).toThrow(StoreError);
  });

  test('has no rows either when that happens while they are made', () => {
    const { there, pool } = inSlab(columnBlock({ x: new Float64Array(ROWS) }));
    const message = there.toMessage();
    const [[name, data] = []] = message.columns;
    if (name === undefined || data === undefined) throw new Error('there is a column');
    let isRead = false;
    const column = {
      ...data,
      get values() {
        if (isRead) pool.give(there.slab);
        isRead = false;
        return data.values;
      },
    };
    const late = new SlabBlock({ ...message, columns: [[name, column]] });
    isRead = true;
    expect(() => late.rows).toThrow(StoreError);
    expect(isRead).toBe(false);
  });
});

describe('no slab is taken', () => {
  test('for rows, for a small block, or for a slice that has a large dictionary in common', () => {
    const pool = createSlabPool();
    expect(toSlab(rowBlock(['x'.repeat(100_000)]), pool)).toBeUndefined();
    expect(toSlab(columnBlock({ x: new Float64Array(1000) }), pool)).toBeUndefined();
    const names = Array.from({ length: 40_000 }, (_, row) => `name ${String(row)}`);
    const whole = rowsToColumns(
      names.map((name) => ({ name })),
      { name: 'dictionary' },
    );
    expect(toSlab(whole, pool)).toBeDefined();
    const part = whole.slice(0, 20_000);
    expect(part.sizeBytes).toBeGreaterThan(64 * 1024);
    expect(toSlab(part, pool)).toBeUndefined();
    expect(pool.usage().taken).toBe(1);
  });
});
