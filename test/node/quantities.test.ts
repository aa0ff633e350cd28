import { expect, test } from 'vitest';
import {
  countOf,
  formatAmount,
  formatBytes,
  formatCount,
  formatTime,
} from '../../src/node/quantities.ts';

test.for([
  [formatCount(0), '0'],
  [formatCount(1234567.8), '1,234,568'],
  [countOf(1, 'row'), '1 row'],
  [countOf(0, 'row'), '0 rows'],
  [countOf(1000, 'row'), '1,000 rows'],
  [formatAmount(3), '3'],
  [formatAmount(0.125), '0.13'],
  [formatBytes(0), '0 B'],
  [formatBytes(1023), '1,023 B'],
  [formatBytes(1024), '1 KiB'],
  [formatBytes(1536), '1.5 KiB'],
  [formatBytes(1024 * 1024 - 1), '1 MiB'],
  [formatBytes(256 * 1024 * 1024), '256 MiB'],
  [formatBytes(5000 * 1024 ** 4), '5,000 TiB'],
  [formatTime(0), '0 ms'],
  [formatTime(99.4), '99 ms'],
  [formatTime(99.6), '0.1 s'],
  [formatTime(4249), '4.2 s'],
  [formatTime(99_900), '99.9 s'],
  [formatTime(99_960), '1 min 40 s'],
  [formatTime(3_601_000), '60 min 1 s'],
] as const)('%s is written as %s', ([written, wanted]) => {
  expect(written).toBe(wanted);
});
