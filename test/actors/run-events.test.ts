import { describe, expect, test } from 'vitest';
import { createActor, fromCallback, setup } from 'xstate';
import { createTranslator } from '../../actors/run-events.ts';
import { simEnv } from '../../actors/sim-env.ts';
import type { RunEvent, RunEventBody } from '../../machines/run-event.ts';
import { pipeline, type Flow, type Run } from '../../src/index.ts';

type EventOf<TType extends RunEvent['type']> = Extract<RunEvent, { type: TType }>;

/** The events of one run, from the first to the last. */
async function eventsOf<T>(
  make: (env: ReturnType<typeof simEnv>) => Flow<T>,
  consume: (run: Run<T>, env: ReturnType<typeof simEnv>) => Promise<unknown> = (run) =>
    run.collect(),
) {
  const env = simEnv();
  const events: RunEvent[] = [];
  const run = make(env).start({
    env,
    budget: { cpu: 2, blockBytes: 10_000 },
    onEvent: (event) => events.push(event),
  });
  const done = run.done.catch(() => undefined);
  await env.drive(consume(run, env)).catch(() => undefined);
  await env.drive(done);
  const of = <TType extends RunEvent['type']>(type: TType): readonly EventOf<TType>[] =>
    events.filter((event): event is EventOf<TType> => event.type === type);
  return { events, of };
}

const increment = (): Flow<number> =>
  pipeline('sums')
    .fromBlocks([[1], [2], [3]])
    .map((row: number) => row + 1, { name: 'increment' });

describe('the events of a run', () => {
  test('tell the life of each task in its order', async () => {
    const { events } = await eventsOf(() => increment());
    const life = events.filter(
      (event) =>
        'operator' in event && event.operator === 'increment' && event.type !== 'token.denied',
    );
    const types = life.map(({ type }) => type);
    for (const [before, after] of [
      ['token.granted', 'dispatched'],
      ['dispatched', 'task.started'],
      ['task.started', 'block.produced'],
      ['block.produced', 'task.ended'],
      ['task.ended', 'token.released'],
    ] as const) {
      expect(types.indexOf(before)).toBeGreaterThanOrEqual(0);
      expect(types.indexOf(before)).toBeLessThan(types.indexOf(after));
    }
  });

  test('name every task that started, and how it ended', async () => {
    const { of } = await eventsOf(() => increment());
    const started = of('task.started').map(({ operator, task }) => `${operator} ${String(task)}`);
    const ended = of('task.ended').map(({ operator, task }) => `${operator} ${String(task)}`);
    expect(started.sort()).toEqual(ended.sort());
    expect(of('task.ended').every(({ outcome }) => outcome === 'done')).toBe(true);
  });

  test('name blocks by their refs, wherever they go', async () => {
    const { of } = await eventsOf(() => increment());
    const lineages = of('block.produced').map(({ block }) => block.lineage);
    expect(lineages.sort()).toEqual(['0.0', '0.0.0', '0.1', '0.1.0', '0.2', '0.2.0']);
    const moved = (to: string): number =>
      of('blocks.moved')
        .filter((event) => event.to === to)
        .reduce((sum, { blocks }) => sum + blocks.length, 0);
    expect([moved('source'), moved('increment'), moved('consumer')]).toEqual([1, 3, 3]);
  });

  test('are plain JSON', async () => {
    const { events } = await eventsOf(() => increment());
    expect(JSON.parse(JSON.stringify(events))).toEqual(
      events.map((event) =>
        Object.fromEntries(Object.entries(event).filter(([, value]) => value !== undefined)),
      ),
    );
  });

  test('name actors by their place in the tree, and tell when they stop', async () => {
    const { of } = await eventsOf(() => increment());
    const started = of('actor.started').map(({ actor }) => actor);
    expect(started).toEqual(
      expect.arrayContaining(['sums', 'sums/increment', 'sums/increment/task0', 'sums/resource']),
    );
    expect(new Set(started).size).toBe(started.length);
    const stopped = of('actor.stopped').map(({ actor }) => actor);
    const children = started.filter((actor) => actor !== 'sums');
    expect([...stopped].sort()).toEqual([...children].sort());
  });

  test('tell the states the charts enter, nested ones with a dot', async () => {
    const { of } = await eventsOf(() => increment());
    const states = (actor: string): readonly string[] =>
      of('state.entered')
        .filter((event) => event.actor === actor)
        .map(({ state }) => state);
    expect(states('sums').slice(0, 7)).toEqual([
      'idle',
      'running.waiting',
      'running.polling',
      'running.transferring',
      'running.completing',
      'running.dispatching',
      'running.waiting',
    ]);
    expect(states('sums').at(-1)).toBe('done');
    expect(states('sums/increment').at(-1)).toBe('completed');
  });

  test('tell who was refused what', async () => {
    const { of } = await eventsOf(() => increment());
    expect(of('token.denied')).toMatchObject([
      { operator: 'increment', limit: 'cpu', asked: 1, free: 0 },
    ]);
  });

  test('tell of attempts that were repeated, and blocks that were given up', async () => {
    const { of } = await eventsOf(() =>
      pipeline('flaky')
        .fromBlocks([[1], [2]])
        .mapBlocks(
          ([row]: number[]): number[] => {
            if (row === 2) throw new Error('bad');
            return [1];
          },
          { name: 'pick', retries: { count: 1, backoff: () => 5 }, onError: 'skip' },
        ),
    );
    expect(of('task.retried')).toMatchObject([
      { operator: 'pick', lineage: '0.1', error: 'bad', delayMs: 5 },
    ]);
    expect(of('block.dropped')).toMatchObject([
      { operator: 'pick', lineage: '0.1', attempts: 2, cause: 'bad' },
    ]);
  });

  test.each(['done', 'cancelled', 'failed'] as const)(
    'tell that every token that was granted came back, when the run is %s',
    async (outcome) => {
      const { of } = await eventsOf(
        (env) =>
          increment()
            .map(async (row) => {
              await env.sleep(10);
              if (outcome === 'failed' && row === 3) throw new Error('bad');
              return row;
            })
            .map((row) => row),
        async (run, env) => {
          if (outcome !== 'cancelled') return run.collect();
          const settled = Promise.allSettled([run.collect()]);
          await env.advance(15);
          await run.cancel('enough');
          return settled;
        },
      );
      const granted = of('token.granted').map(({ token }) => token);
      const released = of('token.released').map(({ token }) => token);
      expect(granted.length).toBeGreaterThan(0);
      expect(released).toEqual(expect.arrayContaining(granted));
      expect(new Set(released).size).toBe(released.length);
    },
  );

  test('tell of a token that comes back unused, because the run ends before it arrives', async () => {
    const env = simEnv();
    const events: RunEvent[] = [];
    let cancel = (): void => undefined;
    const run = increment().start({
      env,
      onEvent: (event) => {
        events.push(event);
        if (event.type === 'message' && event.message === 'resource.request') cancel();
      },
    });
    cancel = () => void run.cancel('an observer has seen enough');
    await env.drive(run.done);
    const tokens = (type: string): unknown[] =>
      events.flatMap((event) => (event.type === type && 'token' in event ? [event.token] : []));
    expect(tokens('token.granted')).toEqual([0]);
    expect(tokens('token.released')).toEqual([0]);
    expect(events.some(({ type }) => type === 'dispatched')).toBe(false);
  });

  test('tell of every block that it was let go of, but for what the consumer has at the end', async () => {
    const { of } = await eventsOf(() => increment());
    const produced = of('block.produced').map(({ block }) => block.id);
    const released = of('blocks.released').flatMap(({ blocks }) => blocks);
    const delivered = of('blocks.moved').flatMap(({ to, blocks }) =>
      to === 'consumer' ? blocks : [],
    );
    const last = delivered.at(-1);
    expect([...released, last].sort()).toEqual(expect.arrayContaining(produced.sort()));
    expect(new Set(released).size).toBe(released.length);
  });
});

