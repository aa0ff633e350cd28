/**
 * One worker of a pool: its start, the runs it has, which of them has its thread, what becomes of them
 * when it is lost, and its end.
 */
import { describe, StoreError, TimeoutError, WorkerError } from '../../machines/errors.ts';
import type { Credit } from '../../machines/resource/ledger.ts';
import { GRACE_MS, type Env } from '../env.ts';
import type { TaskPlace } from '../transform.ts';
import { claim, createBoard, holderOf, offer } from './board.ts';
import type { Loans } from './loans.ts';
import { packError, unpackError } from './packed-error.ts';
import type { FromWorker, RunNews, WorkerLoss, WorkerProgram, WorkerThread } from './protocol.ts';
import type { RemoteRun } from './remote-run.ts';
import { createRunSender, type Outgoing } from './run-sender.ts';
import { lostInTask, neverBegun } from './worker-loss.ts';

export interface PooledWorkerTools {
  readonly env: Env;
  readonly program: WorkerProgram;
  readonly spawn: (worker: number) => WorkerThread | Promise<WorkerThread>;
  /** Milliseconds it may take to load the module and set it up. */
  readonly startMs: number;
  /** Milliseconds an attempt at one block may take. */
  readonly timeoutMs: number | undefined;
  readonly onLoaded: () => void;
  /** It is set up. */
  readonly onReady: () => void;
  /** It is ready, or has less to do than before. */
  readonly onFree: (worker: PooledWorker) => void;
  /** A run has left it, for which so many milliseconds were spent in the transform. */
  readonly onRunOver: (run: RemoteRun, busyMs: number) => void;
  /** Its runs need another worker. */
  readonly onGone: (worker: PooledWorker, orphans: readonly RemoteRun[], end: WorkerEnd) => void;
  readonly onLog: (place: TaskPlace, values: readonly unknown[]) => void;
  readonly onProgress: (place: TaskPlace, fraction: number) => void;
}

/** How a worker was lost. */
export interface WorkerEnd {
  /** Why it has never been ready. */
  readonly startError?: WorkerError;
  /** It was ready and has begun nothing, and no run has paid for that. */
  readonly isBarren: boolean;
}

export interface PooledWorker {
  readonly isStarting: () => boolean;
  /** It takes runs. */
  readonly isReady: () => boolean;
  /** How many runs it has. */
  readonly load: () => number;
  readonly assign: (run: RemoteRun) => void;
  readonly has: (run: RemoteRun) => boolean;
  readonly addCredit: (run: RemoteRun, credit: Credit) => void;
  /** Tells the run that it is to end; the thread is ended when it does not. */
  readonly cancel: (run: RemoteRun) => void;
  /** Takes back a run that it has not begun and that can go on elsewhere, the last one first. */
  readonly takeBack: () => RemoteRun | undefined;
  /** Tears it down, gently if it can be. Resolves when the thread is gone. */
  readonly close: () => Promise<void>;
}

/** A run's place in the worker. */
interface Seat extends Outgoing {
  /** The worker knows of it. */
  isSent: boolean;
  /** What was lent to the worker for it. */
  loans: Loans | undefined;
}

type State = 'starting' | 'ready' | 'retired' | 'closing' | 'gone';

