/** Blocks that cross to another thread, here over a real message channel. */
import { serialize } from 'node:v8';
import { receiveMessageOnPort, MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { blockFromMessage, rowBlock, type Block, type BlockMessage } from '../../actors/block.ts';
import { columnBlock, rowsToColumns } from '../../actors/columns/column-block.ts';
import { ColumnError, StoreError } from '../../machines/errors.ts';

/** What arrives at the other end. */
function cross<T>(block: Block<T>): Block<T> {
  const { port1, port2 } = new MessageChannel();
  const { message, transfer } = block.toTransfer();
  port1.postMessage(message, transfer);
  const received = receiveMessageOnPort(port2) as { message: BlockMessage };
  port1.close();
  return blockFromMessage(received.message) as Block<T>;
}

const orders = [
  { id: 1, name: 'é', at: new Date(5), tags: ['a', 'b'], country: 'DE', ok: true, big: 1n },
  { id: 2, name: '', at: new Date(-5), tags: [], country: 'DE', ok: false, big: -1n },
  { id: -0, name: 'x', at: null, tags: null, country: null, ok: null, big: null },
];

test('rows arrive as equal rows, and stay', () => {
  const block = rowBlock(orders);
  const arrived = cross(block);
  expect(arrived.rows).toEqual(orders);
  expect(arrived.sizeBytes).toBe(block.sizeBytes);
  expect(block.rows).toBe(orders);
});

test('rows are sent one after the other, however their array was made', () => {
  const pushed = rowBlock<number>([7, 7, 7, 7]);
  // V8 takes it for an array with holes, as it does those that `map` or `slice` have made.
  const filled = rowBlock(Array<number>(4).fill(7));
  const bytes = (block: Block<number>): number => serialize(block.toTransfer().message).byteLength;
  expect(bytes(filled)).toBe(bytes(pushed));
  expect(cross(filled).rows).toEqual(pushed.rows);
});

test('columns arrive as equal rows', () => {
  const block = rowsToColumns(orders, { country: 'dictionary' });
  const { schema, sizeBytes } = block;
  const arrived = cross(block);
  expect(arrived).toMatchObject({ kind: 'columns', numRows: 3, sizeBytes, schema });
  expect(arrived.rows).toEqual(orders);
});

test('the memory of columns is moved, and the block is gone here', () => {
  const numbers = Float64Array.of(1, 2, 3);
  const block = columnBlock({ x: numbers });
  expect(cross(block).column('x').toArray()).toEqual([1, 2, 3]);
  expect(numbers.byteLength).toBe(0);
  expect(() => block.rows).toThrow(StoreError);
  expect(() => block.column('x')).toThrow('handed over to another thread');
  expect(() => block.toTransfer()).toThrow(StoreError);
});

test('a column that was read before says that it is gone, and none is made of its array', () => {
  const numbers = Float64Array.of(1, 2);
  const block = columnBlock({ x: numbers, name: ['', 'b'] });
  const [x, name] = [block.column('x'), block.column('name')];
  expect(name.at(0)).toBe('');
  cross(block);
  for (const look of [() => x.values, () => x.at(0), () => x.toArray(), () => name.at(0)]) {
    expect(look).toThrow(StoreError);
  }
  expect(() => columnBlock({ again: numbers })).toThrow(ColumnError);
  expect(() => columnBlock({ again: numbers })).toThrow('"again"');
  expect(columnBlock({ none: new Float64Array(0) }).numRows).toBe(0);
});

test('a slice is copied, and what it was cut from stays', () => {
  const block = rowsToColumns(orders, { country: 'dictionary' });
  const arrived = cross(block.slice(1, 3));
  expect(arrived.rows).toEqual(orders.slice(1));
  expect(block.rows).toEqual(orders);
  cross(block);
  expect(arrived.rows).toEqual(orders.slice(1));
});

test('a column that two blocks have is copied', () => {
  const first = columnBlock({ x: [1, 2] });
  const second = columnBlock({ x: first.column('x'), y: ['a', 'b'] });
  expect(cross(second).rows).toEqual([
    { x: 1, y: 'a' },
    { x: 2, y: 'b' },
  ]);
  expect(first.rows).toEqual([{ x: 1 }, { x: 2 }]);
});

test('a part of a larger buffer is copied: the rest is somebody else’s', () => {
  const whole = Float64Array.of(1, 2, 3, 4);
  expect(cross(columnBlock({ x: whole.subarray(1, 3) })).rows).toEqual([{ x: 2 }, { x: 3 }]);
  expect([...whole]).toEqual([1, 2, 3, 4]);
});

test('shared memory is copied: who has it keeps it', () => {
  const shared = new Float64Array(new SharedArrayBuffer(16));
  shared.set([1, 2]);
  const arrived = cross(columnBlock({ x: shared }));
  shared.set([7, 7]);
  expect(arrived.rows).toEqual([{ x: 1 }, { x: 2 }]);
});
