/**
 * Tasks that hold are left waiting for room as long as their receivers have enough to do: when that is
 * so, who is asked credit for all the same, and what an operator is told that is left waiting.
 */
import { describe, expect, test } from 'vitest';
import type { OperatorView } from '../../../machines/operator/operator.protocol.ts';
import { CONSUMER, destinations, type Plan, type Route } from '../../../machines/plan.ts';
import {
  isWellFed,
  localDenial,
  planOf,
  type SupervisorContext,
} from '../../../machines/supervisor/supervisor.context.ts';
import { request } from '../../../machines/supervisor/supervisor.dispatch.ts';
import { chain, to } from '../support/plans.ts';
import { desk } from '../support/supervisor.ts';

/** What waits at a receiver's only port. */
const queued = (blocks: number): Partial<OperatorView> => ({
  queuedBlocks: blocks,
  queuedPerPort: [blocks],
});

/** A receiver at work: eight blocks may wait for it, and more than half of them do. */
const BUSY: Partial<OperatorView> = { active: 1, freeSlots: 0, ...queued(5) };

const held = (slot: number, task: number, blocks = 1, bytes = 0) => ({
  slot,
  task,
  missing: { blocks, bytes },
});

/** An operator with one task, which waits for room for a block. */
const HOLDING: Partial<OperatorView> = {
  active: 1,
  freeSlots: 0,
  holding: [held(0, 7)],
  oldestTask: 7,
};

/** Source, maker, receiver: the maker's task holds, and its outputs go to the receiver. */
function situation(
  receiver: Partial<OperatorView>,
  { plan = chain({}, {}, {}), maker }: { plan?: Plan; maker?: Partial<OperatorView> } = {},
): SupervisorContext {
  return desk(plan, [{}, { ...HOLDING, ...maker }, receiver], { demand: 100 }).context;
}

function isFed(receiver: Partial<OperatorView>, plan?: Plan): boolean {
  const context = situation(receiver, plan && { plan });
  return isWellFed(context, planOf(context, 1));
}

/** Tasks of the maker that credit is asked for. */
function asked(context: SupervisorContext): (number | undefined)[] {
  const { context: after } = request(context);
  return (after?.asked ?? []).filter(({ holder }) => holder === 1).map(({ slot }) => slot);
}

function denialOf(context: SupervisorContext): string | undefined {
  const maker = context.views[1];
  return maker && localDenial(context, maker)?.limit;
}

/** Two receivers behind the maker, and both of them get all of its outputs. */
const both: Route = { kind: 'all', routes: [to(2), to(3)] };
const forked = (route: Route): Plan =>
  chain({}, { route, destinations: destinations(route) }, { depth: 0 }, { depth: 0 });

describe('an operator is well fed', () => {
  test('when its receiver is at work and more than half of its queue is full', () => {
    expect(isFed(BUSY)).toBe(true);
  });

  test('but not when half of the queue is free', () => {
    expect(isFed({ ...BUSY, ...queued(4) })).toBe(false);
    expect(isFed({ ...BUSY, ...queued(0) })).toBe(false);
  });

  test('but not when the receiver is idle, or each of its tasks holds', () => {
    expect(isFed({ ...BUSY, active: 0 })).toBe(false);
    expect(isFed({ ...BUSY, holding: [held(0, 1)] })).toBe(false);
    expect(isFed({ ...BUSY, active: 2, holding: [held(0, 1)] })).toBe(true);
  });

  test('but not when the receiver needs no more input: it lets go of what it gets', () => {
    expect(isFed({ ...BUSY, satisfied: true })).toBe(false);
  });

  test('but not when the consumer is among the receivers: it has its own demand', () => {
    const consumer = chain({}, {});
    const { context } = desk(consumer, [{}, { ...HOLDING, outBlocks: 7 }], { demand: 100 });
    expect(isWellFed(context, planOf(context, 1))).toBe(false);
    expect(isFed(BUSY, forked({ kind: 'all', routes: [to(2), to(CONSUMER)] }))).toBe(false);
  });

  test('only when all of its receivers are', () => {
    const plan = forked(both);
    const fed = (...receivers: Partial<OperatorView>[]): boolean => {
      const { context } = desk(plan, [{}, HOLDING, ...receivers]);
      return isWellFed(context, planOf(context, 1));
    };
    expect(fed(BUSY, BUSY)).toBe(true);
    expect(fed(BUSY, { ...BUSY, ...queued(4) })).toBe(false);
    expect(fed({ ...BUSY, active: 0 }, BUSY)).toBe(false);
  });

  test('by what waits at the port its outputs go to, not at others', () => {
    const second = { ports: 2 };
    const plan = chain({}, { route: to(2, 1), destinations: destinations(to(2, 1)) }, second);
    const twoPorts = (first: number, other: number): Partial<OperatorView> => ({
      ...BUSY,
      queuedBlocks: first + other,
      queuedPerPort: [first, other],
    });
    expect(isFed(twoPorts(0, 5), plan)).toBe(true);
    expect(isFed(twoPorts(8, 4), plan)).toBe(false);
  });

  test('never when its own plan says how far it may run ahead', () => {
    const withQueue = (queueBlocks: number): Plan => chain({}, { queueBlocks }, {});
    expect(isFed({ ...BUSY, ...queued(2) }, withQueue(2))).toBe(false);
    expect(isFed({ ...BUSY, ...queued(15) }, withQueue(16))).toBe(false);
  });

  test('by a queue that grows with what the receiver takes at once', () => {
    expect(isFed({ ...BUSY, bundle: 4, ...queued(8) })).toBe(false);
    expect(isFed({ ...BUSY, bundle: 4, ...queued(9) })).toBe(true);
  });
});

