import { expect, test } from 'vitest';
import { isBlock, rowBlock } from '../../actors/block.ts';

test('a block knows its rows, and about how many bytes they weigh', () => {
  const block = rowBlock([1, 2, 3]);
  expect(block).toMatchObject({ kind: 'rows', numRows: 3, sizeBytes: 24, rows: [1, 2, 3] });
});

test('a size that is known is not estimated', () => {
  expect(rowBlock(['split'], 0).sizeBytes).toBe(0);
});

test('a block of no rows weighs nothing', () => {
  expect(rowBlock([])).toMatchObject({ numRows: 0, sizeBytes: 0 });
});

test('a slice is a block of its own, with its own size', () => {
  const slice = rowBlock([1, 2, 3, 4]).slice(1, 3);
  expect(slice).toMatchObject({ rows: [2, 3], numRows: 2, sizeBytes: 16 });
  expect(isBlock(slice)).toBe(true);
});

test('the schema names the fields of the first row and their types', () => {
  const row = {
    id: 1,
    name: 'a',
    big: 1n,
    ok: true,
    none: null,
    missing: undefined,
    tags: ['x'],
    at: new Date(0),
    data: new Uint8Array(1),
    buffer: new ArrayBuffer(1),
    inner: { a: 1 },
  };
  expect(rowBlock([row]).schema).toEqual([
    { name: 'id', type: 'number' },
    { name: 'name', type: 'string' },
    { name: 'big', type: 'bigint' },
    { name: 'ok', type: 'boolean' },
    { name: 'none', type: 'null' },
    { name: 'missing', type: 'undefined' },
    { name: 'tags', type: 'list' },
    { name: 'at', type: 'timestamp' },
    { name: 'data', type: 'binary' },
    { name: 'buffer', type: 'binary' },
    { name: 'inner', type: 'object' },
  ]);
});

test.each([
  ['numbers', [1], 'number'],
  ['strings', ['a'], 'string'],
  ['nulls', [null], 'null'],
])('rows that are %s have one field called value', (_name, rows, type) => {
  expect(rowBlock<unknown>(rows).schema).toEqual([{ name: 'value', type }]);
});

test('rows that are dates or buffers are values too', () => {
  expect(rowBlock([new Date(0)]).schema).toEqual([{ name: 'value', type: 'timestamp' }]);
  expect(rowBlock([new Uint8Array(2)]).schema).toEqual([{ name: 'value', type: 'binary' }]);
});

test('only blocks of ours are blocks', () => {
  expect(isBlock(rowBlock([]))).toBe(true);
  for (const other of [[], null, undefined, { rows: [], numRows: 0, kind: 'rows' }]) {
    expect(isBlock(other)).toBe(false);
  }
});
