import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bytesOf, rowsOf, type BlockRef } from '../../machines/block.ts';
import { emptyQueue, push, queued, take, type RefQueue } from '../../machines/queue.ts';
import { blockRef, blockRefs, idsOf } from './support/blocks.ts';

test('blocks leave in the order in which they came, whatever the batches were', () => {
  const queue = push(push(push(emptyQueue, blockRefs(2, 1)), blockRefs(1, 3)), blockRefs(2, 4));
  expect(idsOf(queued(queue))).toEqual([1, 2, 3, 4, 5]);
});

test('a queue knows its blocks, rows and bytes', () => {
  const queue = push(emptyQueue, blockRefs(3, 1, { numRows: 2, sizeBytes: 16 }));
  expect(queue).toMatchObject({ blocks: 3, rows: 6, bytes: 48 });
});

test('taking without limits takes everything', () => {
  const [taken, rest] = take(push(emptyQueue, blockRefs(3)), {});
  expect(idsOf(taken)).toEqual([1, 2, 3]);
  expect(rest).toEqual(emptyQueue);
});

test('taking from an empty queue takes nothing', () => {
  expect(take(emptyQueue, {})).toEqual([[], emptyQueue]);
});

test('taking no blocks takes nothing, and negative room counts as none', () => {
  const queue = push(emptyQueue, blockRefs(2));
  expect(take(queue, { blocks: 0 })).toEqual([[], queue]);
  expect(take(queue, { blocks: -3 })).toEqual([[], queue]);
});

test('pushing nothing changes nothing', () => {
  const queue = push(emptyQueue, blockRefs(2));
  expect(push(queue, [])).toBe(queue);
});

test.each([
  ['blocks', { blocks: 2 }, [1, 2]],
  ['rows', { rows: 7 }, [1, 2]],
  ['rows that fit exactly', { rows: 9 }, [1, 2, 3]],
  ['bytes', { bytes: 25 }, [1, 2]],
  ['the narrowest of several limits', { blocks: 3, rows: 100, bytes: 10 }, [1]],
])('a limit of %s is kept', (_name, limits, expected) => {
  const queue = push(emptyQueue, blockRefs(4, 1, { numRows: 3, sizeBytes: 10 }));
  expect(idsOf(take(queue, limits)[0])).toEqual(expected);
});

test('a block that alone exceeds the limit is taken alone, so that it cannot block the queue', () => {
  const queue = push(emptyQueue, [blockRef(1, { sizeBytes: 1000, numRows: 99 }), blockRef(2)]);
  expect(idsOf(take(queue, { bytes: 10 })[0])).toEqual([1]);
  expect(idsOf(take(queue, { rows: 1 })[0])).toEqual([1]);
});

test('a batch that is used up is not kept by what is left', () => {
  const [, rest] = take(push(push(emptyQueue, blockRefs(2, 1)), blockRefs(2, 3)), { blocks: 2 });
  expect(JSON.stringify(rest)).not.toContain('"id":1');
  expect(idsOf(queued(rest))).toEqual([3, 4]);
});

