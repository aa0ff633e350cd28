/** The run model of real runs, in virtual time. */
import { describe, expect, test } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline, type Flow, type Run } from '../../src/index.ts';
import {
  advanceModel,
  applyRunEvent,
  causalChain,
  cloneModel,
  edgesOf,
  emptyModel,
  lookOf,
  operatorNamed,
  sharesAt,
  taskDurations,
  tasksBetween,
  threeShares,
  type RunModel,
} from '../../src/run-model/index.ts';

interface Watched<T> {
  readonly model: RunModel;
  readonly events: readonly RunEvent[];
  readonly run: Run<T>;
  /** Ends the run. */
  readonly end: () => Promise<void>;
}

type Sim = ReturnType<typeof simEnv>;

/** A run that is watched from its start for so many milliseconds, or to its end. */
async function watch<T>(
  make: (env: Sim) => Flow<T>,
  {
    budget,
    ms,
    take,
  }: {
    budget?: Record<string, number>;
    ms?: number;
    take?: (run: Run<T>) => Promise<unknown>;
  } = {},
): Promise<Watched<T>> {
  const env = simEnv();
  const model = emptyModel();
  const events: RunEvent[] = [];
  const run = make(env).start({
    env,
    budget: { cpu: 4, ...budget },
    onEvent: (event) => {
      events.push(event);
      applyRunEvent(model, event);
    },
  });
  const consumed = (take ?? ((taken) => taken.drain()))(run).catch(() => undefined);
  if (ms === undefined) await env.drive(consumed);
  else await env.advance(ms);
  return { model, events, run, end: () => env.drive(run.cancel()) };
}

const blocks = (count: number): number[][] => Array.from({ length: count }, (_, row) => [row]);

const twoStages =
  (first: number, second: number) =>
  (env: Sim): Flow<number> =>
    pipeline('two')
      .fromBlocks(blocks(40))
      .mapBlocks(
        async (rows: number[]) => {
          await env.sleep(first);
          return rows;
        },
        { name: 'first', maxConcurrency: 2 },
      )
      .mapBlocks(
        async (rows: number[]) => {
          await env.sleep(second);
          return rows;
        },
        { name: 'second', maxConcurrency: 2 },
      );

