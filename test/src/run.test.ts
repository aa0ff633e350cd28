/** The handle of a run: consuming, pausing, watching. */
import { Observable, from as observable } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { CancelledError, OptionError, pipeline, RunError, type BlockRef } from '../../src/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';

/** Blocks of one row each, so that order and counts are easy to see. */
function counting(env: SimEnv, count: number, delay = 10) {
  return pipeline('counting')
    .from(
      Array.from({ length: count }, (_, index) => index),
      { rowsPerBlock: 1 },
    )
    .mapBlocks(
      async (rows) => {
        await env.sleep(delay);
        return rows;
      },
      { name: 'work', preserveOrder: true },
    );
}

async function toArray<T>(items: AsyncIterable<T>): Promise<T[]> {
  const array: T[] = [];
  for await (const item of items) array.push(item);
  return array;
}

test('collect gives all rows', async () => {
  const env = simEnv();
  const run = counting(env, 5).start({ env });
  expect(await env.drive(run.collect())).toEqual([0, 1, 2, 3, 4]);
});

test('a run is an async iterable of its rows', async () => {
  const env = simEnv();
  expect(await env.drive(toArray(counting(env, 3).start({ env })))).toEqual([0, 1, 2]);
});

test('blocks carry lineage, counts and a schema', async () => {
  const env = simEnv();
  const run = pipeline('p')
    .from([{ name: 'a', born: new Date(0), tags: ['x'] }])
    .map((row) => row)
    .start({ env });
  const [block] = await env.drive(toArray(run.blocks()));
  expect(block).toMatchObject({ kind: 'rows', lineage: '0.0.0', numRows: 1 });
  expect(block?.sizeBytes).toBeGreaterThan(0);
  expect(block?.schema).toEqual([
    { name: 'name', type: 'string' },
    { name: 'born', type: 'timestamp' },
    { name: 'tags', type: 'list' },
  ]);
});

test('refs are the consumer’s to read and to release', async () => {
  const env = simEnv();
  const run = counting(env, 3).start({ env });
  const refs: BlockRef[] = await env.drive(toArray(run.refs()));
  await env.drive(run.done);
  expect(refs.map((ref) => run.read(ref).rows)).toEqual([[0], [1], [2]]);
  expect(run.snapshot().blockBytes.live).toBe(24);
  for (const ref of refs) run.release(ref);
  expect(run.snapshot().blockBytes.live).toBe(0);
  for (const ref of refs) expect(() => run.read(ref)).toThrow(/not in the store/);
});

test('drain runs for the effects', async () => {
  const env = simEnv();
  const seen: number[] = [];
  const run = counting(env, 4)
    .map((row) => seen.push(row))
    .start({ env });
  const report = await env.drive(run.drain());
  expect(seen).toEqual([0, 1, 2, 3]);
  expect(report).toMatchObject({ status: 'done', name: 'counting' });
  expect(report.operators['work']).toMatchObject({ tasks: 4, blocksIn: 4, rowsOut: 4 });
  expect(run.snapshot().blockBytes).toMatchObject({ live: 0 });
});

test('F44: a run has one consumer', async () => {
  const env = simEnv();
  const run = counting(env, 2).start({ env });
  const rows = run.collect();
  expect(() => run.blocks()).toThrow(RunError);
  await expect(run.collect()).rejects.toThrow(/has a consumer already/);
  await env.drive(rows);
});

test('F41: a run whose outputs nobody takes waits, and says so', async () => {
  const env = simEnv();
  const run = counting(env, 100).start({ env });
  await env.advance(10_000);
  expect(run.snapshot().state).toBe('running');
  expect(run.snapshot().operators['work']?.denial).toMatchObject({ limit: 'demand' });
  expect(run.explain('work').text).toContain('the consumer has not asked for more');
  expect((await env.drive(run.collect())).length).toBe(100);
});

