import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { amounts } from '../../../machines/amounts.ts';
import {
  changeBudget,
  decide,
  floorBytes,
  isSettled,
  liveBytes,
  openLedger,
  settle,
  usedBytes,
  type Ledger,
  type LedgerBudget,
  type Request,
  type ResourceLimit,
  type Settlement,
} from '../../../machines/resource/ledger.ts';

function budgetOf(
  resources: Readonly<Record<string, ResourceLimit>>,
  blockBytes = 1000,
): LedgerBudget {
  return { resources, blockBytes };
}

function amount(units: number): ResourceLimit {
  return { amount: units * 1000 };
}

/** The request for a task that needs one cpu and no bytes. */
function requestOf(parts: Partial<Request> = {}): Request {
  return { holder: 0, needs: { cpu: 1000 }, firstBytes: 0, blockBytes: 10, blocks: 0, ...parts };
}

/** The request of a running task for bytes alone. */
function creditRequest(holder: number, firstBytes: number, parts: Partial<Request> = {}): Request {
  return { holder, slot: 0, firstBytes, blockBytes: firstBytes, blocks: 1, ...parts };
}

function settlementOf(parts: Partial<Settlement> = {}): Settlement {
  return { holder: 0, tokens: [], produced: 0, returned: 0, released: 0, closed: false, ...parts };
}

function usedOf(ledger: Ledger, resource: string): number {
  const line = ledger.resources[resource];
  if (line?.kind !== 'amount') throw new Error(`${resource} is no amount`);
  return line.used;
}

function levelOf(ledger: Ledger, resource: string): number {
  const line = ledger.resources[resource];
  if (line?.kind !== 'rate') throw new Error(`${resource} is no rate`);
  return line.level;
}

