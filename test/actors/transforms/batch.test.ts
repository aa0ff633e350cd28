import fc from 'fast-check';
import { expect, test } from 'vitest';
import { batchTransform } from '../../../actors/transforms/batch.ts';
import { instanceOf } from '../support/stateful.ts';

test('rows are gathered across blocks and tasks into blocks of one size', async () => {
  const { take, outputs } = instanceOf(batchTransform({ rows: 3 }));
  await take([
    [
      [1, 2],
      [3, 4],
    ],
  ]);
  await take([[[5], [6, 7]]]);
  expect(outputs).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ]);
});

test('what is left comes out at the end', async () => {
  const { take, outputs } = instanceOf(batchTransform({ rows: 3 }));
  await take([[[1, 2, 3, 4]]]);
  await take([[]], { flush: true });
  expect(outputs).toEqual([[1, 2, 3], [4]]);
});

test('nothing comes out at the end when nothing is left', async () => {
  const { take, outputs } = instanceOf(batchTransform({ rows: 2 }));
  await take([[[1, 2]]]);
  await take([[]], { flush: true });
  expect(outputs).toEqual([[1, 2]]);
});

test('blocks are cut by bytes, and by whatever limit comes first', async () => {
  const byBytes = instanceOf(batchTransform({ bytes: 16 }));
  await byBytes.take([
    [
      [1, 2, 3],
      [4, 5],
    ],
  ]);
  expect(byBytes.outputs).toEqual([
    [1, 2],
    [3, 4],
  ]);
  const byRows = instanceOf(batchTransform({ rows: 2, bytes: 1000 }));
  await byRows.take([[[1, 2, 3]]]);
  expect(byRows.outputs).toEqual([[1, 2]]);
});

test('blocks whose rows wait are held, and let go of as soon as their last row is out', async () => {
  const { take, held } = instanceOf(batchTransform({ rows: 4 }));
  await take([[[1, 2], [3]]]);
  expect(held()).toBe(2);
  await take([[[4, 5]]]);
  expect(held()).toBe(1);
  await take([[[6, 7, 8]]]);
  expect(held()).toBe(0);
});

test('it never has enough', async () => {
  const { take } = instanceOf(batchTransform({ rows: 1 }));
  expect(await take([[[1]]])).toEqual({ satisfied: false });
});

test('what waits is let go of when the run ends early', async () => {
  const { take, held, instance, outputs } = instanceOf(batchTransform({ rows: 100 }));
  await take([[[1], [2]]]);
  await instance.close?.('cancelled', undefined);
  expect([held(), outputs]).toEqual([0, []]);
});

test('whatever comes in, the same rows come out, in blocks of the same size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 5 }), { maxLength: 4 })),
      fc.integer({ min: 1, max: 6 }),
      async (tasks, rows) => {
        const { take, outputs, held } = instanceOf(batchTransform({ rows }));
        for (const blocks of tasks) await take([blocks]);
        await take([[]], { flush: true });
        expect(outputs.flat()).toEqual(tasks.flat(2));
        const sizes = outputs.map((block) => (typeof block === 'number' ? 0 : block.length));
        expect(sizes.slice(0, -1).every((size) => size === rows)).toBe(true);
        expect(held()).toBe(0);
      },
    ),
  );
});
