import fc from 'fast-check';
import { expect, test } from 'vitest';
import { zipTransform } from '../../../actors/transforms/zip.ts';
import { instanceOf } from '../support/stateful.ts';

test('rows are paired by position, whatever the blocks are', async () => {
  const { take, outputs } = instanceOf(zipTransform());
  await take([
    [
      [1, 2],
      [3, 4],
    ],
    [['a'], ['b', 'c', 'd']],
  ]);
  expect(outputs.flat()).toEqual([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
    [4, 'd'],
  ]);
});

test('rows of one side wait for the other, over tasks', async () => {
  const { take, outputs, held } = instanceOf(zipTransform());
  expect(await take([[[1, 2, 3]], []])).toEqual({ satisfied: false, wants: [1] });
  expect(held()).toBe(1);
  expect(await take([[], [['a', 'b']]])).toEqual({ satisfied: false, wants: [1] });
  expect(await take([[], [['c', 'd']]])).toEqual({ satisfied: false, wants: [0] });
  expect(outputs.flat()).toEqual([
    [1, 'a'],
    [2, 'b'],
    [3, 'c'],
  ]);
  expect(held()).toBe(1);
});

test('both sides are wanted when both are used up', async () => {
  const { take, held } = instanceOf(zipTransform());
  expect(await take([[[1]], [['a']]])).toEqual({ satisfied: false, wants: [0, 1] });
  expect(held()).toBe(0);
});

test('it ends with the shorter side', async () => {
  const { take } = instanceOf(zipTransform());
  const result = await take([[[1, 2]], [['a']]], { ended: [false, true] });
  expect(result).toMatchObject({ satisfied: true });
});

test('it goes on while the side that is over has rows left', async () => {
  const { take } = instanceOf(zipTransform());
  const result = await take([[[1]], [['a', 'b']]], { ended: [false, true] });
  expect(result).toEqual({ satisfied: false, wants: [0] });
});

test('what waits is let go of when the run ends', async () => {
  const { take, held, instance } = instanceOf(zipTransform());
  await take([[[1], [2], [3]], [['a']]]);
  await instance.close?.('done', undefined);
  expect(held()).toBe(0);
});

test('however the rows come, the pairs are the same', async () => {
  const side = fc.array(fc.array(fc.integer(), { minLength: 1, maxLength: 4 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(side, side, async (lefts, rights) => {
      const { take, outputs, held, instance } = instanceOf(zipTransform());
      for (let task = 0; task < Math.max(lefts.length, rights.length); task++) {
        await take([lefts.slice(task, task + 1), rights.slice(task, task + 1)]);
      }
      const [left, right] = [lefts.flat(), rights.flat()];
      const pairs = left.slice(0, right.length).map((row, index) => [row, right[index]]);
      expect(outputs.flat()).toEqual(pairs);
      await instance.close?.('done', undefined);
      expect(held()).toBe(0);
    }),
  );
});
