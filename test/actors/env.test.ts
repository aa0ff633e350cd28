import { afterEach, describe, expect, test, vi } from 'vitest';
import { liveEnv, macrotask } from '../../actors/env.ts';
import { simEnv } from '../../actors/sim-env.ts';

describe('the real world', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('has a clock that does not go back, and random numbers', () => {
    const before = liveEnv.now();
    expect(liveEnv.now()).toBeGreaterThanOrEqual(before);
    const draw = liveEnv.random();
    expect(draw >= 0 && draw < 1).toBe(true);
  });

  test('calls back after a delay, once, unless that is cancelled', () => {
    vi.useFakeTimers();
    const calls: string[] = [];
    liveEnv.setTimer(100, () => calls.push('kept'));
    const cancel = liveEnv.setTimer(100, () => calls.push('cancelled'));
    cancel();
    vi.advanceTimersByTime(99);
    expect(calls).toEqual([]);
    vi.advanceTimersByTime(1000);
    expect(calls).toEqual(['kept']);
  });

  test('does not call back at once when a delay is longer than timers can be', () => {
    vi.useFakeTimers();
    let calls = 0;
    liveEnv.setTimer(2 ** 31, () => {
      calls += 1;
    });
    vi.advanceTimersByTime(1000);
    expect(calls).toBe(0);
  });

  test('calls deferred work in the next macrotask, behind all promises', async () => {
    const order: string[] = [];
    const deferred = new Promise<void>((resolve) => {
      liveEnv.defer(() => {
        order.push('macrotask');
        resolve();
      });
    });
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(() => order.push('promise'));
    await deferred;
    expect(order).toEqual(['promise', 'macrotask']);
  });
});

describe('where there is no setImmediate, as in browsers', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test('deferred work comes in order, in macrotasks of its own', async () => {
    vi.resetModules();
    vi.stubGlobal('setImmediate', undefined);
    const { liveEnv: browserEnv } = await import('../../actors/env.ts');
    const order: number[] = [];
    await new Promise<void>((resolve) => {
      browserEnv.defer(() => order.push(1));
      browserEnv.defer(() => {
        order.push(2);
        resolve();
      });
    });
    expect(order).toEqual([1, 2]);
  });
});

test('waiting for a macrotask waits for one', async () => {
  const env = simEnv();
  let passed = false;
  const waiting = macrotask(env).then(() => {
    passed = true;
  });
  await Promise.resolve();
  expect(passed).toBe(false);
  await env.drive(waiting);
  expect(passed).toBe(true);
});
