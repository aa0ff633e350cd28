import { expect, test } from 'vitest';
import { freezeRows } from '../../actors/isolation.ts';

test('rows that others will see cannot be changed, at any depth', () => {
  const rows = [{ id: 1, tags: ['a'], inner: { count: 1 } }];
  freezeRows(rows);
  const [row] = rows;
  expect(() => rows.push(...rows)).toThrow(TypeError);
  expect(() => row?.tags.push('b')).toThrow(TypeError);
  expect(() => {
    if (row !== undefined) row.inner.count = 2;
  }).toThrow(TypeError);
});

test('objects that are more than data are left as they are', () => {
  class Counter {
    count = 0;
  }
  const counter = new Counter();
  const bytes = new Uint8Array(2);
  freezeRows([{ counter, bytes }]);
  counter.count += 1;
  bytes[0] = 7;
  expect([counter.count, bytes[0]]).toEqual([1, 7]);
});

test('what is inside of rows that were frozen before is frozen too', () => {
  const row = Object.freeze({ inner: { count: 1 } });
  freezeRows([row]);
  expect(Object.isFrozen(row.inner)).toBe(true);
});

test('rows that refer to themselves are no problem', () => {
  const row: { self?: unknown } = {};
  row.self = row;
  freezeRows([row]);
  expect(Object.isFrozen(row)).toBe(true);
});