test('F41: leaving the loop early cancels the run, without an error', async () => {
  const env = simEnv();
  const returned = vi.fn();
  const run = pipeline('endless')
    .from(function* () {
      try {
        for (let row = 0; ; row++) yield row;
      } finally {
        returned();
      }
    })
    .map((row) => row)
    .start({ env });
  await env.drive(
    (async () => {
      for await (const row of run) if (row === 3000) break;
    })(),
  );
  expect(returned).toHaveBeenCalledOnce();
  expect(await env.drive(run.done)).toMatchObject({
    status: 'cancelled',
    reason: 'its consumer left',
  });
  expect(run.snapshot().blockBytes.live).toBe(0);
  await env.advance();
  expect(env.pending()).toBe(0);
});

test('F41: an error in the loop body cancels the run and stays what it is', async () => {
  const env = simEnv();
  const run = counting(env, 10).start({ env });
  const consumed = (async () => {
    for await (const row of run) if (row === 2) throw new Error('mine');
  })();
  await expect(env.drive(consumed)).rejects.toThrow('mine');
  expect((await env.drive(run.done)).status).toBe('cancelled');
});

test('a flow can be started again and again', async () => {
  const env = simEnv();
  const flow = counting(env, 2);
  expect(await env.drive(flow.start({ env }).collect())).toEqual([0, 1]);
  expect(await env.drive(flow.start({ env }).collect())).toEqual([0, 1]);
});

test('maxConcurrency may change while the run goes on', async () => {
  const env = simEnv();
  const run = pipeline('resized')
    .fromBlocks(Array.from({ length: 40 }, (_, row) => [row]))
    .mapBlocks(
      async (rows: number[]) => {
        await env.sleep(100);
        return rows;
      },
      { name: 'work', maxConcurrency: 2, resources: {}, input: { blocks: 1 } },
    )
    .start({ env });
  const done = run.drain();
  const active = (): number | undefined => run.snapshot().operators['work']?.active;
  await env.advance(50);
  expect(active()).toBe(2);
  run.setMaxConcurrency('work', 5);
  await env.advance(1);
  expect(active()).toBe(5);
  run.setMaxConcurrency('work', 1);
  await env.advance(1);
  expect(active()).toBe(5);
  await env.advance(300);
  expect(active()).toBe(1);
  expect(() => {
    run.setMaxConcurrency('nobody', 1);
  }).toThrow('there is no operator "nobody"; there are: source, work');
  expect(() => {
    run.setMaxConcurrency('work', 0);
  }).toThrow(OptionError);
  run.setMaxConcurrency('work', 64);
  await env.drive(done);
});

test('an operator that keeps state has one task, whatever is asked', () => {
  const env = simEnv();
  const run = pipeline('serial').from([1]).batch({ rows: 2 }).start({ env });
  expect(() => {
    run.setMaxConcurrency('batch', 2);
  }).toThrow('"batch" keeps state between its tasks: it runs one at a time');
  void run.cancel();
});

test('a step of one task starts one task', async () => {
  const env = simEnv();
  const run = pipeline('stepped')
    .fromBlocks(Array.from({ length: 9 }, (_, row) => [row]))
    .mapBlocks(
      async (rows: number[]) => {
        await env.sleep(100);
        return rows;
      },
      { name: 'work', maxConcurrency: 1, resources: {}, input: { blocks: 1 } },
    )
    .start({ env });
  void run.drain();
  const active = (): number | undefined => run.snapshot().operators['work']?.active;
  await env.advance(10);
  run.pause();
  run.setMaxConcurrency('work', 9);
  // What the pause held is asked for in the first cycle.
  await env.drive(run.step({ by: 'task', operator: 'source' }));
  const before = active() ?? 0;
  for (let tasks = 1; tasks <= 3; tasks++) {
    await env.drive(run.step({ by: 'task', operator: 'work' }));
    expect(active()).toBe(before + tasks);
  }
  await env.drive(run.step());
  expect(active()).toBeGreaterThan(before + 4);
  await expect(run.step({ by: 'task', operator: 'nobody' })).rejects.toThrow(
    'no operator "nobody"',
  );
  await env.drive(run.cancel());
});

test('pause holds what has not started; step lets one cycle pass', async () => {
  const env = simEnv();
  const run = counting(env, 10, 100).start({ env, budget: { cpu: 2 } });
  const rows = run.collect();
  await env.advance(50);
  run.pause();
  await env.advance(1000);
  expect(run.snapshot().state).toBe('paused');
  expect(run.snapshot().operators['work']).toMatchObject({ done: 2, active: 0, out: 2 });
  await env.drive(run.step());
  expect(run.snapshot().state).toBe('paused');
  expect(run.snapshot().operators['work']).toMatchObject({ done: 2, active: 2, out: 0 });
  run.resume();
  expect(await env.drive(rows)).toHaveLength(10);
});

