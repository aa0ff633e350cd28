import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  accountTime,
  nameDoing,
  shareOut,
  startShares,
  type Doing,
} from '../../../machines/operator/operator.shares.ts';

const idle: Doing = { active: 0, holding: 0, waiting: false, over: false, denial: undefined };
const denial = { limit: 'cpu', asked: 1, free: 0, since: 0 };

describe('what an operator does', () => {
  test.each([
    ['starved when nothing waits and nothing runs', idle, 'starved'],
    ['running while a task runs', { ...idle, active: 1 }, 'running'],
    ['running while one of several tasks runs', { ...idle, active: 2, holding: 1 }, 'running'],
    ['running even when more was denied', { ...idle, active: 1, waiting: true, denial }, 'running'],
    ['blocked by the limit that denied it', { ...idle, waiting: true, denial }, 'cpu'],
    ['blocked by a limit while all tasks hold', { ...idle, active: 2, holding: 2, denial }, 'cpu'],
    ['being dispatched between input and decision', { ...idle, waiting: true }, 'dispatch'],
    ['starved when a limit denied it and nothing waits', { ...idle, denial }, 'starved'],
    ['over at the end', { ...idle, over: true }, 'over'],
  ] as const)('is %s', (_name, doing, expected) => {
    expect(nameDoing(doing)).toBe(expected);
  });
});

test('time is counted for what was being done while it passed', () => {
  let shares = startShares(100);
  shares = accountTime(shares, 'running', 150);
  shares = accountTime(shares, 'cpu', 350);
  expect(shareOut(shares, 600)).toEqual({ starved: 10, running: 40, cpu: 50 });
});

test('nothing changes while the same is being done', () => {
  const shares = startShares(0);
  expect(accountTime(shares, 'starved', 10)).toBe(shares);
});

test('time after the end is not counted', () => {
  const running = accountTime(startShares(0), 'running', 10);
  const over = accountTime(running, 'over', 20);
  expect(shareOut(over, 1_000_000)).toEqual({ starved: 50, running: 50 });
});

test('a clock that seems to go back takes nothing away', () => {
  const shares = accountTime(accountTime(startShares(10), 'running', 5), 'cpu', 20);
  expect(shareOut(shares, 30)).toEqual({ running: 50, cpu: 50 });
});

test('old shares stay true', () => {
  const before = accountTime(startShares(0), 'running', 10);
  const copy = structuredClone(before);
  accountTime(before, 'cpu', 20);
  expect(before).toEqual(copy);
});

test('shares add up to 100, whatever was done', () => {
  const doing = fc.constantFrom('starved', 'running', 'cpu', 'blockBytes', 'queue', 'dispatch');
  const steps = fc.array(fc.tuple(doing, fc.double({ min: 0, max: 1e9, noNaN: true })));
  fc.assert(
    fc.property(steps, fc.boolean(), (history, ends) => {
      let now = 50;
      let shares = startShares(now);
      for (const [what, wait] of history) {
        now += wait;
        shares = accountTime(shares, what, now);
      }
      if (ends) shares = accountTime(shares, 'over', now + 1);
      const parts = Object.values(shareOut(shares, now + 10));
      expect(parts.every((part) => part >= 0)).toBe(true);
      expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(100, 6);
    }),
  );
});

test('shares add up to 100 before any time has passed', () => {
  expect(shareOut(startShares(5), 5)).toEqual({ starved: 100 });
  expect(shareOut(accountTime(startShares(5), 'over', 5), 9)).toEqual({ running: 100 });
});