describe('tokens', () => {
  test('a task takes all of what it needs, and gives all of it back', () => {
    const empty = openLedger(budgetOf({ cpu: amount(3), memory: amount(3000) }), 1, 0);
    const needs = amounts({ cpu: 1, memory: 1000 });
    const [granted, { grants }] = decide(empty, [requestOf({ needs })], 0);
    expect(grants).toEqual([
      { holder: 0, token: 0, slot: undefined, credit: { blocks: 0, bytes: 0 }, forced: false },
    ]);
    expect([usedOf(granted, 'cpu'), usedOf(granted, 'memory')]).toEqual([1000, 1_000_000]);
    const back = settle(granted, [settlementOf({ tokens: [0] })]);
    expect([usedOf(back, 'cpu'), usedOf(back, 'memory')]).toEqual([0, 0]);
    expect(isSettled(back)).toBe(true);
  });

  test('a task that cannot have everything takes nothing', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(4), gpu: amount(1) }), 1, 0);
    const needs = amounts({ cpu: 1, gpu: 2 });
    const [after, { grants, refusals }] = decide(ledger, [requestOf({ needs })], 7);
    expect(grants).toEqual([]);
    expect(refusals).toEqual([
      { holder: 0, slot: undefined, denial: { limit: 'gpu', asked: 2, free: 1, since: 7 } },
    ]);
    expect([usedOf(after, 'cpu'), usedOf(after, 'gpu')]).toEqual([0, 0]);
  });

  test('three tasks that need 0.1 fit into 0.3, and a fourth does not', () => {
    const ledger = openLedger(budgetOf({ cpu: { amount: 300 } }), 4, 0);
    const requests = [0, 1, 2, 3].map((holder) =>
      requestOf({ holder, needs: amounts({ cpu: 0.1 }) }),
    );
    const [, { grants, refusals }] = decide(ledger, requests, 0);
    expect(grants.map(({ holder }) => holder)).toEqual([0, 1, 2]);
    expect(refusals).toMatchObject([{ holder: 3, denial: { limit: 'cpu', asked: 0.1, free: 0 } }]);
  });

  test('requests are served in their order', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(2) }), 3, 0);
    const requests = [2, 0, 1].map((holder) => requestOf({ holder }));
    const [, { grants }] = decide(ledger, requests, 0);
    expect(grants.map(({ holder, token }) => [holder, token])).toEqual([
      [2, 0],
      [0, 1],
    ]);
  });

  test('after a refusal the same holder gets nothing more, others do', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(2) }), 2, 0);
    const [, { grants, refusals }] = decide(
      ledger,
      [
        requestOf({ needs: amounts({ cpu: 3 }) }),
        requestOf({ needs: amounts({ cpu: 1 }) }),
        requestOf({ holder: 1 }),
      ],
      0,
    );
    expect(grants.map(({ holder }) => holder)).toEqual([1]);
    expect(refusals.map(({ holder }) => holder)).toEqual([0]);
  });

  test('a token is never used again', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(1) }), 1, 0);
    const [first] = decide(ledger, [requestOf()], 0);
    const [, { grants }] = decide(settle(first, [settlementOf({ tokens: [0] })]), [requestOf()], 0);
    expect(grants[0]?.token).toBe(1);
  });

  test('a token that was settled cannot be settled again', () => {
    const [granted] = decide(openLedger(budgetOf({ cpu: amount(1) }), 1, 0), [requestOf()], 0);
    const settled = settle(granted, [settlementOf({ tokens: [0] })]);
    expect(() => settle(settled, [settlementOf({ tokens: [0] })])).toThrow('token 0 is not out');
    expect(() => settle(granted, [settlementOf({ tokens: [0, 0] })])).toThrow('token 0');
  });

  test('nobody can settle the token of somebody else', () => {
    const [granted] = decide(openLedger(budgetOf({ cpu: amount(1) }), 2, 0), [requestOf()], 0);
    expect(() => settle(granted, [settlementOf({ holder: 1, tokens: [0] })])).toThrow(
      'token 0 is not out to 1',
    );
  });

  test('a holder without an account and a resource without a budget are refused by throwing', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(1) }), 1, 0);
    expect(() => decide(ledger, [requestOf({ holder: 5 })], 0)).toThrow('no account 5');
    expect(() => settle(ledger, [settlementOf({ holder: 5 })])).toThrow('no account 5');
    expect(() => decide(ledger, [requestOf({ needs: { gpu: 1 } })], 0)).toThrow('no resource gpu');
  });

  test('a task that needs nothing is always granted', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(1) }), 2, 0);
    const [full] = decide(ledger, [requestOf()], 0);
    const [, { grants }] = decide(full, [requestOf({ holder: 1, needs: {} })], 0);
    expect(grants).toHaveLength(1);
  });

  test('a resource of which nothing is needed does not have to be in the budget', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(1) }), 1, 0);
    const [granted, { grants }] = decide(ledger, [requestOf({ needs: { cpu: 1000, gpu: 0 } })], 0);
    expect(grants).toHaveLength(1);
    expect(isSettled(settle(granted, [settlementOf({ tokens: [0] })]))).toBe(true);
  });

  test('a forced request is granted over budget', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(1) }), 1, 0);
    const request = requestOf({ needs: amounts({ cpu: 2 }), forced: true });
    const [after, { grants }] = decide(ledger, [request], 0);
    expect(grants).toMatchObject([{ holder: 0, token: 0, forced: true }]);
    expect(usedOf(after, 'cpu')).toBe(2000);
  });

  test('an old ledger stays true when a later one changes', () => {
    const before = openLedger(budgetOf({ cpu: amount(2) }), 1, 0);
    const copy = structuredClone(before);
    const [after] = decide(before, [requestOf()], 0);
    settle(after, [settlementOf({ tokens: [0] })]);
    expect(before).toEqual(copy);
    expect(after.tokens.size).toBe(1);
  });
});