test('F42: cancel ends everything and says why', async () => {
  const env = simEnv();
  const signals: AbortSignal[] = [];
  const run = pipeline('slow')
    .from([1, 2, 3], { rowsPerBlock: 1 })
    .map(async (row, { signal }) => {
      signals.push(signal);
      await new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error);
        });
      });
      return row;
    })
    .start({ env, budget: { cpu: 2 } });
  const rows = run.collect();
  await env.advance(10);
  const reason = new Error('enough');
  const cancelled = run.cancel(reason);
  const error: unknown = await env.drive(rows).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CancelledError);
  expect(error).toMatchObject({ code: 'CANCELLED', cause: reason });
  await env.drive(cancelled);
  expect(await run.done).toMatchObject({ status: 'cancelled', reason });
  expect(signals).toHaveLength(2);
  expect(signals.every((signal) => signal.reason === reason)).toBe(true);
  const { operators, resources, blockBytes } = run.snapshot();
  expect(operators['map']).toMatchObject({ state: 'cancelled', in: 0, active: 0, out: 0 });
  expect(resources['cpu']).toEqual({ total: 2, used: 0 });
  expect(blockBytes.live).toBe(0);
  await env.advance();
  expect(env.pending()).toBe(0);
  await run.cancel('again');
  expect(await run.done).toMatchObject({ reason });
});

test('F42: a signal cancels, before the start and during the run', async () => {
  const env = simEnv();
  const listed = vi.fn(() => []);
  const before = pipeline('p')
    .fromSource({ splits: listed, read: () => [] })
    .map((row) => row)
    .start({ env, signal: AbortSignal.abort('too late') });
  expect(await env.drive(before.done)).toMatchObject({ status: 'cancelled', reason: 'too late' });
  expect(listed).not.toHaveBeenCalled();

  const controller = new AbortController();
  const during = counting(env, 10).start({ env, signal: controller.signal });
  const rows = during.collect();
  await env.advance(15);
  controller.abort('now');
  await expect(env.drive(rows)).rejects.toThrow(CancelledError);
  expect(await env.drive(during.done)).toMatchObject({ status: 'cancelled', reason: 'now' });
});

test('await using disposes of a run', async () => {
  const env = simEnv();
  const run = counting(env, 10).start({ env });
  await env.drive(run[Symbol.asyncDispose]());
  expect((await run.done).status).toBe('cancelled');
});

test('F38: setBudget changes what may run from then on', async () => {
  const env = simEnv();
  const run = counting(env, 100, 100).start({ env, budget: { cpu: 1 } });
  const rows = run.collect();
  await env.advance(50);
  expect(run.snapshot().operators['work']?.active).toBe(1);
  run.setBudget({ cpu: 4 });
  await env.advance(10);
  expect(run.snapshot().operators['work']?.active).toBe(4);
  run.setBudget({ cpu: 2 });
  await env.advance(200);
  expect(run.snapshot().operators['work']?.active).toBe(2);
  expect(() => {
    run.setBudget({ cpu: 0.5 });
  }).toThrow(/needs 1 cpu for one task, but the budget has 0.5/);
  expect(await env.drive(rows)).toHaveLength(100);
});

test('trace is an observable of numbered plain-JSON events', async () => {
  const env = simEnv();
  const run = counting(env, 3).start({ env });
  const events: unknown[] = [];
  const subscription = run.trace.subscribe((event) => events.push(event));
  expect(run.trace).toBeInstanceOf(Observable);
  await env.drive(run.collect());
  expect(subscription.closed).toBe(true);
  expect(events.length).toBeGreaterThan(50);
  expect(events).toEqual(JSON.parse(JSON.stringify(events)));
  expect(events.map((event) => (event as { seq: number }).seq)).toEqual(
    events.map((_, seq) => seq),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'state.entered', actor: 'counting', state: 'running.polling' }),
  );
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'message', from: 'counting/work/task0', to: 'counting/work' }),
  );
});

