/** When a pool starts another worker: at once, after a wait, or not at all. */
import { describe, expect, test } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import { createPoolGrowth, type PoolView } from '../../actors/workers/pool-growth.ts';

/** A pool in which starts take 80 ms, unless they have not been measured. */
function play({ startMs, runMs }: { startMs?: number | undefined; runMs?: number | undefined }) {
  const env = simEnv();
  let view: PoolView = { waiting: 0, ready: 1, starting: 0, room: 100, lost: 0 };
  const started: { readonly at: number; readonly count: number }[] = [];
  const growth = createPoolGrowth(env, ask);
  if (startMs !== undefined) growth.noteStart(startMs);
  if (runMs !== undefined) growth.noteRun(runMs);

  function ask(): number {
    const count = growth.workersToStart(view);
    if (count > 0) started.push({ at: env.now(), count });
    view = { ...view, starting: view.starting + count, room: view.room - count, lost: 0 };
    return count;
  }

  /** Something has changed: how many are started. */
  function see(changes: Partial<PoolView>): number {
    view = { ...view, ...changes };
    return ask();
  }

  return { env, growth, started, see };
}

const known = { startMs: 80, runMs: 8 };

describe('at once, another worker is started', () => {
  test('for each run, before it is known what a start takes', () => {
    expect(play({ runMs: 8 }).see({ waiting: 7 })).toBe(7);
    expect(play({ runMs: 8 }).see({ waiting: 7, starting: 3 })).toBe(4);
  });

  test('for each run, before it is known what a run takes', () => {
    expect(play({ startMs: 80 }).see({ waiting: 7 })).toBe(7);
  });

  test('for each run, when a run takes much longer than a start', () => {
    expect(play({ startMs: 500, runMs: 60_000 }).see({ waiting: 3, ready: 4 })).toBe(3);
  });

  test('when there is none, and only one when it will soon be done with what waits', () => {
    expect(play(known).see({ waiting: 7, ready: 0 })).toBe(1);
    expect(play(known).see({ waiting: 7, ready: 0, starting: 1 })).toBe(0);
  });

  test('when what waits is work for each of them for as long as a start takes, and for it as well', () => {
    expect(play(known).see({ waiting: 19 })).toBe(0);
    expect(play(known).see({ waiting: 20 })).toBe(1);
    expect(play(known).see({ waiting: 45 })).toBe(3);
    expect(play(known).see({ waiting: 45, ready: 3, starting: 2 })).toBe(0);
  });

  test('in place of one that was lost', () => {
    expect(play(known).see({ waiting: 2, lost: 1 })).toBe(1);
    expect(play(known).see({ waiting: 0, lost: 1 })).toBe(0);
  });

  test('never beyond what there is room for, and never for nothing', () => {
    expect(play({}).see({ waiting: 7, room: 2 })).toBe(2);
    expect(play({}).see({ waiting: 7, room: 0 })).toBe(0);
    expect(play({}).see({ waiting: 2, starting: 3 })).toBe(0);
    expect(play({ startMs: 1, runMs: 1000 }).see({ waiting: 7, room: 2 })).toBe(2);
  });
});

describe('after a wait', () => {
  test('as long as a start takes, as many are started as there are: also when nothing else happens', async () => {
    const { env, started, see } = play(known);
    see({ waiting: 7 });
    await env.advance(79);
    expect(started).toEqual([]);
    await env.advance(2);
    expect(started).toEqual([{ at: 80, count: 1 }]);
    see({ ready: 2, starting: 0 });
    await env.advance(80);
    expect(started).toEqual([
      { at: 80, count: 1 },
      { at: 160, count: 2 },
    ]);
  });

  test('but not more than there are runs', async () => {
    const { env, started, see } = play(known);
    see({ waiting: 2, ready: 8 });
    await env.advance(80);
    expect(started).toEqual([{ at: 80, count: 2 }]);
  });

  test('that is in pieces, too: a little again and again is as much as a lot at once', async () => {
    const { env, started, see } = play(known);
    for (let burst = 0; burst < 7; burst++) {
      see({ waiting: 3 });
      await env.advance(10);
      see({ waiting: 0 });
      await env.advance(1000);
    }
    expect(started).toEqual([]);
    see({ waiting: 3 });
    await env.advance(10);
    expect(started).toEqual([{ at: 7080, count: 1 }]);
  });

  test('nothing is started for what gets less by itself and will be gone by then', async () => {
    const { env, started, see } = play({ startMs: 500, runMs: 8 });
    for (let waiting = 100; waiting >= 0; waiting--) {
      see({ waiting });
      await env.advance(8);
    }
    expect(started).toEqual([]);
  });

  test('what gets less too slowly is no reason to wait on', async () => {
    const { env, started, see } = play({ startMs: 500, runMs: 8 });
    for (let waiting = 100; waiting >= 70; waiting--) {
      see({ waiting });
      await env.advance(25);
    }
    expect(started).toEqual([{ at: 500, count: 1 }]);
  });

  test('a wait for the first worker does not count: it has not begun', async () => {
    const { env, started, see } = play(known);
    expect(see({ waiting: 7, ready: 0 })).toBe(1);
    await env.advance(1000);
    see({ ready: 1, starting: 0, waiting: 6 });
    await env.advance(79);
    expect(started).toEqual([{ at: 0, count: 1 }]);
  });

  test('begins anew with each start', async () => {
    const { env, started, see } = play(known);
    see({ waiting: 7 });
    await env.advance(70);
    expect(see({ waiting: 7, lost: 1 })).toBe(1);
    await env.advance(70);
    expect(started).toEqual([{ at: 70, count: 1 }]);
  });
});

test('what starts and runs take follows what was measured last', () => {
  const { growth, see } = play(known);
  growth.noteStart(160);
  expect(see({ waiting: 20 })).toBe(0);
  for (let run = 0; run < 20; run++) growth.noteRun(160);
  expect(growth.runMs()).toBeGreaterThan(140);
  expect(see({ waiting: 3 })).toBe(2);
});

test('when it closes it leaves no timer', () => {
  const { env, growth, see } = play(known);
  see({ waiting: 7 });
  expect(env.pending()).toBe(1);
  growth.close();
  expect(env.pending()).toBe(0);
});

test('it asks for no time when nothing waits', async () => {
  const { env, see } = play(known);
  see({ waiting: 7 });
  see({ waiting: 0 });
  await env.advance(80);
  expect(env.pending()).toBe(0);
});