describe('rates', () => {
  const rate = budgetOf({ calls: { perSecond: 10_000, burst: 2000 } });
  const call = (parts: Partial<Request> = {}): Request =>
    requestOf({ needs: amounts({ calls: 1 }), ...parts });

  test('a burst is there at once, and then no more than the rate', () => {
    const ledger = openLedger(rate, 3, 0);
    const requests = [0, 1, 2].map((holder) => call({ holder }));
    const [, { grants, refusals, refillAt }] = decide(ledger, requests, 0);
    expect(grants).toHaveLength(2);
    expect(refusals).toMatchObject([{ holder: 2, denial: { limit: 'calls', asked: 1, free: 0 } }]);
    expect(refillAt).toBe(100);
  });

  test('a refused rate is granted at the time that was told, and not a moment before', () => {
    const [spent, { refillAt }] = decide(openLedger(rate, 1, 0), [call(), call(), call()], 0);
    expect(refillAt).toBe(100);
    expect(decide(spent, [call()], 99)[1].grants).toEqual([]);
    expect(decide(spent, [call()], 100)[1].grants).toHaveLength(1);
  });

  test('a rate refills up to its burst and no further', () => {
    const [spent] = decide(openLedger(rate, 1, 0), [call(), call()], 0);
    const [after] = decide(spent, [call()], 3_600_000);
    expect(levelOf(after, 'calls')).toBe(1000);
  });

  test('a task that ends gives nothing back to a rate', () => {
    const [spent] = decide(openLedger(rate, 1, 0), [call()], 0);
    const settled = settle(spent, [settlementOf({ tokens: [0] })]);
    expect(levelOf(settled, 'calls')).toBe(1000);
  });

  test('time that made less than a thousandth is not lost', () => {
    const slow = budgetOf({ calls: { perSecond: 1, burst: 1 } });
    let [ledger] = decide(openLedger(slow, 1, 0), [requestOf({ needs: { calls: 1 } })], 0);
    for (let now = 100; now < 1000; now += 100) {
      const [next, { grants }] = decide(ledger, [requestOf({ needs: { calls: 1 } })], now);
      expect(grants).toEqual([]);
      ledger = next;
    }
    expect(decide(ledger, [requestOf({ needs: { calls: 1 } })], 1000)[1].grants).toHaveLength(1);
  });

  test('not even a forced request overdraws a rate', () => {
    const [spent] = decide(openLedger(rate, 1, 0), [call(), call()], 0);
    const [after, { grants, refillAt }] = decide(spent, [call({ forced: true })], 0);
    expect(grants).toEqual([]);
    expect(refillAt).toBe(100);
    expect(levelOf(after, 'calls')).toBe(0);
  });

  test('a refused amount tells no time of refill', () => {
    const ledger = openLedger(budgetOf({ cpu: { amount: 0 } }), 1, 0);
    expect(decide(ledger, [requestOf()], 0)[1].refillAt).toBeUndefined();
  });

  test('of several refused rates the first to refill is told', () => {
    const two = budgetOf({
      slow: { perSecond: 1000, burst: 1000 },
      fast: { perSecond: 10_000, burst: 1000 },
    });
    const needs = (name: string, holder: number): Request =>
      requestOf({ holder, needs: { [name]: 1000 } });
    const [spent] = decide(openLedger(two, 2, 0), [needs('slow', 0), needs('fast', 1)], 0);
    expect(decide(spent, [needs('slow', 0), needs('fast', 1)], 0)[1].refillAt).toBe(100);
  });

  test('a rate never yields more than its burst and what time has added, and never stalls', () => {
    const times = fc.array(
      fc.record({ wait: fc.nat(2000), asks: fc.array(fc.integer({ min: 1, max: 3000 })) }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50_000 }),
        fc.integer({ min: 3000, max: 20_000 }),
        times,
        (perSecond, burst, steps) => {
          let ledger = openLedger(budgetOf({ calls: { perSecond, burst } }), 1, 0);
          let now = 0;
          let granted = 0;
          for (const { wait, asks } of steps) {
            now += wait;
            for (const ask of asks) {
              const request = requestOf({ needs: { calls: ask } });
              const [after, { grants, refusals, refillAt }] = decide(ledger, [request], now);
              granted += grants.length * ask;
              expect(granted).toBeLessThanOrEqual(burst + (perSecond * now) / 1000 + 1e-6);
              expect(levelOf(after, 'calls')).toBeGreaterThanOrEqual(0);
              expect(grants.length + refusals.length).toBe(1);
              if (refillAt !== undefined) {
                expect(refillAt).toBeGreaterThan(now);
                expect(decide(after, [request], refillAt)[1].grants).toHaveLength(1);
              }
              ledger = after;
            }
          }
        },
      ),
    );
  });
});

