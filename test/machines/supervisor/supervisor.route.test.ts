import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CONSUMER, destinations, NOWHERE, type Plan, type Route } from '../../../machines/plan.ts';
import { roomOn, roomToMake } from '../../../machines/supervisor/supervisor.context.ts';
import { distribute } from '../../../machines/supervisor/supervisor.route.ts';
import { blockRefs } from '../support/blocks.ts';
import { operatorPlan, to } from '../support/plans.ts';
import { desk } from '../support/supervisor.ts';

const all = (...routes: readonly Route[]): Route => ({ kind: 'all', routes });
const one = (...routes: readonly Route[]): Route => ({ kind: 'one', routes });

/** An operator 0 with this route, and five that it may lead to. */
function fan(route: Route): Plan {
  const operators = Array.from({ length: 6 }, (_, index) => {
    return operatorPlan({ index, name: `work${String(index)}` });
  });
  return {
    name: 'fan',
    operators: [operatorPlan({ index: 0, name: 'work0', route }), ...operators.slice(1)],
  };
}

/** Deals out blocks; `waiting` blocks wait at the operators 0, 1, 2, ... */
function deal(route: Route, count: number, waiting: readonly number[] = [], cycles = 0) {
  const views = waiting.map((blocks) => ({ queuedBlocks: blocks, queuedPerPort: [blocks] }));
  const { context } = desk(fan(route), views, { cycles });
  return distribute(context, route, blockRefs(count), undefined);
}

/** What each receiver gets, as lineages. */
function placed({ placed: parts }: ReturnType<typeof deal>): Record<string, readonly string[]> {
  return Object.fromEntries(
    parts.map(({ operator, port, refs }) => [
      `${String(operator)}:${String(port)}`,
      refs.map(({ lineage }) => lineage),
    ]),
  );
}

describe('dealing out', () => {
  test('blocks for one receiver all go there, as they are', () => {
    const dealt = deal(to(1, 2), 2);
    expect(placed(dealt)).toEqual({ '1:2': ['1', '2'] });
    expect(dealt.retained).toEqual([]);
  });

  test('blocks for all of several go to each, get a holder for each, and a lineage for each', () => {
    const dealt = deal(all(to(1), to(2), to(CONSUMER)), 2);
    expect(placed(dealt)).toEqual({
      '1:0': ['1.0', '2.0'],
      '2:0': ['1.1', '2.1'],
      '-1:0': ['1.2', '2.2'],
    });
    expect(dealt.retained).toEqual([{ refs: blockRefs(2), count: 2 }]);
  });

  test('a single branch is no copy', () => {
    const dealt = deal(all(to(1)), 1);
    expect(placed(dealt)).toEqual({ '1:0': ['1'] });
    expect(dealt.retained).toEqual([]);
  });

  test('blocks for one of several go each to one of them', () => {
    const dealt = deal(one(to(1), to(2)), 4);
    expect(placed(dealt)).toEqual({ '1:0': ['1', '3'], '2:0': ['2', '4'] });
    expect(dealt.retained).toEqual([]);
  });

  test('they go to the branch with the fewest blocks waiting', () => {
    expect(placed(deal(one(to(1), to(2)), 3, [0, 5, 1]))).toEqual({
      '1:0': [],
      '2:0': ['1', '2', '3'],
    });
  });

  test('equals take turns, from cycle to cycle too', () => {
    expect(placed(deal(one(to(1), to(2)), 1, [], 0))).toEqual({ '1:0': ['1'], '2:0': [] });
    expect(placed(deal(one(to(1), to(2)), 1, [], 1))).toEqual({ '1:0': [], '2:0': ['1'] });
  });

  test('a branch that needs no more gets none while another one does', () => {
    const route = one(to(1), to(2));
    const { context } = desk(fan(route), [{}, { satisfied: true }, { queuedPerPort: [7] }]);
    const dealt = distribute(context, route, blockRefs(3), undefined);
    expect(placed(dealt)).toEqual({ '1:0': [], '2:0': ['1', '2', '3'] });
  });

  test('when no branch needs more, somebody gets them nevertheless, and lets them go', () => {
    const route = one(to(1), to(2));
    const { context } = desk(fan(route), [{}, { satisfied: true }, { satisfied: true }]);
    const dealt = distribute(context, route, blockRefs(2), undefined);
    expect(Object.values(placed(dealt)).flat()).toHaveLength(2);
  });

  test('a branch without room gets none while another has some, however few wait there', () => {
    // Eight may wait at the first, more at the second: it takes larger bundles.
    const views = [{}, { queuedPerPort: [7] }, { queuedPerPort: [20], bundle: 16 }];
    const { context } = desk(fan(one(to(1), to(2))), views);
    const dealt = distribute(context, one(to(1), to(2)), blockRefs(3), undefined);
    expect(placed(dealt)).toEqual({ '1:0': ['1'], '2:0': ['2', '3'] });
    // When nobody has room, the one with the fewest has to take it.
    const full = [{}, { queuedPerPort: [8] }, { queuedPerPort: [64], bundle: 16 }];
    const crowded = desk(fan(one(to(1), to(2))), full).context;
    const forced = distribute(crowded, one(to(1), to(2)), blockRefs(1), undefined);
    expect(placed(forced)).toEqual({ '1:0': ['1'], '2:0': [] });
  });

  test('a branch that copies counts as full as its fullest end', () => {
    const dealt = deal(one(all(to(1), to(2)), to(3)), 1, [0, 0, 5, 3]);
    expect(placed(dealt)).toEqual({ '1:0': [], '2:0': [], '3:0': ['1'] });
  });

  test('routes nest: copies that are spread, and parts that are copied', () => {
    const copied = deal(all(to(1), one(to(2), to(3))), 2);
    expect(placed(copied)).toEqual({ '1:0': ['1.0', '2.0'], '2:0': ['1.1'], '3:0': ['2.1'] });
    expect(copied.retained).toMatchObject([{ count: 1 }]);
    const spread = deal(one(to(1), all(to(2), to(3))), 2);
    expect(placed(spread)).toEqual({ '1:0': ['1'], '2:0': ['2.0'], '3:0': ['2.1'] });
    expect(spread.retained).toMatchObject([{ refs: [{ id: 2 }], count: 1 }]);
    const twice = deal(all(to(1), all(to(2), to(3))), 1);
    expect(placed(twice)).toEqual({ '1:0': ['1.0'], '2:0': ['1.1.0'], '3:0': ['1.1.1'] });
    expect(twice.retained.map(({ count }) => count)).toEqual([1, 1]);
  });

  test('nothing leaves a sink', () => {
    expect(deal(NOWHERE, 0)).toEqual({ placed: [], retained: [] });
  });

  test('along any route, each block has as many holders as it has places, each of its own name', () => {
    const { route } = fc.letrec<{ route: Route }>((tie) => ({
      route: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        fc.integer({ min: 1, max: 5 }).map((operator) => to(operator)),
        fc.array(tie('route'), { minLength: 1, maxLength: 3 }).map((routes) => all(...routes)),
        fc.array(tie('route'), { minLength: 1, maxLength: 3 }).map((routes) => one(...routes)),
      ),
    }));
    const counts = fc.array(fc.nat(12), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(route, fc.nat(5), counts, fc.nat(9), (given, blocks, waiting, cycles) => {
        const dealt = deal(given, blocks, waiting, cycles);
        const places = new Map<number, string[]>();
        for (const { refs } of dealt.placed) {
          for (const { id, lineage } of refs) places.set(id, [...(places.get(id) ?? []), lineage]);
        }
        const holders = new Map<number, number>();
        for (const { refs, count } of dealt.retained) {
          for (const { id } of refs) holders.set(id, (holders.get(id) ?? 0) + count);
        }
        for (let id = 1; id <= blocks; id++) {
          const names = places.get(id) ?? [];
          expect(names.length).toBe(1 + (holders.get(id) ?? 0));
          expect(new Set(names).size).toBe(names.length);
        }
      }),
    );
  });
});

