import { describe, expect, test } from 'vitest';
import type { OperatorView } from '../../machines/operator/operator.protocol.ts';
import {
  bottleneck,
  fair,
  leastMemory,
  mostDownstream,
  type RankingPolicy,
} from '../../machines/ranking.ts';
import { viewOf } from './support/views.ts';

function order(policy: RankingPolicy, views: readonly OperatorView[], all = views): number[] {
  return policy(views, all).map(({ index }) => index);
}

test('least memory prefers the operator whose running tasks hold the least memory', () => {
  const memory = [300, 100, 200];
  const views = memory.map((memoryInUse, index) => viewOf(index, { memoryInUse }));
  expect(order(leastMemory, views)).toEqual([1, 2, 0]);
});

test('most downstream prefers the operator nearest to the consumer', () => {
  const views = [2, 0, 1].map((depth, index) => viewOf(index, { depth }));
  expect(order(mostDownstream, views)).toEqual([1, 2, 0]);
});

test('fair prefers the operator that has started the fewest tasks, running ones included', () => {
  const views = [
    viewOf(0, { done: 3, active: 2 }),
    viewOf(1, { done: 4, active: 0 }),
    viewOf(2, { done: 0, active: 3 }),
  ];
  expect(order(fair, views)).toEqual([2, 1, 0]);
});

describe.each([
  ['least memory', leastMemory],
  ['most downstream', mostDownstream],
  ['fair', fair],
  ['bottleneck', bottleneck],
])('%s', (_name, policy) => {
  test('leaves ties in the order of the plan', () => {
    expect(order(policy, [viewOf(0), viewOf(1), viewOf(2)])).toEqual([0, 1, 2]);
  });

  test('does not touch the list it is given', () => {
    const views = [viewOf(0, { depth: 1, done: 5, memoryInUse: 9 }), viewOf(1)];
    const before = [...views];
    policy(views, views);
    expect(views).toEqual(before);
  });

  test('answers one candidate and none', () => {
    expect(order(policy, [viewOf(4)])).toEqual([4]);
    expect(order(policy, [])).toEqual([]);
  });
});

describe('bottleneck', () => {
  /** A chain 0 -> 1 -> 2 -> 3, in which operator 2 takes the longest for a block. */
  const chained = (slowest: Partial<OperatorView> = {}): OperatorView[] => [
    viewOf(0, { depth: 3, blockMs: 1 }),
    viewOf(1, { depth: 2, blockMs: 2 }),
    viewOf(2, { depth: 1, blockMs: 50, ...slowest }),
    viewOf(3, { depth: 0, blockMs: 3 }),
  ];

  test('puts the slowest operator and what feeds it first while it has too little to do', () => {
    const views = chained({ queuedBlocks: 1, active: 2 });
    expect(order(bottleneck, views)).toEqual([2, 1, 0, 3]);
  });

  test('goes downstream when the slowest operator has enough to do', () => {
    const views = chained({ queuedBlocks: 2, active: 2 });
    expect(order(bottleneck, views)).toEqual([3, 2, 1, 0]);
  });

  test('wants one block to wait for a slowest operator that does not run', () => {
    expect(order(bottleneck, chained({ queuedBlocks: 0, active: 0 }))[0]).toBe(2);
    expect(order(bottleneck, chained({ queuedBlocks: 1, active: 0 }))[0]).toBe(3);
  });

  test('finds the slowest operator even when it is no candidate itself', () => {
    const all = chained({ active: 4 });
    const candidates = all.filter(({ index }) => index !== 2);
    expect(order(bottleneck, candidates, all)).toEqual([1, 0, 3]);
  });

  test('goes downstream until something was measured', () => {
    const views = [viewOf(0, { depth: 2 }), viewOf(1, { depth: 1 }), viewOf(2)];
    expect(order(bottleneck, views)).toEqual([2, 1, 0]);
  });

  test('does not mind operators that are over', () => {
    const all = chained({ over: true });
    const candidates = all.filter(({ index }) => index !== 2);
    expect(order(bottleneck, candidates, all)).toEqual([3, 1, 0]);
  });
});