describe('bytes', () => {
  const only = budgetOf({}, 1000);

  test('credit is reserved when it is granted, live when it is spent, free when it is released', () => {
    const ledger = openLedger(only, 1, 0);
    const [granted, { grants }] = decide(ledger, [creditRequest(0, 100)], 0);
    expect(grants).toMatchObject([
      { token: undefined, slot: 0, credit: { blocks: 1, bytes: 100 } },
    ]);
    expect([usedBytes(granted), liveBytes(granted)]).toEqual([100, 0]);
    const produced = settle(granted, [settlementOf({ produced: 60, returned: 40 })]);
    expect([usedBytes(produced), liveBytes(produced)]).toEqual([60, 60]);
    expect(decide(produced, [], 0)[1].liveBytes).toBe(60);
    const released = settle(produced, [settlementOf({ released: 60 })]);
    expect(usedBytes(released)).toBe(0);
  });

  test('as many blocks are granted as there is room for, and at least the first', () => {
    const ledger = openLedger(only, 1, 0);
    const request = creditRequest(0, 300, { blockBytes: 200, blocks: 9 });
    expect(decide(ledger, [request], 0)[1].grants[0]?.credit).toEqual({ blocks: 4, bytes: 900 });
    const small = creditRequest(0, 300, { blockBytes: 200, blocks: 2 });
    expect(decide(ledger, [small], 0)[1].grants[0]?.credit).toEqual({ blocks: 2, bytes: 500 });
  });

  test('blocks that weigh nothing are granted as asked for', () => {
    const request = creditRequest(0, 0, { blockBytes: 0, blocks: 5 });
    const [, { grants }] = decide(openLedger(only, 1, 0), [request], 0);
    expect(grants[0]?.credit).toEqual({ blocks: 5, bytes: 0 });
  });

  test('credit for bytes alone grants no blocks', () => {
    const [, { grants }] = decide(openLedger(only, 1, 0), [creditRequest(0, 50, { blocks: 0 })], 0);
    expect(grants[0]?.credit).toEqual({ blocks: 0, bytes: 50 });
  });

  test('a refusal says how many bytes were asked for and how many are free', () => {
    const [, { refusals }] = decide(openLedger(only, 1, 0), [creditRequest(0, 1001)], 4);
    expect(refusals).toEqual([
      { holder: 0, slot: 0, denial: { limit: 'blockBytes', asked: 1001, free: 1000, since: 4 } },
    ]);
  });

  test('what must stay free is not counted as free', () => {
    const request = creditRequest(0, 600, { keepBytes: 500 });
    const [, { grants, refusals }] = decide(openLedger(only, 1, 0), [request], 0);
    expect(grants).toEqual([]);
    expect(refusals[0]?.denial).toMatchObject({ asked: 600, free: 500 });
  });

  test('a forced request gets one block, whatever is free', () => {
    const request = creditRequest(0, 5000, { blocks: 9, forced: true });
    const [after, { grants }] = decide(openLedger(only, 1, 0), [request], 0);
    expect(grants).toMatchObject([{ credit: { blocks: 1, bytes: 5000 }, forced: true }]);
    expect(usedBytes(after)).toBe(5000);
  });

  test('half of the budget is split into floors, the other half is shared', () => {
    const ledger = openLedger(only, 2, 0);
    expect(floorBytes(1000, 2)).toBe(250);
    expect(decide(ledger, [creditRequest(0, 750)], 0)[1].grants).toHaveLength(1);
    expect(decide(ledger, [creditRequest(0, 751)], 0)[1].grants).toHaveLength(0);
  });

  test('nobody has a floor when no account is open', () => {
    expect(floorBytes(1000, 0)).toBe(0);
  });

  test('the last half of a floor is kept for the outputs of tasks that run', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(9) }, 1000), 2, 0);
    const [started] = decide(ledger, [requestOf({ firstBytes: 100, blocks: 1 })], 0);
    const another = requestOf({ firstBytes: 526, blocks: 1 });
    expect(decide(started, [another], 0)[1].refusals).toHaveLength(1);
    expect(decide(started, [{ ...another, firstBytes: 525 }], 0)[1].grants).toHaveLength(1);
    expect(decide(started, [creditRequest(0, 650)], 0)[1].grants).toHaveLength(1);
  });

  test('what a closed account leaves is shared by those that are open', () => {
    const ledger = settle(openLedger(only, 2, 0), [settlementOf({ holder: 1, closed: true })]);
    expect(decide(ledger, [creditRequest(0, 1000)], 0)[1].grants).toHaveLength(1);
  });

  test('an account that closes while its blocks live makes no room for others', () => {
    let [ledger] = decide(openLedger(budgetOf({}, 1200), 3, 0), [creditRequest(0, 800)], 0);
    [ledger] = decide(ledger, [creditRequest(1, 200)], 0);
    ledger = settle(ledger, [settlementOf({ holder: 1, produced: 200, closed: true })]);
    [ledger] = decide(ledger, [creditRequest(2, 300)], 0);
    expect(usedBytes(ledger)).toBeLessThanOrEqual(1200);
  });

  test('an account that closes does not let one account eat the floor of another', () => {
    let ledger = openLedger(budgetOf({}, 1600), 4, 0);
    for (const [holder, bytes] of [
      [0, 1000],
      [1, 200],
      [2, 200],
    ] as const) {
      [ledger] = decide(ledger, [creditRequest(holder, bytes)], 0);
    }
    ledger = settle(ledger, [settlementOf({ holder: 1, produced: 200, closed: true })]);
    [ledger] = decide(ledger, [creditRequest(2, 66)], 0);
    expect(decide(ledger, [creditRequest(3, 200)], 0)[1].grants).toHaveLength(1);
  });

  test('a floor is there for its account even when another one has overdrawn the budget', () => {
    const overdrawn = creditRequest(0, 5000, { forced: true });
    const [ledger] = decide(openLedger(only, 2, 0), [overdrawn], 0);
    expect(decide(ledger, [creditRequest(1, 250)], 0)[1].grants).toHaveLength(1);
    expect(decide(ledger, [creditRequest(1, 251)], 0)[1].grants).toHaveLength(0);
  });

  test('a ledger is settled when nothing is out', () => {
    const ledger = openLedger(budgetOf({ cpu: amount(1) }), 1, 0);
    expect(isSettled(ledger)).toBe(true);
    const [withToken] = decide(ledger, [requestOf()], 0);
    expect(isSettled(withToken)).toBe(false);
    const [withBytes] = decide(ledger, [creditRequest(0, 10)], 0);
    expect(isSettled(withBytes)).toBe(false);
  });
});

