/** A pipeline as actor logic: in createActor, invoked and spawned by somebody else's machine. */
import { expect, test, vi } from 'vitest';
import { assign, createActor, setup, waitFor, type ActorRefFrom } from 'xstate';
import { OptionError, pipeline, PlanError, selectRun, TaskError } from '../../src/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';

function doubling(env: SimEnv, count = 10) {
  return pipeline('doubling')
    .from(
      Array.from({ length: count }, (_, index) => index),
      { rowsPerBlock: 2 },
    )
    .map(async (row) => (await env.sleep(10), row * 2), { name: 'double', preserveOrder: true });
}

test('createActor runs it, emits its blocks, and ends with the report', async () => {
  const env = simEnv();
  const actor = createActor(doubling(env).logic, { input: { env, budget: { cpu: 2 } } });
  const rows: number[] = [];
  actor.on('block', ({ block }) => rows.push(...block.rows));
  actor.start();
  const snapshot = await env.drive(waitFor(actor, ({ status }) => status === 'done'));
  expect(rows).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  expect(snapshot.output).toMatchObject({ status: 'done', name: 'doubling' });
  expect(snapshot.value).toBe('done');
});

test('its snapshot can be selected from at any time', async () => {
  const env = simEnv();
  const actor = createActor(doubling(env).logic, { input: { env } }).start();
  await env.advance(25);
  expect(selectRun(actor.getSnapshot())).toMatchObject({
    name: 'doubling',
    state: 'running',
    operators: { double: { kind: 'transform' } },
  });
  await env.drive(waitFor(actor, ({ status }) => status === 'done'));
  expect(selectRun(actor.getSnapshot())).toMatchObject({
    state: 'done',
    operators: { double: { done: 5, state: 'completed' } },
    blockBytes: { live: 0 },
  });
});

test('log, progress and dead letters are emitted', async () => {
  const env = simEnv();
  const { logic } = pipeline('p')
    .from([1, 2], { rowsPerBlock: 1 })
    .map(
      (row, { log, progress }) => {
        log('saw', row);
        progress(1);
        if (row === 2) throw new Error('bad');
        return row;
      },
      { onError: 'deadLetter' },
    );
  const actor = createActor(logic, { input: { env } });
  const emitted: unknown[] = [];
  actor.on('*', (event) => emitted.push(event));
  actor.start();
  await env.drive(waitFor(actor, ({ status }) => status === 'done'));
  expect(emitted).toContainEqual({ type: 'log', operator: 'map', values: ['saw', 1] });
  expect(emitted).toContainEqual(expect.objectContaining({ type: 'progress', fraction: 1 }));
  expect(emitted).toContainEqual({
    type: 'dead-letter',
    letter: expect.objectContaining({ rows: [2], operator: 'map' }) as unknown,
  });
});

test('one logic, several actors, each with a world of its own', async () => {
  const env = simEnv();
  const { logic } = doubling(env);
  const actors = [1, 2, 3].map(() => createActor(logic, { input: { env } }).start());
  const ends = actors.map((actor) => waitFor(actor, ({ status }) => status === 'done'));
  const snapshots = await env.drive(Promise.all(ends));
  expect(snapshots.map(({ output }) => output?.operators['double']?.rowsOut)).toEqual([10, 10, 10]);
});

const etl = (env: SimEnv, fails = false) =>
  doubling(env).map((row) => {
    if (fails && row === 8) throw new Error('boom');
    return row;
  }).logic;

function app(env: SimEnv, fails = false) {
  return setup({
    types: { context: {} as { status: string; error: unknown } },
    actors: { etl: etl(env, fails) },
  }).createMachine({
    context: { status: '', error: undefined },
    initial: 'loading',
    states: {
      loading: {
        invoke: {
          id: 'etl',
          src: 'etl',
          input: { env, budget: { cpu: 1 } },
          onDone: {
            target: 'ready',
            actions: assign({ status: ({ event }) => event.output.status }),
          },
          onError: { target: 'broken', actions: assign({ error: ({ event }) => event.error }) },
        },
        on: { stop: 'idle' },
      },
      ready: {},
      broken: {},
      idle: {},
    },
  });
}

test('invoked: onDone gets the report', async () => {
  const env = simEnv();
  const actor = createActor(app(env)).start();
  const snapshot = await env.drive(waitFor(actor, (state) => state.matches('ready')));
  expect(snapshot.context.status).toBe('done');
});

test('invoked: onError gets the TaskError', async () => {
  const env = simEnv();
  const actor = createActor(app(env, true)).start();
  const snapshot = await env.drive(waitFor(actor, (state) => state.matches('broken')));
  expect(snapshot.context.error).toBeInstanceOf(TaskError);
  expect(snapshot.context.error).toMatchObject({ operator: 'map' });
});

test('it stops when its parent leaves the state: its tasks are told, nothing goes on', async () => {
  const env = simEnv();
  const aborted = vi.fn();
  const { logic } = pipeline('p')
    .from([1, 2, 3], { rowsPerBlock: 1 })
    .map(async (row, { signal }) => {
      signal.addEventListener('abort', aborted);
      await env.sleep(100);
      return row;
    });
  const machine = setup({ actors: { logic } }).createMachine({
    initial: 'on',
    states: {
      on: { invoke: { src: 'logic', input: { env, budget: { cpu: 2 } } }, on: { stop: 'off' } },
      off: {},
    },
  });
  const actor = createActor(machine).start();
  await env.advance(50);
  actor.send({ type: 'stop' });
  expect(aborted).toHaveBeenCalledTimes(2);
  await env.advance();
  expect(env.pending()).toBe(0);
});

test('spawned, it can be paused and cancelled by its parent', async () => {
  const env = simEnv();
  const { logic } = doubling(env, 100);
  const machine = setup({
    types: { context: {} as { run: ActorRefFrom<typeof logic> } },
    actors: { logic },
  }).createMachine({
    context: ({ spawn }) => ({ run: spawn('logic', { id: 'run', input: { env } }) }),
  });
  const actor = createActor(machine).start();
  const { run } = actor.getSnapshot().context;
  await env.advance(15);
  run.send({ type: 'run.pause' });
  await env.advance(1000);
  expect(selectRun(run.getSnapshot()).state).toBe('paused');
  run.send({ type: 'run.cancel', reason: 'no longer needed' });
  await env.advance();
  expect(run.getSnapshot()).toMatchObject({
    status: 'done',
    output: { status: 'cancelled', reason: 'no longer needed' },
  });
});

test('a plan that can never run errs the actor, and wrong input is refused', () => {
  const env = simEnv();
  const errorOf = (input: object): unknown => {
    const actor = createActor(doubling(env).logic, { input: { env, ...input } });
    let error: unknown;
    actor.subscribe({
      error: (thrown) => {
        error = thrown;
      },
    });
    actor.start();
    return error;
  };
  expect(errorOf({ budget: { cpu: 0.5 } })).toBeInstanceOf(PlanError);
  expect(errorOf({ budgets: {} })).toBeInstanceOf(OptionError);
});