describe('credit', () => {
  test('is not asked for while the receiver has enough to do, although there is some room', () => {
    expect(asked(situation(BUSY))).toEqual([]);
  });

  test.each<[string, Partial<OperatorView>]>([
    ['half of its queue is free', { ...BUSY, ...queued(4) }],
    ['it is idle', { ...BUSY, active: 0 }],
    ['it holds itself', { ...BUSY, holding: [held(0, 1)] }],
    ['it needs no more', { ...BUSY, satisfied: true }],
  ])('is asked for as soon as %s', (_name, receiver) => {
    expect(asked(situation(receiver))).toEqual([0]);
  });

  test('is asked for all the room there is by then, not for one block', () => {
    const { context } = request(situation({ ...BUSY, ...queued(3) }));
    expect(context?.asked).toMatchObject([{ holder: 1, slot: 0, blocks: 5 }]);
  });

  test('is asked for bytes of a block that is made already: it has its place', () => {
    expect(asked(situation(BUSY, { maker: { holding: [held(0, 7, 0, 40)] } }))).toEqual([0]);
  });

  test('is asked for the task whose turn it is in ordered mode, and for no other', () => {
    const maker = { active: 2, holding: [held(0, 7), held(1, 8)], oldestTask: 7 };
    const ordered = chain({}, { preserveOrder: true }, {});
    expect(asked(situation(BUSY, { plan: ordered, maker }))).toEqual([0]);
    expect(asked(situation(BUSY, { maker }))).toEqual([]);
    const notNext = { ...maker, holding: [held(1, 8)] };
    expect(asked(situation(BUSY, { plan: ordered, maker: notNext }))).toEqual([]);
  });
});

describe('an operator that is left waiting', () => {
  test('is told that it waits for the queue behind it', () => {
    expect(denialOf(situation(BUSY))).toBe('queue');
  });

  test('is told so once', () => {
    const { context, read } = desk(chain({}, {}, {}), [{}, HOLDING, BUSY], { demand: 100 });
    const first = request(context);
    expect(read(first.send)).toMatchObject([
      { to: 'work1', event: { type: 'operator.denied', denial: { limit: 'queue', free: 0 } } },
    ]);
    expect(read(request({ ...context, told: first.context?.told ?? [] }).send)).toEqual([]);
  });

  test.each<[string, Partial<OperatorView>]>([
    ['half of the queue is free', { ...BUSY, ...queued(4) }],
    ['the receiver is idle', { ...BUSY, active: 0 }],
    ['the receiver needs no more', { ...BUSY, satisfied: true }],
  ])('is not, when %s', (_name, receiver) => {
    expect(denialOf(situation(receiver))).toBeUndefined();
  });

  test('is not, when none of its tasks holds: new ones may start while there is room', () => {
    const maker = { holding: [], startable: 1, freeSlots: 1, ...queued(1) };
    expect(denialOf(situation(BUSY, { maker }))).toBeUndefined();
    expect(asked(situation(BUSY, { maker }))).toEqual([undefined]);
    expect(denialOf(situation({ ...BUSY, ...queued(8) }, { maker }))).toBe('queue');
  });

  test('is not, when it is the task whose turn it is in ordered mode that holds', () => {
    const ordered = chain({}, { preserveOrder: true }, {});
    expect(denialOf(situation(BUSY, { plan: ordered }))).toBeUndefined();
    const notNext = { active: 2, holding: [held(1, 8)], oldestTask: 7 };
    expect(denialOf(situation(BUSY, { plan: ordered, maker: notNext }))).toBe('queue');
  });
});