describe('the model of a run', () => {
  test('agrees with the snapshot of the run at any moment', async () => {
    const { model, run, end } = await watch(twoStages(10, 30), { ms: 200 });
    const snapshot = run.snapshot();
    for (const [name, seen] of Object.entries(snapshot.operators)) {
      const operator = operatorNamed(model, name);
      expect(operator).toMatchObject({ name, state: seen.state });
      expect(operator?.figures).toMatchObject({
        active: seen.active,
        done: seen.done,
        rowsOut: seen.rowsOut,
        rowsIn: seen.rowsIn,
      });
      expect(operator?.figures.in.reduce((sum, waiting) => sum + waiting, 0)).toBe(seen.in);
    }
    expect(model.used).toEqual(
      Object.fromEntries(
        Object.entries(snapshot.resources).map(([name, { used }]) => [name, used]),
      ),
    );
    await end();
  });

  test('has every task as a bar, in phases without gaps', async () => {
    const { model } = await watch(twoStages(10, 30));
    const bars = tasksBetween(model, 0, Infinity);
    expect(bars.filter(({ operator }) => operator === 2)).toHaveLength(40);
    for (const bar of bars) {
      expect(bar.queuedAt).toBeLessThanOrEqual(bar.startedAt);
      expect(bar.phases[0]).toEqual({ at: bar.startedAt, kind: 'run' });
      expect(bar.outcome).toBe('done');
    }
    const second = operatorNamed(model, 'second');
    expect(second === undefined ? undefined : taskDurations(second)).toEqual({ p50: 30, p95: 30 });
    expect(model.end).toEqual({ status: 'done', at: model.at });
  });

  test('shows how long blocks have waited, and how full queues are', async () => {
    const { model, end } = await watch(twoStages(1, 100), { ms: 350 });
    const edge = edgesOf(model).find(({ to }) => to === 2);
    expect(edge).toMatchObject({ from: 1, limit: 8 });
    expect(edge?.blocks).toBeGreaterThan(4);
    expect(edge?.oldestMs).toBeGreaterThan(100);
    await end();
  });

  test('has shares of time that agree with the run, and add up to 100', async () => {
    const { model, run, end } = await watch(twoStages(10, 30), { ms: 500 });
    for (const operator of model.operators) {
      const shares = sharesAt(operator, model.at);
      expect(Object.values(shares).reduce((sum, percent) => sum + percent, 0)).toBeCloseTo(100);
      const { running, starved, blocked } = threeShares(operator, model.at);
      expect(running + starved + blocked).toBeCloseTo(100);
      const explained = run.explain(operator.name);
      expect(shares['running'] ?? 0).toBeCloseTo(explained.shares['running'] ?? 0, 0);
    }
    await end();
  });

  test('is the same when it is made of a keyframe and the events after it', async () => {
    const { model, events } = await watch(twoStages(10, 30));
    for (const part of [0.1, 0.5, 0.9]) {
      const half = Math.floor(events.length * part);
      const keyframe = emptyModel();
      for (const event of events.slice(0, half)) applyRunEvent(keyframe, event);
      const stored = JSON.parse(JSON.stringify(cloneModel(keyframe))) as RunModel;
      for (const event of events.slice(half)) applyRunEvent(stored, event);
      expect(JSON.parse(JSON.stringify(stored))).toEqual(JSON.parse(JSON.stringify(model)));
    }
  });

  test('of somebody who comes late agrees with that of somebody who was there', async () => {
    const env = simEnv();
    const early = emptyModel();
    const run = twoStages(10, 30)(env).start({ env, budget: { cpu: 4 } });
    run.trace.subscribe((event) => {
      applyRunEvent(early, event);
    });
    void run.drain();
    await env.advance(200);
    const late = emptyModel();
    run.trace.subscribe((event) => {
      applyRunEvent(late, event);
    });
    await env.advance(100);
    for (const part of ['state', 'used', 'liveBytes', 'plan', 'budget', 'cycles'] as const) {
      expect(late[part]).toEqual(early[part]);
    }
    late.operators.forEach((operator, index) => {
      const other = early.operators[index];
      expect(operator.figures).toEqual(other?.figures);
      expect(operator.state).toBe(other?.state);
      expect(operator.denial).toEqual(other?.denial);
      expect(sharesAt(operator, late.at)).toEqual(other && sharesAt(other, early.at));
      expect(operator.running.map((bar) => bar?.task)).toEqual(
        other?.running.map((bar) => bar?.task),
      );
    });
    expect(Object.keys(late.actors).sort()).toEqual(Object.keys(early.actors).sort());
    await env.drive(run.cancel());
  });

  test('knows each statechart once, and the transitions that were taken last', async () => {
    const { model, events } = await watch(twoStages(1, 1));
    const defined = events.filter(({ type }) => type === 'machine.defined');
    expect(defined).toHaveLength(4);
    expect(Object.keys(model.machines).sort()).toEqual([
      'operator',
      'resource',
      'supervisor',
      'task',
    ]);
    const supervisor = model.actors['two'];
    expect(supervisor).toMatchObject({ state: 'done', machine: 'supervisor' });
    const ids = new Set(JSON.stringify(model.machines['supervisor']).match(/"id":"[^"]*\/[^"]*"/g));
    for (const id of supervisor?.lastTransitions ?? []) expect(ids).toContain(`"id":"${id}"`);
    expect(supervisor?.lastTransitions).not.toEqual([]);
  });

  test('tells what led to a message, and what came of it', async () => {
    const { model } = await watch(twoStages(1, 1));
    const { entries } = model.history.messages;
    const run = entries.find(({ type, from }) => type === 'runner.run' && from?.includes('first'));
    const chain = causalChain(model, run?.seq ?? -1);
    const types = entries.filter(({ seq }) => chain.has(seq)).map(({ type }) => type);
    expect(types).toEqual(
      expect.arrayContaining(['cycle', 'resource.decision', 'operator.dispatch', 'task.start']),
    );
  });

  test('holds operators with a slash in their names apart', async () => {
    const { model } = await watch(() =>
      pipeline('odd')
        .fromBlocks(blocks(2))
        .map((row: number) => row, { name: 'a/b%c' }),
    );
    expect(operatorNamed(model, 'a/b%c')?.state).toBe('completed');
    expect(model.actors['odd/a%2Fb%25c']?.id).toBe('a/b%c');
  });

  test('samples throughput, queues and resources over time', async () => {
    const { model } = await watch(twoStages(10, 30));
    const { metrics } = model.history;
    expect(metrics.at.length).toBeGreaterThan(4);
    for (const column of [
      metrics.liveBytes,
      metrics.operators[2]?.queued,
      metrics.resources[0]?.used,
    ]) {
      expect(column).toHaveLength(metrics.at.length);
    }
    expect(metrics.at.every((at, index) => index === 0 || at > (metrics.at[index - 1] ?? 0))).toBe(
      true,
    );
    expect(metrics.operators[2]?.rowsOut.at(-1)).toBe(40);
    expect(Math.max(...(metrics.resources[0]?.used ?? []))).toBe(4);
  });
});

