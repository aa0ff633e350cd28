/** Whose a buffer is: a block moves what is its own to another thread, and copies everything else. */
import { describe, expect, test } from 'vitest';
import type { BlockTransfer } from '../../../actors/block.ts';
import {
  blockOfColumns,
  columnBlock,
  ColumnBlock,
  rowsToColumns,
} from '../../../actors/columns/column-block.ts';

/** What arrives in the other thread: what was moved is gone from here. */
function arrive({ message, transfer }: BlockTransfer): ColumnBlock<unknown> {
  const copy = structuredClone(message, { transfer: transfer as never[] });
  if (copy.kind !== 'columns') throw new Error('a block of columns is sent as one');
  return new ColumnBlock(copy);
}

const isMoved = (array: Float64Array): boolean => array.buffer.byteLength === 0;

describe('a buffer', () => {
  test('that belongs to one block moves with it', () => {
    const total = Float64Array.of(1, 2);
    const arrived = arrive(columnBlock({ total }).toTransfer());
    expect(arrived.rows).toEqual([{ total: 1 }, { total: 2 }]);
    expect(isMoved(total)).toBe(true);
  });

  test('that has arrived belongs to the block there: it can move on', () => {
    const arrived = arrive(columnBlock({ total: Float64Array.of(1, 2) }).toTransfer());
    const [, data] = arrived.toMessage().columns[0] ?? [];
    const again = arrive(arrived.toTransfer());
    expect(again.rows).toEqual([{ total: 1 }, { total: 2 }]);
    expect(data?.values?.byteLength).toBe(0);
  });

  test.each([
    ['slices', (block: ColumnBlock<{ total: number }>) => block.slice(0, 1)],
    [
      'blocks',
      (block: ColumnBlock<{ total: number }>) => columnBlock({ again: block.column('total') }),
    ],
  ])('that several %s have in common stays with them', (_name, share) => {
    const total = Float64Array.of(1, 2);
    const block = columnBlock({ total });
    const other = share(block);
    const rows = [...other.rows];
    expect(arrive(block.toTransfer()).rows).toEqual([{ total: 1 }, { total: 2 }]);
    expect(isMoved(total)).toBe(false);
    expect(arrive(other.toTransfer()).rows).toEqual(rows);
    expect(isMoved(total)).toBe(false);
  });

  test('that is a part of a larger one stays with the rest', () => {
    const all = Float64Array.of(1, 2, 3);
    expect(arrive(columnBlock({ a: all.subarray(0, 2) }).toTransfer()).rows).toHaveLength(2);
    // Even when another block takes all of it later.
    expect(arrive(columnBlock({ a: all }).toTransfer()).rows).toHaveLength(3);
    expect(isMoved(all)).toBe(false);
  });

  test('that two columns of one block have in common moves once', () => {
    const total = Float64Array.of(1, 2);
    const block = columnBlock({ a: total, b: total });
    const sent = block.toTransfer();
    expect(sent.transfer).toEqual([total.buffer]);
    expect(arrive(sent).rows).toEqual([
      { a: 1, b: 1 },
      { a: 2, b: 2 },
    ]);
  });

  test('says nothing of its owner to those who look at it', () => {
    const total = Float64Array.of(1, 2);
    columnBlock({ total });
    expect(Object.keys(total.buffer)).toEqual([]);
    expect(JSON.stringify(total.buffer)).toBe('{}');
  });
});

describe('a buffer that is frozen', () => {
  function frozen(): Float64Array {
    const total = Float64Array.of(1, 2);
    Object.freeze(total.buffer);
    return total;
  }

  test('is copied, not moved, and nothing throws', () => {
    const total = frozen();
    const sent = columnBlock({ total }).toTransfer();
    expect(sent.transfer).not.toContain(total.buffer);
    expect(arrive(sent).rows).toEqual([{ total: 1 }, { total: 2 }]);
    expect([...total]).toEqual([1, 2]);
  });

  test('stays with all blocks that have it', () => {
    const total = frozen();
    const block = columnBlock({ total });
    const blocks = [block, block.slice(0, 2), columnBlock({ total: total.subarray(0, 2) })];
    for (const one of blocks) {
      expect(arrive(one.toTransfer()).rows).toEqual([{ total: 1 }, { total: 2 }]);
    }
    expect([...total]).toEqual([1, 2]);
  });

  test('can be read, cut and named like any other', () => {
    const total = frozen();
    const block = columnBlock({ total, name: ['a', 'b'] });
    expect(block.slice(1, 2).rows).toEqual([{ total: 2, name: 'b' }]);
    expect(block.column('total').values).toBe(total);
    const { columns } = block.toMessage();
    expect(blockOfColumns(columns, 2).rows).toEqual(block.rows);
  });

  test('does not keep the buffers beside it from moving', () => {
    const other = Float64Array.of(3, 4);
    const sent = columnBlock({ total: frozen(), other }).toTransfer();
    expect(arrive(sent).rows).toEqual([
      { total: 1, other: 3 },
      { total: 2, other: 4 },
    ]);
    expect(isMoved(other)).toBe(true);
  });
});

test('memory that threads share is neither moved nor in need of it', () => {
  const total = new Float64Array(new SharedArrayBuffer(16));
  total.set([1, 2]);
  const block = columnBlock({ total });
  expect(arrive(block.toTransfer()).rows).toEqual([{ total: 1 }, { total: 2 }]);
  expect([...total]).toEqual([1, 2]);
});

test('a block that was handed over cannot be used here any more', () => {
  const block = rowsToColumns([{ a: 1 }]);
  arrive(block.toTransfer());
  expect(() => block.rows).toThrow('handed over to another thread');
});
