import { describe, expect, test } from 'vitest';
import { rowBlock } from '../../actors/block.ts';
import { createBlockStore } from '../../actors/block-store.ts';
import { createOutlet, type Consumption } from '../../actors/outlet.ts';
import { simEnv } from '../../actors/sim-env.ts';
import type { BlockRef } from '../../machines/block.ts';
import { StoreError } from '../../machines/errors.ts';
import type {
  DeadLetter,
  OutletAbandoned,
  OutletClosed,
  OutletReport,
} from '../../machines/hands.protocol.ts';
import { recorder } from '../machines/support/recorder.ts';

/** An outlet with a store, in virtual time; the test plays the supervisor. */
function setUp(onDeadLetter: (letter: DeadLetter) => void | Promise<void> = () => undefined) {
  const env = simEnv();
  const store = createBlockStore();
  const demands: number[] = [];
  const outlet = createOutlet({
    env,
    store,
    onDeadLetter,
    send: (event) => {
      if (event.type === 'consumer.demand') demands.push(event.blocks);
    },
  });
  const put = (row: number): BlockRef => store.put(rowBlock([row]), String(row), 0);
  const closed = recorder<OutletClosed>();
  return {
    env,
    store,
    outlet,
    demands,
    put,
    demanded: () => demands.reduce((sum, blocks) => sum + blocks, 0),
    begin: (consumption: Consumption = { kind: 'pull' }): void => {
      outlet.start();
      outlet.consume(consumption);
    },
    deliver: (...rows: readonly number[]): readonly BlockRef[] => {
      const refs = rows.map(put);
      outlet.receive({ type: 'outlet.deliver', refs });
      return refs;
    },
    bury: (input: BlockRef): void => {
      const letter = { operator: 'work', lineage: '0', attempts: 1, cause: 'bad', published: 0 };
      outlet.receive({ type: 'outlet.deadLetter', letter: { ...letter, input, row: undefined } });
    },
    close: (outcome: 'done' | 'failed' | 'cancelled'): void => {
      const event = { type: 'outlet.close', outcome, reason: undefined } as const;
      outlet.receive({ ...event, replyTo: closed.address });
    },
    isClosed: () => closed.messages.length > 0,
    report: (): OutletReport | undefined => {
      const reports = recorder<OutletReport>();
      outlet.receive({ type: 'outlet.poll', replyTo: reports.address });
      return reports.messages[0];
    },
  };
}

describe('demand', () => {
  test('is told when the run has begun and somebody consumes, whichever comes first', () => {
    const early = setUp();
    early.outlet.consume({ kind: 'pull' });
    expect(early.demands).toEqual([]);
    early.outlet.start();
    expect(early.demands).toEqual([4]);
    const late = setUp();
    late.outlet.start();
    expect(late.demands).toEqual([]);
    late.outlet.consume({ kind: 'pull' });
    expect(late.demands).toEqual([4]);
  });

  /** Takes blocks, each after a wait; returns the most blocks there were on demand at once. */
  async function consume(
    { env, outlet, deliver, demanded }: ReturnType<typeof setUp>,
    blocks: number,
    waitMs: number,
    before = 0,
  ): Promise<number> {
    let most = 0;
    for (let count = before; count < before + blocks; count++) {
      most = Math.max(most, demanded() - count);
      deliver(count);
      if (waitMs > 0) await env.drive(env.sleep(waitMs));
      const ref = await outlet.take();
      if (ref !== undefined) outlet.release(ref);
    }
    return most;
  }

  test('grows for a fast consumer, up to a limit', async () => {
    const fast = setUp();
    fast.begin();
    expect(await consume(fast, 20, 0)).toBeGreaterThan(8);
    expect(await consume(fast, 2000, 0, 20)).toBe(256);
  });

  test('stays small for a slow consumer', async () => {
    const slow = setUp();
    slow.begin();
    expect(await consume(slow, 100, 50)).toBe(4);
  });

  test('shrinks again when a fast consumer becomes slow', async () => {
    const changing = setUp();
    changing.begin();
    await consume(changing, 2000, 0);
    await consume(changing, 300, 50, 2000);
    expect(await consume(changing, 100, 50, 2300)).toBe(4);
  });

  test('keeps a consumer busy for a few milliseconds', async () => {
    const steady = setUp();
    steady.begin();
    // Eight blocks a millisecond: half a window is worth more than one of them.
    const most = await consume(steady, 500, 1 / 8);
    expect(most).toBeGreaterThanOrEqual(16);
    expect(most).toBeLessThanOrEqual(64);
  });

  test('never exceeds what was taken by more than the window', async () => {
    const fast = setUp();
    fast.begin();
    await consume(fast, 5000, 0);
    expect(fast.demanded() - 5000).toBeLessThanOrEqual(256);
    expect(fast.demanded() - 5000).toBeGreaterThan(0);
  });

  test('is not told any more when the run is over', async () => {
    const over = setUp();
    over.begin();
    over.deliver(1, 2, 3, 4);
    over.close('done');
    const before = over.demanded();
    for (let count = 0; count < 4; count++) await over.outlet.take();
    expect(over.demanded()).toBe(before);
  });
});