test('what transforms log and how far they are is in the trace', async () => {
  const env = simEnv();
  const events: unknown[] = [];
  const run = pipeline('p')
    .from([1])
    .map((row, { log, progress }) => {
      log('row', row);
      progress(0.5);
      return row;
    })
    .start({ env, onEvent: (event) => events.push(event) });
  await env.drive(run.collect());
  expect(events).toContainEqual(
    expect.objectContaining({ type: 'log', operator: 'map', lineage: '0.0', text: 'row 1' }),
  );
  expect(events).toContainEqual(expect.objectContaining({ type: 'progress', fraction: 0.5 }));
});

test('the phases of the cycle and the messages are in XState’s own inspection', async () => {
  const env = simEnv();
  const phases = new Set<string>();
  const messages = new Set<string>();
  const run = counting(env, 3).start({
    env,
    inspect(event) {
      if (event.type === '@xstate.event') messages.add(event.event.type);
      if (event.type !== '@xstate.microstep') return;
      const { value } = event.snapshot as { value?: string | Record<string, string> };
      if (typeof value === 'object') phases.add(Object.values(value).join());
    },
  });
  await env.drive(run.collect());
  expect([...phases]).toEqual(
    expect.arrayContaining(['waiting', 'polling', 'transferring', 'completing', 'dispatching']),
  );
  expect([...messages]).toEqual(
    expect.arrayContaining([
      'cycle',
      'operator.poll',
      'operator.report',
      'operator.input',
      'resource.request',
      'resource.decision',
      'operator.dispatch',
      'task.start',
      'runner.run',
      'run.end',
      'task.settled',
      'store.release',
    ]),
  );
});

test('explain names where time went, and adds up', async () => {
  const env = simEnv();
  const run = pipeline('p')
    .from([1, 2, 3, 4], { rowsPerBlock: 1 })
    .mapBlocks(async (rows) => (await env.sleep(10), rows), { name: 'fast' })
    .mapBlocks(async (rows) => (await env.sleep(90), rows), { name: 'slow', maxConcurrency: 1 })
    .start({ env, budget: { cpu: 1 } });
  const rows = run.collect();
  await env.advance(150);
  const fast = run.explain('fast');
  expect(fast.denial).toMatchObject({ limit: 'cpu', asked: 1, free: 0 });
  expect(fast.shares['cpu']).toBeGreaterThan(50);
  for (const name of ['source', 'fast', 'slow']) {
    const total = Object.values(run.explain(name).shares).reduce((sum, share) => sum + share, 0);
    expect(total).toBeCloseTo(100);
  }
  expect(fast.text).toContain('denied for');
  expect(() => run.explain('nobody')).toThrow(OptionError);
  await env.drive(rows);
});

test('snapshot is plain JSON', async () => {
  const env = simEnv();
  const run = counting(env, 10).start({ env });
  const rows = run.collect();
  await env.advance(15);
  const snapshot = run.snapshot();
  expect(snapshot).toEqual(JSON.parse(JSON.stringify(snapshot)));
  expect(snapshot).toMatchObject({ name: 'counting', state: 'running' });
  await env.drive(rows);
});

test('reads from observables and streams', async () => {
  const env = simEnv();
  const fromObservable = pipeline('o')
    .from(observable([1, 2, 3]))
    .map((x) => x * 2);
  expect(await env.drive(fromObservable.start({ env }).collect())).toEqual([2, 4, 6]);
  const stream = new ReadableStream<number>({
    start(controller) {
      controller.enqueue(1);
      controller.enqueue(2);
      controller.close();
    },
  });
  const fromStream = pipeline('s')
    .from(stream)
    .map((x) => x * 2);
  expect(await env.drive(fromStream.start({ env }).collect())).toEqual([2, 4]);
});

test('F32: two runs in one process do not touch each other', async () => {
  const env = simEnv();
  const good = counting(env, 20).start({ env });
  const bad = pipeline('bad')
    .from([1])
    .map(() => {
      throw new Error('boom');
    })
    .start({ env });
  const results = await env.drive(Promise.allSettled([good.collect(), bad.collect()]));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
});
