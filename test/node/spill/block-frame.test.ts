import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rowBlock, type Block } from '../../../actors/block.ts';
import { columnBlock, rowsToColumns } from '../../../actors/columns/column-block.ts';
import { StoreError } from '../../../machines/errors.ts';
import { decodeBlock, encodeBlock } from '../../../src/node/spill/block-frame.ts';

function fileOf(id: number, block: Block<unknown>): Uint8Array {
  const pieces = encodeBlock(id, block);
  if (pieces === undefined) throw new Error('it cannot be written');
  return new Uint8Array(Buffer.concat(pieces));
}

describe('rows', () => {
  test('of any data come back as they were', () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 5 }), (rows) => {
        const back = decodeBlock(3, fileOf(3, rowBlock(rows, 77)));
        expect(back.rows).toStrictEqual(rows);
        expect(back).toMatchObject({ kind: 'rows', numRows: rows.length, sizeBytes: 77 });
      }),
    );
  });

  test('with views keep their kind, and get buffers that hold nothing else', () => {
    const whole = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
    const rows = [
      { a: Buffer.from('text'), b: whole.subarray(2, 5), c: new DataView(whole.buffer, 1, 2) },
      { d: new Float64Array([1.5]), e: new BigInt64Array([7n]), f: whole.buffer },
    ];
    const [first, second] = decodeBlock(1, fileOf(1, rowBlock(rows))).rows as typeof rows;
    expect(Buffer.isBuffer(first?.a)).toBe(true);
    expect(String(first?.a)).toBe('text');
    expect(first?.b).toEqual(Uint8Array.of(3, 4, 5));
    expect(first?.b?.buffer.byteLength).toBe(3);
    expect(first?.c?.getUint8(1)).toBe(3);
    expect(second?.d).toEqual(Float64Array.of(1.5));
    expect(second?.d?.buffer.byteLength).toBe(8);
    expect(second?.f).toEqual(whole.buffer);
  });

  test('with more in them than a call has arguments come back as well', () => {
    const numbers = Array.from({ length: 200_000 }, (_, index) => index);
    const rows = [new Set(numbers), new Map(numbers.map((number) => [number, -number]))];
    const [set, map] = decodeBlock(1, fileOf(1, rowBlock<unknown>(rows))).rows;
    expect([(set as Set<number>).size, (map as Map<number, number>).get(199_999)]).toEqual([
      200_000, -199_999,
    ]);
  });

  test('that refer to one another still do', () => {
    const shared = { tag: 'x' };
    const row: { shared: object; self?: unknown } = { shared };
    row.self = row;
    const [one, other] = decodeBlock(1, fileOf(1, rowBlock([row, { shared }]))).rows as [
      typeof row,
      typeof row,
    ];
    expect(one.self).toBe(one);
    expect(one.shared).toBe(other.shared);
  });

  class Money {
    readonly cents = 5;
  }
  test.each<[string, unknown]>([
    ['an instance of a class', { price: new Money() }],
    ['a function', { call: () => 1 }],
    ['a symbol', { kind: Symbol('x') }],
    ['a field named by a symbol', { [Symbol('x')]: 1 }],
    ['an error', { error: new RangeError('x') }],
    ['an object without a prototype', Object.create(null)],
    ['a regular expression', { pattern: /x/g }],
    ['shared memory', { bytes: new Uint8Array(new SharedArrayBuffer(8)) }],
    ['a subclass of an array', Object.assign(new (class extends Array {})(), { 0: 1 })],
    ['an instance deep inside', { map: new Map([[{ k: [new Money()] }, 1]]) }],
  ])('with %s are refused: they would come back as something else', (_name, row) => {
    expect(encodeBlock(1, rowBlock([row]))).toBeUndefined();
  });
});

describe('columns', () => {
  const rows = Array.from({ length: 100 }, (_, id) => ({
    id,
    name: id % 3 === 0 ? null : `näme ${String(id)}`,
    country: `c${String(id % 5)}`,
    at: new Date(id),
    ok: id % 2 === 0,
    tags: id % 4 === 0 ? null : ['a', `b${String(id)}`],
    none: null,
  }));
  const types = { id: 'int16', country: 'dictionary' } as const;

  test('come back as they were, whole and cut', () => {
    const block = rowsToColumns(rows, types);
    for (const part of [block, block.slice(13, 50), block.slice(0, 0)]) {
      const back = decodeBlock(9, fileOf(9, part));
      expect(back.rows).toEqual(part.rows);
      expect(back.schema).toEqual(part.schema);
      expect(back.sizeBytes).toBe(part.sizeBytes);
    }
  });

  test('of a slice do not bring the whole with them', () => {
    const block = columnBlock({ x: new Float64Array(100_000) });
    expect(fileOf(1, block.slice(10, 20)).byteLength).toBeLessThan(1000);
  });

  test('can be handed over after they came back', () => {
    const back = decodeBlock(1, fileOf(1, rowsToColumns(rows, types)));
    const { message, transfer } = back.toTransfer();
    expect(structuredClone(message, { transfer })).toMatchObject({ kind: 'columns', numRows: 100 });
    expect(() => back.rows).toThrow(StoreError);
  });
});

test('whatever single bit of a file is changed, the file is refused', () => {
  const file = fileOf(
    7,
    rowsToColumns([
      { a: 1, b: 'text' },
      { a: 2, b: null },
    ]),
  );
  for (let bit = 0; bit < file.length * 8; bit++) {
    const damaged = file.slice();
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => decodeBlock(7, damaged)).toThrow(StoreError);
  }
});

test('a file that is cut anywhere is refused, and so is that of another block', () => {
  const file = fileOf(7, rowBlock([{ a: 'some text' }]));
  for (let length = 0; length < file.length; length++) {
    expect(() => decodeBlock(7, file.slice(0, length))).toThrow(StoreError);
  }
  expect(() => decodeBlock(8, file)).toThrow('it is that of block 7');
});