describe('somebody who comes late', () => {
  test('is told of the actors that are there, and of their states', async () => {
    const env = simEnv();
    const run = pipeline('late')
      .fromBlocks([[1]])
      .map(
        async (row: number) => {
          await env.sleep(100);
          return row;
        },
        { name: 'slow' },
      )
      .start({ env });
    const collected = run.collect();
    await env.advance(50);
    const events: RunEvent[] = [];
    run.trace.subscribe((event) => events.push(event));
    const [first, , second] = events;
    expect(first).toMatchObject({ type: 'run.started', plan: { name: 'late' } });
    expect(second).toMatchObject({ type: 'actor.started', actor: 'late', machine: 'supervisor' });
    expect(events).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: 'actor.started',
          actor: 'late/slow/task0',
          machine: 'task',
        }),
        expect.objectContaining({
          type: 'state.entered',
          actor: 'late/slow/task0',
          state: 'starting',
        }),
      ]),
    );
    await env.drive(collected);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index));
  });
});

describe('a translator', () => {
  const plan = { name: 'root', operators: [] };

  /** A root with one child, which gets a message each time the root is poked. */
  function translated(): readonly RunEventBody[] {
    const events: RunEventBody[] = [];
    const translator = createTranslator({ plan, startedAt: 0 }, (event) => events.push(event) - 1);
    const machine = setup({
      types: { events: {} as { type: 'poke' } },
      actors: { child: fromCallback(() => undefined) },
    }).createMachine({
      id: 'chart',
      invoke: { src: 'child', id: 'helper' },
      on: {
        poke: {
          actions: ({ self }) => {
            const { helper } = self.getSnapshot().children;
            helper?.send({
              type: 'operator.input',
              port: 0,
              refs: [
                { id: 7, numRows: 1, sizeBytes: 10 },
                { id: 8, numRows: 2, sizeBytes: 20 },
              ],
            });
          },
        },
      },
    });
    const actor = createActor(machine, { id: 'root', inspect: translator.inspect });
    actor.start();
    actor.send({ type: 'poke' });
    actor.stop();
    return events;
  }

  test('tells each message with its sender, its receiver, and how many refs it carries', () => {
    const messages = translated().filter(({ type }) => type === 'message');
    expect(messages).toEqual([
      { type: 'message', from: undefined, to: 'root', message: 'poke', refs: 0 },
      { type: 'message', from: undefined, to: 'root/helper', message: 'operator.input', refs: 2 },
    ]);
  });

  test('translates what messages mean', () => {
    expect(translated()).toContainEqual({
      type: 'blocks.moved',
      to: 'helper',
      port: 0,
      blocks: [7, 8],
      rows: 3,
      bytes: 30,
    });
  });

  test('names machines by their charts, and anybody else by their id', () => {
    expect(translated().filter(({ type }) => type === 'actor.started')).toEqual([
      { type: 'actor.started', actor: 'root', machine: 'chart' },
      { type: 'actor.started', actor: 'root/helper', machine: 'helper' },
    ]);
  });
});
