import { expect, test } from 'vitest';
import { limitTransform } from '../../../actors/transforms/limit.ts';
import { instanceOf } from '../support/stateful.ts';

test('whole blocks pass as they are, the last one is cut, and then nothing more is needed', async () => {
  const { take, outputs } = instanceOf(limitTransform(5));
  expect(await take([[[1, 2]]])).toEqual({ satisfied: false });
  expect(await take([[[3, 4], [5, 6], [7]]])).toEqual({ satisfied: true });
  expect(outputs).toEqual([1, 2, [5]]);
});

test('a block that fits exactly is not copied', async () => {
  const { take, outputs } = instanceOf(limitTransform(2));
  expect(await take([[[1, 2], [3]]])).toEqual({ satisfied: true });
  expect(outputs).toEqual([1]);
});

test('fewer rows than the limit all pass', async () => {
  const { take, outputs } = instanceOf(limitTransform(10));
  await take([[[1], [2]]]);
  expect(await take([[]], { flush: true })).toEqual({ satisfied: false });
  expect(outputs).toEqual([1, 2]);
});

test('a limit of nothing lets nothing pass', async () => {
  const { take, outputs } = instanceOf(limitTransform(0));
  expect(await take([[[1]]])).toEqual({ satisfied: true });
  expect(outputs).toEqual([]);
});

test('each run counts for itself', async () => {
  const transform = limitTransform(1);
  for (let run = 0; run < 2; run++) {
    const { take, outputs } = instanceOf(transform);
    await take([[[1], [2]]]);
    expect(outputs).toEqual([1]);
  }
});