describe('changes of the budget', () => {
  test('what is out stays out, and nothing is granted until it fits again', () => {
    const before = openLedger(budgetOf({ cpu: amount(3) }), 1, 0);
    const [full] = decide(before, [requestOf(), requestOf(), requestOf()], 0);
    const less = changeBudget(full, budgetOf({ cpu: amount(2) }), 0);
    expect(usedOf(less, 'cpu')).toBe(3000);
    expect(decide(less, [requestOf()], 0)[1].refusals).toMatchObject([{ denial: { free: 0 } }]);
    const two = settle(less, [settlementOf({ tokens: [0] })]);
    expect(decide(two, [requestOf()], 0)[1].grants).toHaveLength(0);
    const one = settle(two, [settlementOf({ tokens: [1] })]);
    expect(decide(one, [requestOf()], 0)[1].grants).toHaveLength(1);
  });

  test('a larger budget counts at once', () => {
    const [full] = decide(openLedger(budgetOf({ cpu: amount(1) }), 1, 0), [requestOf()], 0);
    const more = changeBudget(full, budgetOf({ cpu: amount(2) }, 2000), 0);
    expect(decide(more, [requestOf()], 0)[1].grants).toHaveLength(1);
    expect(more.blockBytes).toBe(2000);
  });

  test('a rate keeps its level, cut to the new burst', () => {
    const before = openLedger(budgetOf({ calls: { perSecond: 1000, burst: 5000 } }), 1, 0);
    const less = changeBudget(before, budgetOf({ calls: { perSecond: 1000, burst: 2000 } }), 0);
    expect(levelOf(less, 'calls')).toBe(2000);
    const more = changeBudget(less, budgetOf({ calls: { perSecond: 1000, burst: 9000 } }), 0);
    expect(levelOf(more, 'calls')).toBe(2000);
  });

  test('the time before a change refills at the rate that held then', () => {
    const slow = budgetOf({ calls: { perSecond: 1000, burst: 100_000 } });
    const call = requestOf({ needs: { calls: 100_000 } });
    const [spent] = decide(openLedger(slow, 1, 0), [call], 0);
    const fast = budgetOf({ calls: { perSecond: 100_000, burst: 100_000 } });
    const [after, { refusals }] = decide(changeBudget(spent, fast, 1000), [call], 1000);
    expect(levelOf(after, 'calls')).toBe(1000);
    expect(refusals).toHaveLength(1);
  });

  test('an amount that becomes a rate and an amount again still counts what is out', () => {
    const asAmount = budgetOf({ cpu: amount(2) });
    const asRate = budgetOf({ cpu: { perSecond: 1000, burst: 1000 } });
    const [held] = decide(openLedger(asAmount, 1, 0), [requestOf()], 0);
    const back = changeBudget(changeBudget(held, asRate, 0), asAmount, 0);
    expect(usedOf(back, 'cpu')).toBe(1000);
  });

  test('a rate that becomes an amount gets nothing back from tasks that took from the rate', () => {
    const asRate = budgetOf({ cpu: { perSecond: 1000, burst: 1000 } });
    const [held] = decide(openLedger(asRate, 1, 0), [requestOf()], 0);
    const changed = changeBudget(held, budgetOf({ cpu: amount(2) }), 0);
    const settled = settle(changed, [settlementOf({ tokens: [0] })]);
    expect(usedOf(settled, 'cpu')).toBe(0);
  });
});

