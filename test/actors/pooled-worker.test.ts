/** The runs that one worker of a pool has: when it is told of them, and when they leave it. */
import { describe, expect, test } from 'vitest';
import { rowBlock, type Block } from '../../actors/block.ts';
import { columnBlock } from '../../actors/columns/column-block.ts';
import { claim, setHolder } from '../../actors/workers/board.ts';
import { startWorker, type WorkerEnd } from '../../actors/workers/pooled-worker.ts';
import type { FromWorker, ToWorker, WorkerListener } from '../../actors/workers/protocol.ts';
import type { RemoteRun } from '../../actors/workers/remote-run.ts';
import { WorkerError } from '../../machines/errors.ts';
import { remoteRun } from './support/remote-runs.ts';
import { DONE, workerTools } from './support/worker-tools.ts';

/** All that was to happen in this turn has happened. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const runOver = (number: number): RemoteRun => remoteRun(number, () => rowBlock([number]));

/** A worker whose thread the test plays. */
async function setUp() {
  const posted: ToWorker[] = [];
  const over: RemoteRun[] = [];
  const times: number[] = [];
  const gone: { orphans: readonly RemoteRun[]; end: WorkerEnd }[] = [];
  let listener: WorkerListener | undefined;
  const worker = startWorker(
    workerTools({
      spawn: () => ({
        post: (message) => posted.push(message),
        listen: (to) => {
          listener = to;
        },
        terminate: () => Promise.resolve(),
      }),
      onRunOver: (run, busyMs) => {
        over.push(run);
        times.push(busyMs);
      },
      onGone: (_worker, orphans, end) => gone.push({ orphans, end }),
    }),
  );
  await turn();
  return {
    worker,
    over,
    times,
    gone,
    hear: (message: FromWorker): void => listener?.onMessage(message),
    lose: (): void => listener?.onLost({ exitCode: 1, thrown: undefined }),
    /** The thread is this run's, as the worker itself says in the memory that both sides share. */
    giveThread: (id: number): void => {
      const [open] = posted;
      if (open?.type === 'open') setHolder(open.board, id);
    },
    /** The worker begins the run, if nobody was before it. */
    begin: (id: number): boolean => {
      const [open] = posted;
      const run = posted
        .flatMap((message) => (message.type === 'runs' ? message.runs : []))
        .find((sent) => sent.id === id);
      return open?.type === 'open' && run !== undefined && claim(open.board, run.place, id);
    },
    /** The runs of each message of runs, and the other messages, since the worker was opened. */
    told: () =>
      posted.slice(1).map((message) => {
        if (message.type === 'runs') return message.runs.map(({ id }) => id);
        return 'id' in message ? [message.type, message.id] : [message.type];
      }),
  };
}

async function ready() {
  const desk = await setUp();
  desk.hear({ type: 'ready' });
  return desk;
}

describe('a run that was given to a worker', () => {
  test('is its run at once, and is told of with all others of the turn', async () => {
    const { worker, told } = await ready();
    const runs = [1, 2, 3].map(runOver);
    runs.forEach(worker.assign);
    expect([worker.load(), runs.map(worker.has), told()]).toEqual([3, [true, true, true], []]);
    await turn();
    expect(told()).toEqual([[1, 2, 3]]);
  });

  test('has taken what it has told of, with what it tells at its end', async () => {
    const { worker, hear, times } = await ready();
    worker.assign(runOver(1));
    await turn();
    const report = { ...DONE, consumed: 0, end: undefined, busyMs: 3 };
    hear({ type: 'news', news: [{ id: 1, outputs: [], report }] });
    hear({ type: 'news', news: [{ id: 1, outputs: [], report: { ...DONE, busyMs: 4 } }] });
    expect(times).toEqual([7]);
  });

  test('is not told of when it was cancelled in the same turn, and is over all the same', async () => {
    const { worker, told, over } = await ready();
    const [first, second] = [runOver(1), runOver(2)];
    worker.assign(first);
    worker.assign(second);
    first.cancel('enough');
    worker.cancel(first);
    await turn();
    expect(told()).toEqual([[2]]);
    expect([first.isOver, worker.has(first), worker.load(), over]).toEqual([
      true,
      false,
      1,
      [first],
    ]);
  });

  test('hears of credit and of its cancel when the worker knows it, not before', async () => {
    const { worker, told } = await ready();
    const run = runOver(1);
    worker.assign(run);
    worker.addCredit(run, { blocks: 1, bytes: 1 });
    await turn();
    worker.addCredit(run, { blocks: 1, bytes: 1 });
    run.cancel('enough');
    worker.cancel(run);
    expect(told()).toEqual([[1], ['credit', 1], ['cancel', 1]]);
  });

  test('leaves when it is over, and no other does; what is told of it later is not heard', async () => {
    const { worker, hear, over } = await ready();
    const runs = [1, 2, 3].map(runOver);
    runs.forEach(worker.assign);
    await turn();
    const end = { type: 'news', news: [{ id: 2, outputs: [], report: DONE }] } as const;
    hear(end);
    hear(end);
    expect([runs.map(worker.has), worker.load(), over]).toEqual([
      [true, false, true],
      2,
      [runs[1]],
    ]);
    worker.cancel(runs[1] ?? runOver(0));
    expect(runs.map(({ isOver }) => isOver)).toEqual([false, true, false]);
  });

  test('is refused alone when it cannot be sent', async () => {
    const { worker, told, over } = await ready();
    const bad = remoteRun(1, () => {
      throw new Error('it is lost');
    });
    const good = runOver(2);
    worker.assign(bad);
    worker.assign(good);
    await turn();
    expect([told(), over, worker.has(good)]).toEqual([[[2]], [bad], true]);
  });
});

