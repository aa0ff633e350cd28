/** What people type where a number of the run can be changed. */
import { expect, test } from 'vitest';
import { readAmount, readBytes, readCount } from '../../src/inspect/page/view/amounts.ts';

test.each([
  ['12', 12],
  ['0.5', 0.5],
  ['1e3', 1000],
])('the amount %s', (text, value) => {
  expect(readAmount(text)).toBe(value);
});

test.each(['', 'many', '0', '-1', 'Infinity'])('no amount: %j', (text) => {
  expect(readAmount(text)).toMatch(/write a number|above 0/);
});

test('a number of tasks is whole, and at least 1', () => {
  expect(readCount('4')).toBe(4);
  for (const text of ['', '0', '1.5', 'x', '-2', '1e300']) {
    expect(readCount(text)).toBe('write a whole number of at least 1');
  }
});

test.each([
  ['1000000', 1_000_000],
  ['64 MiB', 64 * 2 ** 20],
  ['1.5gib', 1.5 * 2 ** 30],
  ['.5 KiB', 512],
  ['10 B', 10],
])('the bytes %s', (text, value) => {
  expect(readBytes(text)).toBe(value);
});

test.each(['', 'MiB', '64 MB', '1.2.3', '64 MiB or so'])('no bytes: %j', (text) => {
  expect(readBytes(text)).toBe('write bytes, or with a unit: 64 MiB');
});

test('no bytes at all are no limit', () => {
  expect(readBytes('0')).toBe('it must be above 0');
});