describe('a consumer that pulls', () => {
  test('gets the blocks in the order in which they came', async () => {
    const { begin, deliver, outlet } = setUp();
    begin();
    const first = deliver(1, 2);
    const second = deliver(3);
    const taken = [await outlet.take(), await outlet.take(), await outlet.take()];
    expect(taken).toEqual([...first, ...second]);
  });

  test('waits for blocks that are still to come', async () => {
    const { begin, deliver, outlet } = setUp();
    begin();
    const waiting = [outlet.take(), outlet.take()].map((taken) => Promise.resolve(taken));
    const refs = deliver(1, 2);
    expect(await Promise.all(waiting)).toEqual(refs);
  });

  test('holds what it took until it lets go', async () => {
    const { begin, deliver, outlet, store } = setUp();
    begin();
    deliver(1);
    const ref = await outlet.take();
    expect(store.usage.blocks).toBe(1);
    if (ref !== undefined) outlet.release(ref);
    expect(store.usage.blocks).toBe(0);
  });

  test('is the only one: a second one changes nothing', () => {
    const { begin, outlet, deliver, store } = setUp();
    expect(outlet.isConsumed).toBe(false);
    begin();
    outlet.consume({ kind: 'drain' });
    expect(outlet.isConsumed).toBe(true);
    deliver(1);
    expect(store.usage.blocks).toBe(1);
  });

  test('is seen with the blocks it has, and whether it waits', async () => {
    const { begin, deliver, outlet, report } = setUp();
    begin();
    expect(report()).toEqual({ type: 'outlet.report', held: 0, waits: false, burying: 0 });
    const taking = outlet.take();
    expect(report()).toMatchObject({ held: 0, waits: true });
    deliver(1, 2, 3);
    const ref = await taking;
    expect(report()).toMatchObject({ held: 3, waits: false });
    if (ref !== undefined) outlet.release(ref);
    expect(report()).toMatchObject({ held: 2 });
    outlet.abandon();
    expect(report()).toMatchObject({ held: 0 });
  });

  test('cannot let the same block go twice, and is not taken to hold less for it', async () => {
    const { begin, deliver, outlet, report } = setUp();
    begin();
    deliver(1, 2);
    const ref = await outlet.take();
    await outlet.take();
    if (ref === undefined) throw new Error('nothing came');
    outlet.release(ref);
    expect(() => {
      outlet.release(ref);
    }).toThrow(StoreError);
    expect(report()).toMatchObject({ held: 1 });
  });
});

describe('a consumer that drains', () => {
  test('takes whatever comes and keeps nothing', () => {
    const { begin, deliver, demands, store, report } = setUp();
    begin({ kind: 'drain' });
    expect(demands).toEqual([Number.MAX_SAFE_INTEGER]);
    deliver(1, 2, 3);
    expect(store.usage.blocks).toBe(0);
    expect(report()).toMatchObject({ held: 0, waits: true });
  });
});

describe('a consumer that is pushed to', () => {
  test('gets each block while it is there, and asks for more', () => {
    const setup = setUp();
    const rows: unknown[] = [];
    setup.begin({
      kind: 'push',
      push: (ref) => {
        rows.push(...setup.store.get(ref).rows);
      },
    });
    setup.deliver(1, 2, 3);
    expect(rows).toEqual([1, 2, 3]);
    expect(setup.store.usage.blocks).toBe(0);
    expect(setup.demanded()).toBeGreaterThan(4);
    expect(setup.report()).toMatchObject({ waits: true });
  });
});

