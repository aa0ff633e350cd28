import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom, simEnv, type SimEnv } from '../../actors/sim-env.ts';

describe('virtual time', () => {
  test('stands still until it is let pass', async () => {
    const env = simEnv();
    const calls: number[] = [];
    env.setTimer(10, () => calls.push(env.now()));
    await Promise.resolve();
    expect(calls).toEqual([]);
    await env.advance(9);
    expect(calls).toEqual([]);
    await env.advance(1);
    expect(calls).toEqual([10]);
  });

  test('jumps to what is due next, in the order of time and then of asking', async () => {
    const env = simEnv();
    const calls: string[] = [];
    const note = (name: string) => (): void => {
      calls.push(`${name} at ${String(env.now())}`);
    };
    env.setTimer(20, note('late'));
    env.setTimer(10, note('early'));
    env.setTimer(10, note('second'));
    env.defer(note('deferred'));
    env.setTimer(-5, note('overdue'));
    await env.advance();
    expect(calls).toEqual([
      'deferred at 0',
      'overdue at 0',
      'early at 10',
      'second at 10',
      'late at 20',
    ]);
  });

  test('passes exactly as long as it is told, even when nothing happens', async () => {
    const env = simEnv();
    await env.advance(25);
    expect(env.now()).toBe(25);
    env.setTimer(10, () => undefined);
    await env.advance(5);
    expect([env.now(), env.pending()]).toEqual([30, 1]);
  });

  test('follows promises to their end between two events', async () => {
    const env = simEnv();
    const calls: string[] = [];
    env.setTimer(1, () => {
      void Promise.resolve()
        .then(() => Promise.resolve())
        .then(() => calls.push('promise'));
    });
    env.setTimer(1, () => calls.push('timer'));
    await env.advance();
    expect(calls).toEqual(['promise', 'timer']);
  });

  test('a timer that is cancelled does not go off', async () => {
    const env = simEnv();
    let calls = 0;
    const cancel = env.setTimer(10, () => {
      calls += 1;
    });
    cancel();
    cancel();
    expect(env.pending()).toBe(0);
    await env.advance();
    expect(calls).toBe(0);
  });

  test('any timers go off in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(20), { maxLength: 30 }), async (delays) => {
        const env = simEnv();
        const seen: [number, number][] = [];
        delays.forEach((delay, index) => {
          env.setTimer(delay, () => seen.push([env.now(), index]));
        });
        await env.advance();
        const expected = delays
          .map((delay, index): [number, number] => [delay, index])
          .sort(([a, i], [b, j]) => a - b || i - j);
        expect(seen).toEqual(expected);
      }),
      { numRuns: 30 },
    );
  });
});

describe('driving', () => {
  test('settles as the work does', async () => {
    const env = simEnv();
    const work = async (): Promise<string> => {
      await env.sleep(1000);
      return 'done';
    };
    expect(await env.drive(work())).toBe('done');
    expect(env.now()).toBe(1000);
    await expect(env.drive(Promise.reject(new Error('no')))).rejects.toThrow('no');
  });

  test('lets no more time pass than the work needs', async () => {
    const env = simEnv();
    env.setTimer(5000, () => undefined);
    await env.drive(env.sleep(10));
    expect([env.now(), env.pending()]).toEqual([10, 1]);
  });

  test('tells of a deadlock: nothing is left that could settle the work', async () => {
    const env = simEnv();
    env.setTimer(10, () => undefined);
    await expect(env.drive(new Promise(() => undefined))).rejects.toThrow('deadlock');
    expect(env.now()).toBe(10);
  });

  test('takes work that needs no time', async () => {
    expect(await simEnv().drive(Promise.resolve(7))).toBe(7);
  });
});

describe('randomness', () => {
  /** A small program that sleeps, draws, and leaves a trace. */
  async function trace(seed: number): Promise<readonly string[]> {
    const env = simEnv(seed);
    const lines: string[] = [];
    const worker = async (name: string, sim: SimEnv): Promise<void> => {
      for (let turn = 0; turn < 5; turn++) {
        await sim.sleep(Math.floor(sim.random() * 10));
        lines.push(`${name} ${String(sim.now())}`);
      }
    };
    await env.drive(Promise.all([worker('a', env), worker('b', env)]));
    return lines;
  }

  test('the same seed gives the same trace, another seed another one', async () => {
    expect(await trace(1)).toEqual(await trace(1));
    expect(await trace(1)).not.toEqual(await trace(2));
  });

  test('numbers lie between 0 and 1 and are spread evenly', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const random = seededRandom(seed);
        const draws = Array.from({ length: 500 }, random);
        expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
        const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
        expect(Math.abs(mean - 0.5)).toBeLessThan(0.1);
      }),
    );
  });
});
