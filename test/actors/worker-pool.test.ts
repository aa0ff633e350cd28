/** Pools of threads that the test plays: runs alone, and threads that are lost before they are of use. */
import { describe, expect, test } from 'vitest';
import { rowBlock } from '../../actors/block.ts';
import type { Running, RunMessage, RunTools } from '../../actors/running.ts';
import { simEnv } from '../../actors/sim-env.ts';
import { createWorkerPool } from '../../actors/workers/worker-pool.ts';
import type { FromWorker, ToWorker, WorkerListener } from '../../actors/workers/protocol.ts';
import type { RunReport } from '../../machines/hands.protocol.ts';
import { programOf } from './support/runner.ts';

const input = { id: 1, lineage: '0.4', producer: 0, numRows: 1, sizeBytes: 8 };
const message: RunMessage = {
  type: 'runner.run',
  operator: 0,
  task: -1,
  run: 0,
  attempt: 1,
  inputs: [input],
  perPort: [1],
  ended: [false],
  skip: 0,
  credit: { blocks: 1, bytes: Infinity },
  flush: false,
};

interface PlayedThread {
  readonly worker: number;
  readonly received: ToWorker[];
  readonly say: (message: FromWorker) => void;
  readonly lose: () => void;
  isAlive: boolean;
}

function playPool() {
  const env = simEnv();
  const threads: PlayedThread[] = [];
  const program = programOf({
    kind: 'remote',
    createHost: () => {
      throw new Error('it is made by hand');
    },
  });
  const hostTools = { env, onLog: () => undefined, onProgress: () => undefined };
  const pool = createWorkerPool(program, hostTools, {
    exportName: 'work',
    shape: 'mapBlocks',
    format: 'rows',
    options: undefined,
    bufferBytes: undefined,
    threads: 1,
    idleMs: 1000,
    startMs: 1000,
    spawn(worker) {
      let listener: WorkerListener | undefined;
      const thread: PlayedThread = {
        worker,
        received: [],
        isAlive: true,
        say: (said) => listener?.onMessage(said),
        lose: () => listener?.onLost({ exitCode: 1, thrown: undefined }),
      };
      threads.push(thread);
      return {
        post: (posted) => {
          thread.received.push(posted);
        },
        listen: (given) => {
          listener = given;
        },
        terminate: () => {
          thread.isAlive = false;
          return Promise.resolve();
        },
      };
    },
  });

  /** A run that is to be started, and its last report. */
  function watched(
    make: (runTools: RunTools) => Running,
    load: RunTools['store']['load'] = () => rowBlock([1]),
  ) {
    let report: RunReport | undefined;
    const run = make({
      ...hostTools,
      program,
      stateful: undefined,
      store: {
        load,
        put: () => input,
        isShared: () => true,
        lend: () => undefined,
        extend: () => undefined,
        spend: () => undefined,
      },
      onNews: () => {
        report = run.takeReport() ?? report;
      },
      onDeadRow: () => undefined,
    });
    run.start();
    return { run, report: () => report };
  }

  /** A run alone, and the thread that was started for it. */
  async function runAlone() {
    const played = watched((tools) => pool.runAlone(message, tools));
    await env.advance(10);
    const thread = threads.at(-1);
    if (thread === undefined) throw new Error('no thread was started');
    return { ...played, thread };
  }

  function run() {
    return watched((tools) => pool.run(message, tools));
  }

  /** A run whose input is on its way from disk, for ever. */
  function runWithoutInput() {
    return watched(
      (tools) => pool.run(message, tools),
      () => new Promise(() => undefined),
    );
  }

  return { env, pool, threads, run, runAlone, runWithoutInput };
}

/** That the first run is done, as its worker tells it. */
function doneAfter(busyMs: number): FromWorker {
  const delta = { consumed: 1, busyMs, droppedRows: [] };
  const report = {
    ...delta,
    held: undefined,
    end: 'done',
    next: undefined,
    isSpent: false,
  } as const;
  return { type: 'news', news: [{ id: 1, outputs: [], report }] };
}

const DONE = doneAfter(1);

test.for([
  [8, [2, 3]],
  [20, [2]],
] as const)('of runs that take %i ms a busy worker is given %j', async ([busyMs, given]) => {
  const { env, pool, threads, run } = playPool();
  void pool.open();
  await env.advance(10);
  const [thread] = threads;
  thread?.say({ type: 'ready' });
  for (let started = 0; started < 5; started++) run();
  await env.advance(10);
  thread?.received.splice(0);
  thread?.say(doneAfter(busyMs));
  await env.advance(10);
  const sent = thread?.received.flatMap((told) => (told.type === 'runs' ? told.runs : []));
  expect(sent?.map(({ id }) => id)).toEqual(given);
});