describe('the end', () => {
  test('of a run that is done leaves what was delivered to be taken', async () => {
    const { begin, deliver, outlet, close, isClosed, env } = setUp();
    begin();
    const refs = deliver(1, 2);
    close('done');
    await env.advance();
    expect(isClosed()).toBe(true);
    expect(outlet.isClosed()).toBe(true);
    expect([await outlet.take(), await outlet.take()]).toEqual(refs);
    expect(await outlet.take()).toBeUndefined();
  });

  test.each(['failed', 'cancelled'] as const)(
    'of a run that %s lets go of what was not taken',
    async (outcome) => {
      const { begin, deliver, outlet, close, store } = setUp();
      begin();
      deliver(1, 2, 3);
      const ref = await outlet.take();
      close(outcome);
      expect(store.usage.blocks).toBe(1);
      expect(await outlet.take()).toBeUndefined();
      if (ref !== undefined) outlet.release(ref);
      expect(store.usage.blocks).toBe(0);
    },
  );

  test('is told to whoever waits', async () => {
    const { begin, outlet, close } = setUp();
    begin();
    const waiting = [outlet.take(), outlet.take()].map((taken) => Promise.resolve(taken));
    close('done');
    expect(await Promise.all(waiting)).toEqual([undefined, undefined]);
  });

  test('comes once', async () => {
    const { begin, deliver, close, store, env } = setUp();
    begin();
    deliver(1);
    close('done');
    close('cancelled');
    await env.advance();
    expect(store.usage.blocks).toBe(1);
  });
});

describe('dead letters', () => {
  test('hold their block until they are handled', async () => {
    const seen: unknown[] = [];
    const setup = setUp(async (letter) => {
      await setup.env.sleep(10);
      seen.push(setup.store.get(letter.input).rows);
    });
    setup.bury(setup.put(7));
    expect(setup.store.usage.blocks).toBe(1);
    expect(setup.report()).toMatchObject({ burying: 1 });
    await setup.env.advance();
    expect(setup.report()).toMatchObject({ burying: 0 });
    expect(seen).toEqual([[7]]);
    expect(setup.store.usage.blocks).toBe(0);
  });

  test.each(['done', 'failed'] as const)('keep a run that is %s from closing', async (outcome) => {
    const setup = setUp(() => setup.env.sleep(10));
    setup.bury(setup.put(7));
    setup.outlet.await(setup.env.sleep(20));
    setup.close(outcome);
    await setup.env.advance(15);
    expect(setup.isClosed()).toBe(false);
    await setup.env.advance();
    expect(setup.isClosed()).toBe(true);
  });

  test('do not keep a run that is cancelled', async () => {
    const setup = setUp(() => setup.env.sleep(10));
    setup.bury(setup.put(7));
    setup.close('cancelled');
    await setup.env.advance(0);
    expect(setup.isClosed()).toBe(true);
  });
});

describe('when it is abandoned after the run was done', () => {
  function abandon({ outlet }: ReturnType<typeof setUp>): OutletAbandoned | undefined {
    const answers = recorder<OutletAbandoned>();
    const event = { type: 'outlet.abandon', reason: 'enough' } as const;
    outlet.receive({ ...event, replyTo: answers.address });
    return answers.messages[0];
  }

  test('it lets go of what the consumer has not taken, and tells how much that was, and why', () => {
    const played = setUp();
    played.begin();
    played.deliver(1, 2, 3);
    const taken = played.outlet.take() as BlockRef;
    played.close('done');
    expect(abandon(played)).toEqual({ type: 'outlet.abandoned', blocks: 2, reason: 'enough' });
    expect(played.outlet.leftBehind()).toEqual({ reason: 'enough' });
    expect([played.outlet.take(), played.store.usage.blocks]).toEqual([undefined, 1]);
    played.outlet.release(taken);
    expect(played.store.usage.blocks).toBe(0);
  });

  test('nothing was left behind when the consumer had all', () => {
    const played = setUp();
    played.begin();
    played.close('done');
    expect(abandon(played)).toMatchObject({ blocks: 0 });
    expect(played.outlet.leftBehind()).toBeUndefined();
  });

  test('it waits for no dead letter', async () => {
    const played = setUp(() => new Promise(() => undefined));
    played.begin();
    played.bury(played.put(1));
    played.close('done');
    await played.env.advance();
    expect([played.isClosed(), played.outlet.isBusy()]).toEqual([false, true]);
    abandon(played);
    await played.env.advance();
    expect(played.isClosed()).toBe(true);
  });
});