/** One step of a random history. Fractions choose among what is there: a token, a part of the bytes. */
type Step =
  | {
      readonly kind: 'ask';
      readonly holder: number;
      readonly cpu: number;
      readonly gpu: number;
      readonly bytes: number;
      readonly blocks: number;
      readonly forced: boolean;
    }
  | {
      readonly kind: 'credit';
      readonly holder: number;
      readonly bytes: number;
      readonly forced: boolean;
    }
  | {
      readonly kind: 'settle';
      readonly pick: number;
      readonly produced: number;
      readonly returned: number;
      readonly released: number;
    }
  | { readonly kind: 'budget'; readonly cpu: number; readonly gpu: number; readonly bytes: number }
  | { readonly kind: 'close'; readonly holder: number };

const HOLDERS = 4;
const holder = fc.nat(HOLDERS - 1);
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

const ask = (forced: fc.Arbitrary<boolean>): fc.Arbitrary<Step> =>
  fc.record({
    kind: fc.constant('ask' as const),
    holder,
    cpu: fc.nat(3000),
    gpu: fc.nat(1500),
    bytes: fc.nat(400),
    blocks: fc.nat(5),
    forced,
  });
const credit = (forced: fc.Arbitrary<boolean>): fc.Arbitrary<Step> =>
  fc.record({ kind: fc.constant('credit' as const), holder, bytes: fc.nat(600), forced });
