/** Ledgers of the past stay true: snapshots of a run hold them, and ledgers have in common what is the same. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  changeBudget,
  decide,
  openLedger,
  settle,
  type Ledger,
  type LedgerBudget,
  type Request,
  type Settlement,
} from '../../../machines/resource/ledger.ts';

const HOLDERS = 3;
const BUDGET: LedgerBudget = {
  resources: { cpu: { amount: 6000 }, calls: { perSecond: 5000, burst: 8000 } },
  blockBytes: 1000,
};

function requestOf(parts: Partial<Request> = {}): Request {
  return { holder: 0, needs: { cpu: 1000 }, firstBytes: 0, blockBytes: 10, blocks: 1, ...parts };
}

function settlementOf(parts: Partial<Settlement> = {}): Settlement {
  return { holder: 0, tokens: [], produced: 0, returned: 0, released: 0, closed: false, ...parts };
}

/** A ledger with so many tokens out to holder 0. */
function ledgerWith(tokens: number): Ledger {
  const requests = Array.from({ length: tokens }, () => requestOf());
  return decide(openLedger(BUDGET, HOLDERS, 0), requests, 0)[0];
}

describe('an old ledger', () => {
  test('still has the tokens that were settled since', () => {
    const old = ledgerWith(3);
    const copy = structuredClone(old);
    const after = settle(old, [settlementOf({ tokens: [0] }), settlementOf({ tokens: [2] })]);
    expect([...after.tokens.keys()]).toEqual([1]);
    expect(old).toEqual(copy);
  });

  test('does not have the tokens that were granted since', () => {
    const old = ledgerWith(2);
    const copy = structuredClone(old);
    const [after] = decide(old, [requestOf(), requestOf({ holder: 1 })], 0);
    expect([...after.tokens.keys()]).toEqual([0, 1, 2, 3]);
    expect(old).toEqual(copy);
  });

  test('stays true when nothing but bytes or refusals came between', () => {
    const old = ledgerWith(1);
    const copy = structuredClone(old);
    const bytes = settle(old, [settlementOf({ produced: 0, closed: true })]);
    const [refused] = decide(bytes, [requestOf({ needs: { cpu: 99_000 } })], 0);
    const [granted] = decide(refused, [requestOf({ holder: 1 })], 0);
    settle(granted, [settlementOf({ tokens: [0] })]);
    expect([old, [...bytes.tokens.keys()], [...refused.tokens.keys()]]).toEqual([copy, [0], [0]]);
  });

  test('stays true when a settlement is refused half way', () => {
    const old = ledgerWith(2);
    const copy = structuredClone(old);
    const settlements = [settlementOf({ tokens: [0] }), settlementOf({ tokens: [7] })];
    expect(() => settle(old, settlements)).toThrow('token 7 is not out to 0');
    expect(old).toEqual(copy);
  });

  test('can be settled in two ways', () => {
    const old = ledgerWith(2);
    const [one, other] = [0, 1].map((token) => settle(old, [settlementOf({ tokens: [token] })]));
    expect([one?.tokens, other?.tokens].map((tokens) => [...(tokens?.keys() ?? [])])).toEqual([
      [1],
      [0],
    ]);
  });
});

test('a token is not settled twice in one go', () => {
  const twice = [settlementOf({ tokens: [0] }), settlementOf({ tokens: [0] })];
  expect(() => settle(ledgerWith(1), twice)).toThrow('token 0 is not out to 0');
});

test('what nobody has changed is not copied: it may be large', () => {
  const old = ledgerWith(3);
  expect(settle(old, [settlementOf({ closed: true })]).tokens).toBe(old.tokens);
  const [credited] = decide(old, [requestOf({ needs: undefined, firstBytes: 10 })], 0);
  expect(credited.tokens).toBe(old.tokens);
  const [refused] = decide(old, [requestOf({ needs: { cpu: 99_000 } })], 0);
  expect(refused.tokens).toBe(old.tokens);
});

const holder = fc.nat(HOLDERS - 1);
const ask = fc.record({
  kind: fc.constant('ask' as const),
  requests: fc.array(
    fc.record({
      holder,
      needs: fc.option(fc.record({ cpu: fc.nat(3000), calls: fc.nat(3000) }), { nil: undefined }),
      firstBytes: fc.nat(200),
      forced: fc.boolean(),
    }),
    { maxLength: 4 },
  ),
});
const giveBack = fc.record({
  kind: fc.constant('settle' as const),
  /** Which of the tokens that are out come back. */
  picks: fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
});
const budget = fc.record({ kind: fc.constant('budget' as const), cpu: fc.nat(9000) });
const anyStep = fc.oneof(ask, giveBack, budget);
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

function walk(ledger: Ledger, step: Step, now: number): Ledger {
  switch (step.kind) {
    case 'ask':
      return decide(ledger, step.requests.map(requestOf), now)[0];
    case 'settle': {
      const tokens = [...ledger.tokens].filter((_, index) => step.picks[index % 8]);
      return settle(
        ledger,
        tokens.map(([token, line]) => settlementOf({ holder: line.holder, tokens: [token] })),
      );
    }
    case 'budget':
      return changeBudget(
        ledger,
        { ...BUDGET, resources: { ...BUDGET.resources, cpu: { amount: step.cpu } } },
        now,
      );
  }
}

test('all ledgers of any history stay true', () => {
  const history = fc.array(anyStep, { maxLength: 30 });
  fc.assert(
    fc.property(history, (steps) => {
      let ledger = openLedger(BUDGET, HOLDERS, 0);
      const past: [Ledger, Ledger][] = [[ledger, structuredClone(ledger)]];
      for (const [at, step] of steps.entries()) {
        ledger = walk(ledger, step, at * 100);
        past.push([ledger, structuredClone(ledger)]);
      }
      for (const [old, copy] of past) expect(old).toEqual(copy);
    }),
  );
});
