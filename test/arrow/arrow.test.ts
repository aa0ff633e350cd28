import { readFileSync } from 'node:fs';
import {
  type Table,
  tableFromArrays,
  tableFromIPC,
  tableToIPC,
  timestamp,
  TimeUnit,
  columnFromArray,
  tableFromColumns,
  largeUtf8,
} from '@uwdata/flechette';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { columnBlock, ColumnError, FormatError, pipeline, rowsToColumns } from '../../src/index.ts';
import { arrowSink, fromArrow, readArrow, toArrow } from '../../src/arrow/index.ts';

const rows = Array.from({ length: 100 }, (_, id) => ({
  id,
  big: id % 7 === 0 ? null : BigInt(id) * 10n ** 12n,
  name: id % 5 === 0 ? null : `näme ${String(id)}`,
  country: ['DE', 'FR', null][id % 3] ?? null,
  at: new Date(id * 86_400_001),
  ok: id % 2 === 0,
  tags: id % 4 === 0 ? null : Array.from({ length: id % 4 }, (_, index) => `tag ${String(index)}`),
}));
const types = { id: 'int32', country: 'dictionary' } as const;

function valuesOf(table: Table, name: string): unknown[] {
  return Array.from(table.getChild(name) as Iterable<unknown>);
}

describe('a block and Arrow', () => {
  test('are the same rows, to Arrow and back, whole and cut', () => {
    const block = rowsToColumns(rows, types);
    for (const part of [block, block.slice(13, 77), block.slice(0, 0)]) {
      const bytes = tableToIPC(toArrow(part), { format: 'file' });
      const [back] = fromArrow(bytes ?? new Uint8Array());
      expect(back?.rows ?? []).toEqual(part.rows);
      expect(back?.schema ?? part.schema).toEqual(part.schema);
    }
  });

  test('flechette sees the values that were put in', () => {
    const table = toArrow(rowsToColumns(rows, types));
    expect(valuesOf(table, 'name')).toEqual(rows.map(({ name }) => name));
    expect(valuesOf(table, 'country')).toEqual(rows.map(({ country }) => country));
    expect(valuesOf(table, 'tags')[3]).toEqual(rows[3]?.tags);
    expect(valuesOf(table, 'at')[3]).toBe(rows[3]?.at.getTime());
  });

  test('have numbers in common, without a copy', () => {
    const bytes =
      tableToIPC(tableFromArrays({ x: Float64Array.of(1, 2, 3) }), { format: 'stream' }) ??
      new Uint8Array();
    const [block] = fromArrow<{ x: number }>(bytes);
    expect(block?.column('x').values.buffer).toBe(bytes.buffer);
  });

  test('what has another layout goes by its values', () => {
    const table = tableFromColumns([
      ['seconds', columnFromArray([new Date(5000), null], timestamp(TimeUnit.SECOND))],
      ['micro', columnFromArray([5, 6], timestamp(TimeUnit.MICROSECOND))],
      ['large', columnFromArray(['a', null], largeUtf8())],
    ]);
    const [block] = fromArrow<{ seconds: unknown; micro: bigint; large: string | null }>(table);
    expect(block?.column('large').toArray()).toEqual(['a', null]);
    expect(block?.column('micro').toArray()).toEqual([5000n, 6000n]);
    expect(block?.column('seconds').toArray()).toEqual([5000, null]);
  });

  test('a struct is refused by name', () => {
    const table = tableFromArrays({ place: [{ x: 1 }, { x: 2 }] });
    expect(() => fromArrow(table)).toThrow(ColumnError);
    expect(() => fromArrow(table)).toThrow('column "place", row 0: columns do not hold an object');
  });

  test('bytes that are no Arrow are refused', () => {
    expect(() => fromArrow(new Uint8Array(100).fill(65))).toThrow(FormatError);
  });
});

describe('a file of Arrow', () => {
  const path = new URL('../../node_modules/vega-datasets/data/flights-200k.arrow', import.meta.url);
  interface Flight {
    delay: number;
    distance: number;
  }

  test('is read in blocks of columns', async () => {
    const run = pipeline('flights')
      .fromSource(readArrow<Flight>(() => readFileSync(path)))
      .mapBlocks(
        (block) => {
          let distance = 0;
          for (const miles of block.column('distance').values) distance += miles;
          return [{ rows: block.numRows, distance }];
        },
        { format: 'columns' },
      )
      .start();
    const parts = await run.collect();
    expectTypeOf(parts).toEqualTypeOf<{ rows: number; distance: number }[]>();
    const table = tableFromIPC(readFileSync(path));
    const distances = valuesOf(table, 'distance') as number[];
    expect(parts.reduce((sum, part) => sum + part.rows, 0)).toBe(table.numRows);
    expect(parts.reduce((sum, part) => sum + part.distance, 0)).toBe(
      distances.reduce((sum, miles) => sum + miles, 0),
    );
  });
});

describe('a stream of Arrow that a pipeline writes', () => {
  async function written(
    run: (write: (bytes: Uint8Array) => void) => Promise<unknown>,
  ): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    await run((bytes) => void pieces.push(bytes.slice()));
    return Buffer.concat(pieces);
  }

  test('has a record batch for each block, and all rows', async () => {
    const bytes = await written(
      (write) =>
        pipeline('write')
          .fromBlocks([
            rowsToColumns(rows.slice(0, 40), types),
            rows.slice(40, 60),
            rowsToColumns(rows.slice(60), types),
          ])
          .to(arrowSink(write, types))
          .start().done,
    );
    const blocks = fromArrow(bytes);
    expect(blocks.map(({ numRows }) => numRows)).toEqual([40, 20, 40]);
    expect(blocks.flatMap((block) => block.rows)).toEqual(rows);
    expect(valuesOf(tableFromIPC(bytes), 'name')).toEqual(rows.map(({ name }) => name));
  });

  test('of no rows can be read', async () => {
    const bytes = await written(
      (write) => pipeline('none').from([]).to(arrowSink(write)).start().done,
    );
    expect(fromArrow(bytes)).toEqual([]);
  });

  test('refuses blocks whose columns are others', async () => {
    const flow = pipeline('differ').fromBlocks<{ x: unknown }>([
      columnBlock({ x: [1] }),
      columnBlock({ x: ['a'] }),
    ]);
    await expect(flow.to(arrowSink(() => undefined)).start().done).rejects.toThrow(
      'The first one has: x float64; this one: x utf8. Give arrowSink the types',
    );
  });
});
