/** What is lent to a worker is given back when the worker cannot read it any more, and not before. */
import { expect, test } from 'vitest';
import type { Block, BlockMessage } from '../../actors/block.ts';
import { columnBlock } from '../../actors/columns/column-block.ts';
import { createLender, type Loan } from '../../actors/lender.ts';
import { simEnv } from '../../actors/sim-env.ts';
import { createSlabPool } from '../../actors/slabs.ts';
import { packError } from '../../actors/workers/packed-error.ts';
import { startWorker } from '../../actors/workers/pooled-worker.ts';
import type {
  FromWorker,
  ToWorker,
  WorkerListener,
  WorkerReport,
} from '../../actors/workers/protocol.ts';
import type { Job, RemoteRun } from '../../actors/workers/remote-run.ts';
import { remoteRun } from './support/remote-runs.ts';
import { DONE, workerTools } from './support/worker-tools.ts';

const REPORT: WorkerReport = { ...DONE, consumed: 0, end: undefined };

/** All that was to happen in this turn has happened. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const large = columnBlock({ x: new Float64Array(10_000) });

/** A worker whose thread the test plays, and what it has on loan. */
async function setUp() {
  const env = simEnv();
  let loans = 0;
  let listener: WorkerListener | undefined;
  let onTerminated: () => void = () => undefined;
  let post: (message: ToWorker) => void = () => undefined;
  const worker = startWorker(
    workerTools({
      env,
      spawn: () => ({
        post: (message) => {
          post(message);
        },
        listen: (to) => {
          listener = to;
        },
        terminate: () =>
          new Promise((resolve) => {
            onTerminated = resolve;
          }),
      }),
    }),
  );
  await turn();
  const hear = (message: FromWorker): void => listener?.onMessage(message);
  hear({ type: 'ready' });

  function lend(): Loan {
    const lender = createLender(createSlabPool());
    const loan = lender.lend({ block: large });
    if (loan === undefined) throw new Error('it is not lent');
    loans += 1;
    return {
      ...loan,
      giveBack: () => {
        loans -= 1;
      },
    };
  }

  /** A run over so many inputs, all of which are lent. */
  function assign(inputs: number): RemoteRun {
    const run = remoteRun(1, () => large, { inputs, lend });
    worker.assign(run);
    return run;
  }

  return {
    env,
    worker,
    assign,
    loans: () => loans,
    /** An output comes, before which so many inputs were done with. */
    yields: (consumed: number): void => {
      const block: BlockMessage = { kind: 'rows', rows: [1], sizeBytes: 8 };
      hear({ type: 'news', news: [{ id: 1, outputs: [[block, consumed, 0]], report: undefined }] });
    },
    report: (parts: Partial<WorkerReport>): void => {
      hear({ type: 'news', news: [{ id: 1, outputs: [], report: { ...REPORT, ...parts } }] });
    },
    lose: (): void => listener?.onLost({ exitCode: 1, thrown: undefined }),
    terminate: async (): Promise<void> => {
      onTerminated();
      await turn();
    },
    onPost: (callback: typeof post): void => {
      post = callback;
    },
  };
}

test('input by input, as they are done with', async () => {
  const { assign, loans, report, yields } = await setUp();
  assign(4);
  await turn();
  expect(loans()).toBe(4);
  report({ consumed: 1 });
  expect(loans()).toBe(3);
  report({ consumed: 0 });
  expect(loans()).toBe(3);
  yields(1);
  expect(loans()).toBe(2);
  report({ consumed: 2, end: 'done' });
  expect(loans()).toBe(0);
});

test('all of it, when the run ends before it is through', async () => {
  const { assign, loans, report } = await setUp();
  assign(3);
  await turn();
  report({ consumed: 1, end: { error: packError(new Error('on purpose')) } });
  expect(loans()).toBe(0);
});

test('when the worker says that a cancelled run is over, not when it is cancelled', async () => {
  const { assign, loans, report, worker } = await setUp();
  const run = assign(2);
  await turn();
  run.cancel('enough');
  worker.cancel(run);
  await turn();
  expect(loans()).toBe(2);
  report({ end: 'done' });
  expect(loans()).toBe(0);
});

test('when the thread of a lost worker is gone, though its run is over before', async () => {
  const { assign, loans, lose, terminate } = await setUp();
  assign(2);
  await turn();
  lose();
  await turn();
  expect(loans()).toBe(2);
  await terminate();
  expect(loans()).toBe(0);
});

test('when the thread is gone that did not end within the grace', async () => {
  const { assign, env, loans, terminate, worker } = await setUp();
  assign(2);
  await turn();
  void worker.close();
  await env.advance(60_000);
  expect(loans()).toBe(2);
  await terminate();
  expect(loans()).toBe(0);
});

test('at once, when the run is not sent after all', async () => {
  const { assign, loans, worker } = await setUp();
  const run = assign(2);
  expect(loans()).toBe(2);
  run.cancel('enough');
  worker.cancel(run);
  await turn();
  expect(loans()).toBe(0);
});

test('at once, when the run cannot be sent', async () => {
  const { assign, loans, onPost } = await setUp();
  onPost(() => {
    throw new Error('it cannot be cloned');
  });
  const run = assign(2);
  await turn();
  expect([run.isOver, loans()]).toEqual([true, 0]);
});

test('at once, when another input of the run is lost', () => {
  let loans = 0;
  const run = remoteRun(1, () => large, {
    inputs: 2,
    lend() {
      if (loans === 1) throw new Error('it was released');
      loans += 1;
      const loan = createLender(createSlabPool()).lend({ block: large });
      return (
        loan && {
          ...loan,
          giveBack: () => {
            loans = 0;
          },
        }
      );
    },
  });
  expect(() => run.job({ id: 1, place: 0 })).toThrow('it was released');
  expect(loans).toBe(0);
});

test('what is in shared memory already is lent to its last holder as well', () => {
  const lender = createLender(createSlabPool());
  const place: { block: Block<unknown> | undefined } = { block: large };
  const lend = (): Loan | undefined => lender.lend(place);
  const job = (): Job | Promise<Job> =>
    remoteRun(1, () => place.block ?? large, { lend, givesInputsAway: true }).job({
      id: 1,
      place: 0,
    });
  const loan = lend();
  expect(job()).toMatchObject({ transfer: [], message: { blocks: [loan?.message] } });
});
