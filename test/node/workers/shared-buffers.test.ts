/** Rows of several blocks that have a buffer in common: workers pass it on, and nobody misses it. */
import { expect, test } from 'vitest';
import { pipeline } from '../../../src/index.ts';
import { workerModule, workers } from '../../../src/node/index.ts';
import type * as opsModule from './ops.ts';

const ops = workerModule<typeof opsModule>(new URL('./ops.ts', import.meta.url));

/** Large enough to be moved rather than copied. */
const BYTES = 100_000;

/** Blocks of one row each, all of them with the same buffer. */
function sharing(blocks: number): { id: number; data: Uint8Array }[][] {
  const data = new Uint8Array(BYTES).fill(1);
  return Array.from({ length: blocks }, (_, id) => [{ id, data }]);
}

test.each([1, 4])('a buffer in many blocks is there for each, %i blocks a task', async (blocks) => {
  const settings = { input: { blocks }, preserveOrder: true };
  const run = pipeline('shared')
    .fromBlocks(sharing(12))
    .map(workers(ops, 'measure', { threads: 1 }), settings)
    .start();
  const rows = await run.collect();
  expect(rows.map(({ seen, data }) => [seen, data.length])).toEqual(
    Array.from({ length: 12 }, () => [BYTES, BYTES]),
  );
});

test('what a worker has passed on can be passed on by the next', async () => {
  const settings = { input: { blocks: 4 }, preserveOrder: true };
  const run = pipeline('shared twice')
    .fromBlocks(sharing(12))
    .map(workers(ops, 'measure', { threads: 1 }), settings)
    .map(workers(ops, 'measure', { threads: 1 }), { ...settings, name: 'again' })
    .start();
  const rows = await run.collect();
  expect(rows.map(({ id, seen, data }) => [id, seen, data.length])).toEqual(
    Array.from({ length: 12 }, (_, id) => [id, BYTES, BYTES]),
  );
});