describe('what an old snapshot holds', () => {
  const newer = (): RefQueue =>
    push(push(push(emptyQueue, blockRefs(2, 1)), blockRefs(2, 3)), blockRefs(2, 5));

  test('stays true when what came later is lined up for a newer one', () => {
    const old = newer();
    const [, oneLeft] = take(old, { blocks: 1 });
    const [, linedUp] = take(oneLeft, { blocks: 1 });
    expect(idsOf(queued(linedUp))).toEqual([3, 4, 5, 6]);
    expect(idsOf(queued(oneLeft))).toEqual([2, 3, 4, 5, 6]);
    expect(idsOf(queued(old))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('can be lined up again and again', () => {
    const [, rest] = take(newer(), { blocks: 2 });
    expect([1, 2, 3].map(() => idsOf(take(newer(), { blocks: 4 })[0]))).toEqual(
      [1, 2, 3].map(() => [1, 2, 3, 4]),
    );
    expect([1, 2].map(() => idsOf(queued(rest)))).toEqual([
      [3, 4, 5, 6],
      [3, 4, 5, 6],
    ]);
  });

  test('does not get what is pushed to two of its successors', () => {
    const old = newer();
    const left = push(old, blockRefs(1, 100));
    const right = push(old, blockRefs(1, 200));
    expect(idsOf(queued(left))).toEqual([1, 2, 3, 4, 5, 6, 100]);
    expect(idsOf(queued(right))).toEqual([1, 2, 3, 4, 5, 6, 200]);
    expect(idsOf(queued(old))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('is not touched: neither what was pushed nor the queue is written to', () => {
    const batches = [blockRefs(2, 1), blockRefs(2, 3), blockRefs(2, 5)].map((refs) =>
      Object.freeze(refs),
    );
    const old = Object.freeze(batches.reduce((queue, refs) => push(queue, refs), emptyQueue));
    const [taken, rest] = take(old, { blocks: 5 });
    expect([idsOf(taken), idsOf(queued(rest))]).toEqual([[1, 2, 3, 4, 5], [6]]);
    expect(batches.map(idsOf)).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
  });
});

test('one taking goes across batches, some of which are not lined up yet', () => {
  const [, begun] = take(push(emptyQueue, blockRefs(3, 1)), { blocks: 1 });
  const queue = push(push(begun, blockRefs(1, 4)), blockRefs(2, 5));
  const [taken, rest] = take(queue, { blocks: 4 });
  expect(idsOf(taken)).toEqual([2, 3, 4, 5]);
  expect(rest).toMatchObject({ blocks: 1, rows: 1, bytes: 10 });
  expect(idsOf(queued(push(rest, blockRefs(1, 7))))).toEqual([6, 7]);
});

test('a hundred thousand batches are taken one by one', () => {
  let queue = emptyQueue;
  for (let id = 1; id <= 100_000; id++) queue = push(queue, [blockRef(id)]);
  for (let id = 1; id <= 100_000; id++) {
    const [[first], rest] = take(queue, { blocks: 1 });
    if (first?.id !== id) expect(first?.id).toBe(id);
    queue = rest;
  }
  expect(queue).toEqual(emptyQueue);
});

type Operation =
  | { readonly kind: 'push'; readonly sizes: readonly (readonly [rows: number, bytes: number])[] }
  | {
      readonly kind: 'take';
      readonly blocks?: number;
      readonly rows?: number;
      readonly bytes?: number;
    };

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant('push' as const),
    sizes: fc.array(fc.tuple(fc.nat(5), fc.nat(50)), { maxLength: 5 }),
  }),
  fc.record(
    { kind: fc.constant('take' as const), blocks: fc.nat(6), rows: fc.nat(12), bytes: fc.nat(90) },
    { requiredKeys: ['kind'] },
  ),
);

test('any pushes and takes do what they do to a plain array, and old queues stay true', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const history: [RefQueue, readonly BlockRef[]][] = [[emptyQueue, []]];
      let queue = emptyQueue;
      let model: readonly BlockRef[] = [];
      let nextId = 1;
      for (const step of operations) {
        if (step.kind === 'push') {
          const refs = step.sizes.map(([numRows, sizeBytes]) =>
            blockRef(nextId++, { numRows, sizeBytes }),
          );
          queue = push(queue, refs);
          model = [...model, ...refs];
        } else {
          const [taken, rest] = take(queue, step);
          const count = countThatFits(model, step);
          expect(taken).toEqual(model.slice(0, count));
          queue = rest;
          model = model.slice(count);
        }
        history.push([queue, model]);
      }
      for (const [past, refs] of history) {
        expect(queued(past)).toEqual(refs);
        expect(past).toMatchObject({
          blocks: refs.length,
          rows: rowsOf(refs),
          bytes: bytesOf(refs),
        });
      }
    }),
  );
});

/** The oracle of `take`: the longest run of blocks within the limits, and at least one. */
function countThatFits(
  refs: readonly BlockRef[],
  { blocks = Infinity, rows = Infinity, bytes = Infinity }: Exclude<Operation, { kind: 'push' }>,
): number {
  if (blocks === 0) return 0;
  let count = 0;
  for (let length = 1; length <= Math.min(blocks, refs.length); length++) {
    const part = refs.slice(0, length);
    if (length > 1 && (rowsOf(part) > rows || bytesOf(part) > bytes)) break;
    count = length;
  }
  return count;
}