const settlement: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('settle' as const),
  pick: fraction,
  produced: fraction,
  returned: fraction,
  released: fraction,
});
const newBudget: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('budget' as const),
  cpu: fc.nat(5000),
  gpu: fc.nat(2000),
  bytes: fc.nat(2000),
});
const closing: fc.Arbitrary<Step> = fc.record({ kind: fc.constant('close' as const), holder });

const never = fc.constant(false);
const LONG = { maxLength: 60, size: 'max' } as const;
const START = budgetOf({ cpu: amount(4), gpu: amount(2) }, 1000);

/** Takes a ledger through one step. Settles only what can be settled, as the engine does. */
function walk(ledger: Ledger, step: Step): [Ledger, ReturnType<typeof decide>[1] | undefined] {
  switch (step.kind) {
    case 'ask':
      return decide(
        ledger,
        [
          requestOf({
            holder: step.holder,
            needs: { cpu: step.cpu, gpu: step.gpu },
            firstBytes: step.bytes,
            blockBytes: step.bytes,
            blocks: step.blocks,
            forced: step.forced,
          }),
        ],
        0,
      );
    case 'credit':
      return decide(ledger, [creditRequest(step.holder, step.bytes, { forced: step.forced })], 0);
    case 'settle': {
      const tokens = [...ledger.tokens];
      const [token, line] = tokens[Math.floor(step.pick * tokens.length)] ?? [];
      const who = line?.holder ?? Math.floor(step.pick * (HOLDERS - 1));
      const { reserved = 0, live = 0 } = ledger.accounts[who] ?? {};
      const produced = Math.floor(step.produced * reserved);
      const settled = settlementOf({
        holder: who,
        tokens: token === undefined ? [] : [token],
        produced,
        returned: Math.floor(step.returned * (reserved - produced)),
        released: Math.floor(step.released * (live + produced)),
      });
      return [settle(ledger, [settled]), undefined];
    }
    case 'budget': {
      const { cpu, gpu, bytes } = step;
      const budget = budgetOf({ cpu: { amount: cpu }, gpu: { amount: gpu } }, bytes);
      return [changeBudget(ledger, budget, 0), undefined];
    }
    case 'close':
      return [settle(ledger, [settlementOf({ holder: step.holder, closed: true })]), undefined];
  }
}