describe('a run that was sent ahead', () => {
  test('is taken back as long as the worker has not begun it, the last one first', async () => {
    const { worker, begin, over } = await ready();
    const runs = [1, 2, 3].map(runOver);
    runs.forEach(worker.assign);
    await turn();
    expect([begin(1), begin(2)]).toEqual([true, true]);
    expect([worker.takeBack(), worker.takeBack(), worker.load()]).toEqual([runs[2], undefined, 2]);
    expect([begin(3), worker.has(runOver(3)), over]).toEqual([false, false, []]);
  });

  test('stays when it was not sent yet, has given its input away, or is to end', async () => {
    const { worker, told } = await ready();
    const givesInputsAway = true;
    const large = (): Block<unknown> => columnBlock({ x: new Float64Array(10_000) });
    const [first, moved, cancelled, late] = [
      runOver(1),
      remoteRun(2, large, { givesInputsAway }),
      runOver(3),
      runOver(4),
    ];
    [first, moved, cancelled].forEach(worker.assign);
    await turn();
    cancelled.cancel('enough');
    worker.cancel(cancelled);
    worker.assign(late);
    expect([worker.takeBack(), worker.load()]).toEqual([undefined, 4]);
    await turn();
    expect([worker.takeBack(), told().at(-1)]).toEqual([late, [4]]);
  });

  test('leaves its place to another, which is not taken for it', async () => {
    const { worker, begin } = await ready();
    [1, 2].map(runOver).forEach(worker.assign);
    await turn();
    worker.takeBack();
    worker.assign(runOver(3));
    await turn();
    expect([begin(2), begin(3)]).toEqual([false, true]);
  });

  test('is not who has the thread next, although the worker has said so', async () => {
    const { worker, hear, lose, gone, giveThread, begin } = await ready();
    const runs = [1, 2, 3].map(runOver);
    runs.forEach(worker.assign);
    await turn();
    begin(1);
    begin(2);
    expect(worker.takeBack()).toBe(runs[2]);
    hear({ type: 'news', news: [{ id: 1, outputs: [], report: { ...DONE, next: 3 } }] });
    // Who is looked after from now on is the one that it goes on with.
    runs[1]?.cancel('enough');
    giveThread(2);
    lose();
    expect([runs[1]?.isOver, gone[0]?.orphans]).toEqual([true, []]);
  });
});

describe('a worker that is lost', () => {
  test('costs who had the thread, and leaves the others to another worker', async () => {
    const { worker, lose, gone, hear, giveThread, over } = await ready();
    const runs = [1, 2, 3].map(runOver);
    runs.forEach(worker.assign);
    await turn();
    hear({ type: 'news', news: [{ id: 1, outputs: [], report: { ...DONE, next: 2 } }] });
    giveThread(2);
    lose();
    expect(runs.map(({ isOver }) => isOver)).toEqual([true, true, false]);
    expect(gone).toEqual([{ orphans: [runs[2]], end: { isBarren: false } }]);
    expect([worker.load(), over]).toEqual([0, [runs[0], runs[1]]]);
  });

  test('before it has begun any costs the first that was sent to it', async () => {
    const { worker, lose, gone, over } = await ready();
    const runs = [1, 2].map(runOver);
    runs.forEach(worker.assign);
    await turn();
    const late = runOver(3);
    worker.assign(late);
    lose();
    expect([...runs, late].map(({ isOver }) => isOver)).toEqual([true, false, false]);
    expect(over).toEqual([runs[0]]);
    expect(gone).toEqual([{ orphans: [runs[1], late], end: { isBarren: false } }]);
  });

  test('between two runs costs none of them: it was of use', async () => {
    const { worker, lose, gone, hear } = await ready();
    const runs = [1, 2].map(runOver);
    runs.forEach(worker.assign);
    await turn();
    hear({ type: 'news', news: [{ id: 1, outputs: [], report: { ...DONE, next: 2 } }] });
    lose();
    expect(gone).toEqual([{ orphans: [runs[1]], end: { isBarren: false } }]);
  });

  test('has no runs any more: those that were on their way to it are not sent', async () => {
    const { worker, lose, gone, told } = await ready();
    const run = runOver(1);
    worker.assign(run);
    lose();
    await turn();
    expect(told()).toEqual([]);
    expect(gone).toEqual([{ orphans: [run], end: { isBarren: true } }]);
    expect(worker.has(run)).toBe(false);
  });

  test('before it was ready has not started, and says with what code it ended', async () => {
    const { gone, lose } = await setUp();
    lose();
    expect(gone[0]?.end.startError).toBeInstanceOf(WorkerError);
    expect(gone[0]?.end.startError?.message).toContain('exit code 1');
  });
});