describe('room', () => {
  const room = (route: Route, waiting: readonly number[], queueBlocks?: number): number => {
    const views = waiting.map((blocks) => ({ queuedBlocks: blocks, queuedPerPort: [blocks] }));
    return roomOn(desk(fan(route), views, { demand: 3 }).context, route, queueBlocks);
  };

  test('is what the receiver may have waiting, less what waits', () => {
    expect(room(to(1), [0, 0])).toBe(8);
    expect(room(to(1), [0, 5])).toBe(3);
    expect(room(to(1), [0, 9])).toBe(0);
  });

  test('is what the user said, where the user said something', () => {
    expect(room(to(1), [0, 1], 2)).toBe(1);
    expect(room(to(1), [0, 2], 2)).toBe(0);
  });

  test('grows with the tasks and bundles of the receiver', () => {
    const plan = fan(to(1));
    const roomFor = (view: { active?: number; bundle?: number }): number =>
      roomOn(desk(plan, [{}, view]).context, to(1), undefined);
    expect(roomFor({ active: 20 })).toBe(40);
    expect(roomFor({ bundle: 64 })).toBe(256);
  });

  test('to the consumer is what it has asked for', () => {
    expect(room(to(CONSUMER), [])).toBe(3);
  });

  test('to all of several is that of the fullest, to one of several that of all together', () => {
    expect(room(all(to(1), to(2)), [0, 5, 1])).toBe(3);
    expect(room(one(to(1), to(2)), [0, 5, 1])).toBe(10);
    expect(room(all(to(1), one(to(2), to(CONSUMER))), [0, 0, 7])).toBe(4);
  });

  test('is endless to whom needs no more, for it lets go of what it gets', () => {
    const { context } = desk(fan(to(1)), [{}, { satisfied: true, queuedPerPort: [99] }]);
    expect(roomOn(context, to(1), undefined)).toBe(Infinity);
    expect(roomOn(context, NOWHERE, undefined)).toBe(Infinity);
  });

  test('to make blocks is less what waits to be moved already', () => {
    const plan = fan(to(1));
    const { context } = desk(plan, [{ outBlocks: 3 }, { queuedPerPort: [2] }]);
    expect(roomToMake(context, plan.operators[0] ?? operatorPlan())).toBe(3);
  });

  test('to make blocks for the consumer is there before it asks, up to a queue', () => {
    const plan = fan(to(CONSUMER));
    const { context } = desk(plan, [{ outBlocks: 2 }]);
    expect(roomToMake(context, plan.operators[0] ?? operatorPlan())).toBe(6);
    const sink = operatorPlan({ kind: 'sink', route: NOWHERE });
    expect(roomToMake(context, sink)).toBe(Infinity);
  });
});

test('the ends of a route are all of its receivers', () => {
  expect(destinations(all(to(1), one(to(2, 1), to(CONSUMER))))).toEqual([
    to(1),
    to(2, 1),
    to(CONSUMER),
  ]);
  expect(destinations(NOWHERE)).toEqual([]);
});