describe('any history', () => {
  test('keeps every resource whole: what is out and what is free is the budget', () => {
    const steps = fc.array(
      fc.oneof(ask(fc.boolean()), credit(fc.boolean()), settlement, newBudget, closing),
      LONG,
    );
    fc.assert(
      fc.property(steps, (history) => {
        let ledger = openLedger(START, HOLDERS, 0);
        for (const step of history) {
          const [after, decision] = walk(ledger, step);
          for (const name of ['cpu', 'gpu']) {
            const out = [...after.tokens.values()].map(({ needs }) => needs[name] ?? 0);
            expect(usedOf(after, name)).toBe(out.reduce((sum, one) => sum + one, 0));
          }
          for (const { reserved, live, tokens } of after.accounts) {
            expect(Math.min(reserved, live, tokens)).toBeGreaterThanOrEqual(0);
          }
          if (step.kind === 'ask' && decision !== undefined) {
            const isGranted = decision.grants.length === 1;
            expect(decision.refusals).toHaveLength(isGranted ? 0 : 1);
            // All or nothing: a refusal changes nothing, and a grant that is not forced fits.
            if (!isGranted) expect(after.resources).toEqual(ledger.resources);
            if (isGranted && !step.forced) {
              for (const name of ['cpu', 'gpu'] as const) {
                const line = after.resources[name];
                const total = line?.kind === 'amount' ? line.total : 0;
                if (step[name] > 0) expect(usedOf(after, name)).toBeLessThanOrEqual(total);
              }
            }
          }
          ledger = after;
        }
      }),
    );
  });

  test('ends at zero when all that is out comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(ask(fc.boolean()), settlement, newBudget), LONG), (history) => {
        const end = history.reduce(
          (ledger, step) => walk(ledger, step)[0],
          openLedger(START, HOLDERS, 0),
        );
        const settlements = end.accounts.map(({ reserved, live }, index) =>
          settlementOf({
            holder: index,
            tokens: [...end.tokens].filter(([, line]) => line.holder === index).map(([id]) => id),
            returned: reserved,
            released: live,
            closed: true,
          }),
        );
        expect(isSettled(settle(end, settlements))).toBe(true);
      }),
    );
  });

  test('keeps the bytes within the budget', () => {
    const steps = fc.array(fc.oneof(ask(never), credit(never), settlement), LONG);
    fc.assert(
      fc.property(steps, (history) => {
        let ledger = openLedger(START, HOLDERS, 0);
        for (const step of history) {
          [ledger] = walk(ledger, step);
          expect(usedBytes(ledger)).toBeLessThanOrEqual(START.blockBytes);
        }
      }),
    );
  });

  test('keeps the bytes within the budget when accounts close', () => {
    const steps = fc.array(fc.oneof(credit(never), credit(never), settlement, closing), LONG);
    fc.assert(
      fc.property(steps, (history) => {
        let ledger = openLedger(START, HOLDERS, 0);
        for (const step of history) {
          // Who has closed its account asks for nothing more.
          if (step.kind === 'credit' && ledger.accounts[step.holder]?.open === false) continue;
          [ledger] = walk(ledger, step);
          expect(usedBytes(ledger)).toBeLessThanOrEqual(START.blockBytes);
        }
      }),
    );
  });

  test('exceeds the bytes of the budget by no more than was forced', () => {
    const steps = fc.array(fc.oneof(ask(fc.boolean()), credit(fc.boolean()), settlement), LONG);
    fc.assert(
      fc.property(steps, (history) => {
        let ledger = openLedger(START, HOLDERS, 0);
        let forced = 0;
        for (const step of history) {
          const [after, decision] = walk(ledger, step);
          for (const grant of decision?.grants ?? [])
            if (grant.forced) forced += grant.credit.bytes;
          expect(usedBytes(after)).toBeLessThanOrEqual(START.blockBytes + forced);
          ledger = after;
        }
      }),
    );
  });

  test('leaves each open account the floor it had from the start', () => {
    const steps = fc.array(fc.oneof(ask(never), credit(never), settlement, closing), LONG);
    fc.assert(
      fc.property(steps, holder, (history, who) => {
        const ledger = history.reduce(
          (before, step) => {
            // Who has closed its account asks for nothing more.
            const isClosed = 'holder' in step && before.accounts[step.holder]?.open === false;
            return isClosed ? before : walk(before, step)[0];
          },
          openLedger(START, HOLDERS, 0),
        );
        const account = ledger.accounts[who];
        if (account?.open !== true) return;
        const floor = floorBytes(ledger.blockBytes, HOLDERS);
        const left = floor - account.reserved - account.live;
        if (left <= 0) return;
        expect(decide(ledger, [creditRequest(who, left)], 0)[1].grants).toHaveLength(1);
      }),
      { numRuns: 300 },
    );
  });
});
