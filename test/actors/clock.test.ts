import { expect, test } from 'vitest';
import { createClock } from '../../actors/clock.ts';
import { simEnv } from '../../actors/sim-env.ts';
import type { CycleEvent } from '../../machines/hands.protocol.ts';
import { recorder } from '../machines/support/recorder.ts';

interface Ring {
  readonly type: string;
}

function setUp() {
  const env = simEnv();
  const clock = createClock(env);
  const rings = recorder<Ring>();
  const cycles = recorder<CycleEvent>();
  return {
    env,
    clock,
    cycles,
    rings: () => rings.messages.map(({ type }) => type),
    wake: (key: string, delay: number, type = key): void => {
      const replyTo = rings.address as never;
      clock.receive({ type: 'clock.wake', key, delay, event: { type }, replyTo });
    },
  };
}

test('a cycle comes when all that was due before has had its turn, with the time', async () => {
  const { env, clock, cycles } = setUp();
  await env.advance(7);
  const order: string[] = [];
  clock.receive({ type: 'clock.cycle', replyTo: cycles.address });
  env.defer(() => {
    order.push(`deferred, cycles: ${String(cycles.messages.length)}`);
  });
  expect(cycles.messages).toEqual([]);
  await env.advance();
  expect(order).toEqual(['deferred, cycles: 0']);
  expect(cycles.messages).toEqual([{ type: 'cycle', now: 7 }]);
});

test('an alarm rings once, after its delay', async () => {
  const { env, wake, rings } = setUp();
  wake('retry', 50);
  await env.advance(49);
  expect(rings()).toEqual([]);
  await env.advance(1000);
  expect(rings()).toEqual(['retry']);
});

test('a second alarm under the same key replaces the first', async () => {
  const { env, wake, rings } = setUp();
  wake('retry', 50, 'first');
  wake('retry', 80, 'second');
  await env.advance();
  expect(rings()).toEqual(['second']);
  expect(env.now()).toBe(80);
});

test('alarms under other keys ring on their own', async () => {
  const { env, wake, rings } = setUp();
  wake('late', 80);
  wake('early', 50);
  await env.advance();
  expect(rings()).toEqual(['early', 'late']);
});

test('an alarm that is switched off does not ring, and can be set again', async () => {
  const { env, clock, wake, rings } = setUp();
  wake('retry', 50);
  clock.receive({ type: 'clock.cancel', key: 'retry' });
  clock.receive({ type: 'clock.cancel', key: 'nobody has set this' });
  expect(env.pending()).toBe(0);
  wake('retry', 60);
  await env.advance();
  expect(rings()).toEqual(['retry']);
});

test('an alarm may be set again by whom it wakes', async () => {
  const { env, wake, rings } = setUp();
  wake('retry', 50);
  await env.advance();
  wake('retry', 50);
  await env.advance();
  expect(rings()).toEqual(['retry', 'retry']);
});

test('when it closes, nothing rings any more and no cycle comes', async () => {
  const { env, clock, wake, rings, cycles } = setUp();
  wake('retry', 50);
  clock.receive({ type: 'clock.cycle', replyTo: cycles.address });
  clock.close();
  await env.advance();
  expect(rings()).toEqual([]);
  expect(cycles.messages).toEqual([]);
  expect(env.pending()).toBe(0);
});