describe('what limits a run is', () => {
  test('the stage that is slower than the rest', async () => {
    const { model, end } = await watch(twoStages(5, 100), { ms: 1500 });
    expect(model.why).toMatchObject({ kind: 'operator', operator: 'second' });
    expect(model.why.text).toMatch(/^second limits the run: all 2 tasks it may have are busy/);
    expect(model.why.since).toBeLessThan(500);
    const second = operatorNamed(model, 'second');
    expect(second === undefined ? undefined : lookOf(model, second)).toBe('running');
    await end();
  });

  test('the resource that the last stage does not get', async () => {
    const { model, end } = await watch(
      (env) =>
        pipeline('greedy')
          .fromBlocks(blocks(100))
          .mapBlocks(
            async (rows: number[]) => {
              await env.sleep(50);
              return rows;
            },
            { name: 'hoard', resources: { cpu: 0, memory: 90 }, maxConcurrency: 1 },
          )
          .mapBlocks(
            async (rows: number[]) => {
              await env.sleep(50);
              return rows;
            },
            { name: 'last', resources: { cpu: 0, memory: 20 } },
          ),
      { budget: { memory: 100 }, ms: 1000 },
    );
    expect(model.why).toMatchObject({ limit: 'memory' });
    expect(model.why.text).toContain('waiting for memory');
    await end();
  });

  test('the block that fails again and again', async () => {
    const { model, end } = await watch(
      () =>
        pipeline('poisoned')
          .fromBlocks(blocks(5))
          .mapBlocks(
            ([row]: number[]) => {
              if (row === 3) throw new Error('bad row');
              return [1];
            },
            { name: 'parse', retries: { count: 1000, backoff: 100 } },
          ),
      { ms: 2000 },
    );
    expect(model.why).toMatchObject({ kind: 'retries', operator: 'parse' });
    expect(model.why.text).toMatch(
      /parse keeps failing on block 0\.3: \d+ attempts failed, the last with "bad row"/,
    );
    await end();
  });

  test('the consumer that reads no more', async () => {
    const { model, end } = await watch(twoStages(1, 1), {
      ms: 2000,
      take: async (taken) => taken.refs().next(),
    });
    advanceModel(model, 2000);
    expect(model.why).toMatchObject({ kind: 'consumer', limit: 'demand' });
    expect(model.why.text).toContain('the consumer limits the run');
    await end();
  });

  test('the slow side of a fan-in', async () => {
    const { model, end } = await watch(
      (env) => {
        const slow = pipeline('slow')
          .fromBlocks(blocks(50))
          .mapBlocks(
            async (rows: number[]) => {
              await env.sleep(100);
              return rows;
            },
            { name: 'lag', maxConcurrency: 1 },
          );
        return pipeline('fast').fromBlocks(blocks(50)).zip(slow);
      },
      { ms: 2000 },
    );
    expect(model.why).toMatchObject({ kind: 'fan-in', operator: 'lag' });
    expect(model.why.text).toMatch(
      /^zip waits for input 2 \(lag\) alone: lag limits the run: the one task it may have is busy/,
    );
    await end();
  });

  test.each([
    [
      'held',
      (run: Run<number>) => {
        run.pause();
      },
      'paused',
    ],
    [
      'cancelled',
      (run: Run<number>) => {
        void run.cancel('enough');
      },
      'cancelled',
    ],
  ] as const)('told when it is %s', async (_name, act, kind) => {
    const env = simEnv();
    const model = emptyModel();
    const run = twoStages(10, 30)(env).start({ env });
    run.trace.subscribe((event) => {
      applyRunEvent(model, event);
    });
    void run.drain();
    await env.advance(100);
    act(run);
    await env.advance(200);
    expect(model.why.kind).toBe(kind);
    await env.drive(run.cancel());
  });

  test('the error, when it has failed', async () => {
    const { model } = await watch(() =>
      pipeline('failing')
        .fromBlocks(blocks(2))
        .map(
          () => {
            throw new Error('no such file');
          },
          { name: 'load' },
        ),
    );
    expect(model.why).toMatchObject({
      kind: 'failed',
      operator: 'load',
      text: expect.stringContaining('load failed on block 0.0: no such file') as string,
    });
  });
});