test('a run alone has a thread of its own with a number of its own, whatever the limit', async () => {
  const { env, pool, threads, runAlone } = playPool();
  const opening = pool.open();
  await env.advance(10);
  threads[0]?.say({ type: 'loaded' });
  threads[0]?.say({ type: 'ready' });
  await opening;
  const one = await runAlone();
  const other = await runAlone();
  expect(threads.map(({ worker }) => worker)).toEqual([0, 1, 2]);
  one.thread.say({ type: 'ready' });
  await env.advance(10);
  expect(one.thread.received.map(({ type }) => type)).toEqual(['open', 'runs']);
  expect(other.thread.received.map(({ type }) => type)).toEqual(['open']);
  expect(threads[0]?.received.map(({ type }) => type)).toEqual(['open']);
});

test('its end is told when its thread is gone', async () => {
  const { env, runAlone } = playPool();
  const { thread, report } = await runAlone();
  thread.say({ type: 'ready' });
  await env.advance(10);
  thread.say(DONE);
  await env.advance(10);
  expect(thread.received.at(-1)).toEqual({ type: 'close' });
  expect([thread.isAlive, report()]).toEqual([true, undefined]);
  thread.say({ type: 'closed' });
  await env.advance(10);
  expect([thread.isAlive, report()?.type]).toEqual([false, 'run.end']);
});

test('a pool that closes waits for it, and makes none of its own for it', async () => {
  const { env, pool, threads, runAlone } = playPool();
  const { thread } = await runAlone();
  thread.say({ type: 'ready' });
  await env.advance(10);
  let isClosed = false;
  void pool.close().then(() => {
    isClosed = true;
  });
  await env.advance(10);
  expect(isClosed).toBe(false);
  thread.say(DONE);
  thread.say({ type: 'closed' });
  await env.advance(10);
  expect([isClosed, threads.length]).toEqual([true, 1]);
});

test('a pool that is closed still runs it', async () => {
  const { env, pool, runAlone } = playPool();
  await pool.close();
  const { thread, report } = await runAlone();
  thread.say({ type: 'ready' });
  await env.advance(10);
  thread.say(DONE);
  thread.say({ type: 'closed' });
  await env.advance(10);
  expect([thread.isAlive, report()?.type]).toEqual([false, 'run.end']);
});

test('a thread that is lost before it has begun is its end: no other is started', async () => {
  const { env, threads, runAlone } = playPool();
  const { thread, report } = await runAlone();
  thread.say({ type: 'ready' });
  await env.advance(10);
  thread.lose();
  await env.advance(10);
  expect(report()).toMatchObject({
    type: 'run.error',
    error: {
      name: 'WorkerError',
      failure: 'exit',
      message: 'the worker of "work" was lost before its task began',
    },
  });
  expect([threads.length, thread.isAlive]).toEqual([1, false]);
});

test('a cancel while its thread starts ends both', async () => {
  const { env, runAlone } = playPool();
  const { run, thread, report } = await runAlone();
  run.cancel(new Error('enough'));
  await env.advance(10);
  expect([thread.isAlive, report()?.type]).toEqual([false, 'run.end']);
  await env.advance();
  expect(env.pending()).toBe(0);
});

describe('threads that are lost as soon as they are ready', () => {
  async function loseThread({ env, threads }: ReturnType<typeof playPool>): Promise<void> {
    const thread = threads.at(-1);
    thread?.say({ type: 'ready' });
    await env.advance(10);
    thread?.lose();
    await env.advance(10);
  }

  test('cost a run that was not sent nothing, but not for ever', async () => {
    const played = playPool();
    const { report } = played.runWithoutInput();
    await played.env.advance(10);
    for (let lost = 0; lost < 3; lost++) await loseThread(played);
    expect([report(), played.threads.length]).toEqual([undefined, 4]);
    await loseThread(played);
    expect(report()).toMatchObject({
      type: 'run.error',
      error: {
        name: 'WorkerError',
        message: 'the worker of "work" was lost before its task began',
      },
    });
    expect(played.threads).toHaveLength(4);
  });

  test('are counted anew when one was of use in between', async () => {
    const played = playPool();
    const { report } = played.runWithoutInput();
    await played.env.advance(10);
    for (let lost = 0; lost < 3; lost++) await loseThread(played);
    played.threads.at(-1)?.say({ type: 'ready' });
    played.threads.at(-1)?.say({ type: 'news', news: [] });
    await loseThread(played);
    for (let lost = 0; lost < 3; lost++) await loseThread(played);
    expect(report()).toBeUndefined();
  });

  test('are replaced at once while runs wait, and not when none does', async () => {
    const played = playPool();
    void played.pool.open();
    await played.env.advance(10);
    await loseThread(played);
    expect(played.threads).toHaveLength(1);
    played.runWithoutInput();
    await played.env.advance(10);
    expect(played.threads).toHaveLength(2);
    await loseThread(played);
    expect(played.threads).toHaveLength(3);
  });
});