export function startWorker(tools: PooledWorkerTools): PooledWorker {
  const { env, program, timeoutMs } = tools;
  let state: State = 'starting';
  let thread: WorkerThread | undefined;
  let nextId = 1;
  /** Few at a time, and gone soon. */
  let seats: Seat[] = [];
  /** What the worker has on loan: it may read that until it says that it is done, or is gone. */
  const lent = new Set<Loans>();
  /** Who has the thread, and who has asked for it, in this order: as the worker itself sees it. */
  let active: RemoteRun | undefined;
  let turns: RemoteRun[] = [];
  /** It has told of a run. */
  let hasBegun = false;
  /** The worker's own word on what it does: what it tells of may be a moment old. */
  const board = createBoard();
  let stopWatch: () => void = () => undefined;
  let closed: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });

  const worker: PooledWorker = {
    isStarting: () => state === 'starting',
    isReady: () => state === 'ready',
    load: () => seats.length,
    has: (run) => seatOf(run) !== undefined,
    assign(run) {
      const seat = { id: nextId++, place: freePlace(), run, isSent: false, loans: undefined };
      seats.push(seat);
      offer(board, seat.place, seat.id);
      send(seat);
    },
    addCredit(run, credit) {
      const seat = seatOf(run);
      if (seat?.isSent !== true) return;
      thread?.post({ type: 'credit', id: seat.id, credit }, []);
      if (run !== active) askForTurn(run);
    },
    cancel(run) {
      const seat = seatOf(run);
      if (seat === undefined) return;
      if (!seat.isSent) {
        // Nothing of it runs, and its input may be long in coming.
        finish(seat);
        run.end();
        return;
      }
      const reason = packError(run.endReason);
      thread?.post({ type: 'cancel', id: seat.id, reason }, []);
      if (run === active) watch();
    },
    takeBack() {
      if (board === undefined) return undefined;
      const seat = seats.findLast(
        ({ id, place, run, isSent }) =>
          isSent && run !== active && run.mayGoOn() && claim(board, place, id),
      );
      if (seat === undefined) return undefined;
      remove(seats, seat);
      remove(turns, seat.run);
      giveBack(seat.loans);
      return seat.run;
    },
    close,
  };

  const send = createRunSender<Seat>({
    post: (message, transfer) => thread?.post(message, transfer),
    isWanted(seat) {
      if (!seats.includes(seat)) return false;
      if (!seat.run.isEnding) return true;
      finish(seat);
      seat.run.end();
      return false;
    },
    onSent(seat, loans) {
      seat.isSent = true;
      seat.loans = loans;
      lent.add(loans);
      askForTurn(seat.run);
    },
    onRefused(seat, cause) {
      if (!seats.includes(seat)) return;
      finish(seat);
      if (cause instanceof StoreError) {
        seat.run.endWith(cause);
        return;
      }
      seat.run.endWith(
        new WorkerError(
          'message',
          `the input cannot be sent to a worker (${describe(cause)}): rows must be data that structuredClone can copy`,
          { cause },
        ),
      );
    },
  });

  function seatOf(run: RemoteRun): Seat | undefined {
    return seats.find((seat) => seat.run === run);
  }

  function freePlace(): number {
    const taken = new Set(seats.map(({ place }) => place));
    let place = 0;
    while (taken.has(place)) place += 1;
    return place;
  }

  function runOf(id: number): RemoteRun | undefined {
    return seats.find((seat) => seat.id === id)?.run;
  }

  function askForTurn(run: RemoteRun): void {
    if (active === undefined) {
      active = run;
      watch();
    } else if (!turns.includes(run)) {
      turns.push(run);
    }
  }

  /** The active run has ended or holds; `next` is who has the thread now, if the worker knew. */
  function passTurn(next: number | undefined): void {
    // The one it has named may have been taken back before it has begun it.
    active = (next === undefined ? undefined : runOf(next)) ?? turns[0];
    if (active !== undefined) remove(turns, active);
    watch();
  }

  /** @param lastMs what it has spent last and does not know of yet. */
  function finish(seat: Seat, lastMs = 0): void {
    remove(seats, seat);
    remove(turns, seat.run);
    giveBack(seat.loans);
    tools.onRunOver(seat.run, seat.run.totalMs + lastMs);
    tools.onFree(worker);
  }

  function giveBack(loans: Loans | undefined): void {
    if (loans === undefined) return;
    loans.settleAll();
    lent.delete(loans);
  }

  /** Looks at the clock for whoever has the thread. */
  function watch(): void {
    stopWatch();
    stopWatch = () => undefined;
    const run = active;
    if (run === undefined) return;
    if (run.isEnding) {
      stopWatch = env.setTimer(GRACE_MS, () => {
        lose({ exitCode: undefined, thrown: undefined }, 'unresponsive');
      });
    } else if (timeoutMs !== undefined) {
      let stopped = false;
      const stop = env.setTimer(timeoutMs, () => {
        // If it was this thread that was blocked, what the worker has sent meanwhile comes first.
        env.defer(() => {
          if (!stopped) run.fail(new TimeoutError(timeoutMs));
        });
      });
      stopWatch = () => {
        stopped = true;
        stop();
      };
    }
  }

  function receive(message: FromWorker): void {
    switch (message.type) {
      case 'loaded':
        tools.onLoaded();
        break;
      case 'ready':
        if (state !== 'starting') break;
        state = 'ready';
        stopWatch();
        tools.onReady();
        tools.onFree(worker);
        break;
      case 'refused':
        refuse(unpackError(message.error));
        break;
      case 'news':
        hasBegun = true;
        message.news.forEach(acceptNews);
        break;
      case 'log':
        tools.onLog(message.place, message.values);
        break;
      case 'progress':
        tools.onProgress(message.place, message.fraction);
        break;
      case 'closed':
        void end();
        break;
    }
  }

  function acceptNews({ id, outputs, report }: RunNews): void {
    if (report?.isSpent === true && state === 'ready') state = 'retired';
    const seat = seats.find((at) => at.id === id);
    if (seat === undefined) return;
    const { run } = seat;
    for (const output of outputs) {
      const [, consumed] = output;
      run.acceptOutput(output);
      seat.loans?.settle(consumed);
    }
    if (report === undefined) return;
    seat.loans?.settle(report.consumed);
    const isOver = report.end !== undefined;
    if (isOver) finish(seat, report.busyMs);
    run.acceptReport(report);
    if (run === active && (isOver || report.held !== undefined)) passTurn(report.next);
    else if (run === active && report.consumed > 0) watch();
  }

  function refuse(error: unknown): void {
    const { operator, exportName } = program;
    const what = `a worker of "${operator.name}" (${exportName}) could not start: ${describe(error)}`;
    const startError = new WorkerError('start', what, { cause: error });
    leave([], { startError, isBarren: false });
  }

  /** The thread is gone, or has to go. */
  function lose({ exitCode, thrown }: WorkerLoss, failure?: 'unresponsive'): void {
    if (state === 'gone') return;
    if (state === 'starting') {
      refuse(thrown?.error ?? new Error(`it ended with exit code ${String(exitCode)}`));
      return;
    }
    const { name } = program.operator;
    const loss = { exitCode, thrown };
    const holder = holderOf(board);
    const isIdle = !hasBegun && (holder ?? 0) === 0;
    const busy = holder === undefined ? active : runOf(holder);
    busy?.endWith(lostInTask(name, loss, failure));
    // It was not this run's doing, but it cannot be left out: the next worker might do the same for ever.
    const first =
      isIdle && busy === undefined ? seats.find(({ isSent }) => isSent)?.run : undefined;
    first?.endWith(neverBegun(name, loss));
    const blamed = busy ?? first;
    leave(
      seats.map(({ run }) => run).filter((run) => run !== blamed),
      { isBarren: isIdle && blamed === undefined },
    );
  }

  function leave(orphans: readonly RemoteRun[], how: WorkerEnd): void {
    for (const run of orphans) if (run.isEnding) run.end();
    const finished = seats;
    seats = [];
    for (const { run } of finished) if (run.isOver) tools.onRunOver(run, run.totalMs);
    active = undefined;
    turns = [];
    void end();
    tools.onGone(
      worker,
      orphans.filter((run) => !run.isOver),
      how,
    );
  }

  async function end(): Promise<void> {
    state = 'gone';
    stopWatch();
    stopWatch = () => undefined;
    await spawning;
    await thread?.terminate();
    lent.forEach(giveBack);
    closed();
  }

  async function close(): Promise<void> {
    if (state === 'starting') {
      void end();
    } else if (state === 'ready' || state === 'retired') {
      state = 'closing';
      thread?.post({ type: 'close' }, []);
      const stop = env.setTimer(GRACE_MS, () => {
        void end();
      });
      await gone;
      stop();
    }
    await gone;
  }

  async function start(): Promise<void> {
    stopWatch = env.setTimer(tools.startMs, () => {
      refuse(new Error(`it was not ready within ${String(tools.startMs)} ms`));
    });
    try {
      const spawned = await tools.spawn(program.worker);
      thread = spawned;
      // Closed while it was made.
      if (state !== 'starting') return;
      spawned.listen({ onMessage: receive, onLost: lose });
      spawned.post({ type: 'open', program, board }, []);
    } catch (error) {
      refuse(error);
    }
  }

  const spawning = start();
  return worker;
}

function remove<T>(items: T[], item: T): void {
  const index = items.indexOf(item);
  if (index >= 0) items.splice(index, 1);
}
