import { expect, test } from 'vitest';
import { bytesOf, childLineage, mixedLineage, rowsOf } from '../../machines/block.ts';
import { blockRef } from './support/blocks.ts';

test('a lineage names the input and the position of the output', () => {
  expect(childLineage('0.3', 1)).toBe('0.3.1');
  expect(childLineage(childLineage('0', 2), 0)).toBe('0.2.0');
});

test('a mixed lineage cannot be taken for the lineage of an input', () => {
  expect(mixedLineage(2, 7)).toBe('@2.7');
  expect(mixedLineage(0, 1)).not.toBe(childLineage('0', 1));
});

test('bytes and rows of blocks add up', () => {
  const refs = [
    blockRef(1, { numRows: 3, sizeBytes: 24 }),
    blockRef(2, { numRows: 1, sizeBytes: 8 }),
  ];
  expect(bytesOf(refs)).toBe(32);
  expect(rowsOf(refs)).toBe(4);
});

test('no blocks have no bytes and no rows', () => {
  expect(bytesOf([])).toBe(0);
  expect(rowsOf([])).toBe(0);
});
