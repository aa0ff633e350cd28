/**
 * The workers of one operator in one run of a pipeline: as many as there are tasks at a time where that
 * pays, up to a limit. A warm one is preferred to a new one, the one used last to all others, so that
 * those nobody needs stay idle long enough to be let go of.
 */
import { WorkerError } from '../../machines/errors.ts';
import type { Running, RunMessage, RunTools } from '../running.ts';
import type { HostTools, OperatorProgram, TaskHost } from '../transform.ts';
import { PLACES } from './board.ts';
import { createPoolGrowth } from './pool-growth.ts';
import { startWorker, type PooledWorker, type WorkerEnd } from './pooled-worker.ts';
import type { WorkerProgram, WorkerThread } from './protocol.ts';
import { RemoteRun, type RunPlace } from './remote-run.ts';
import { neverBegun } from './worker-loss.ts';

/**
 * So many milliseconds of work a busy worker has ahead, in runs that are shorter than that: its thread must
 * not wait for the next, and it tells of several at a time.
 */
const AHEAD_MS = 12;
/** So many workers in a row may be lost before any has begun a run: the next costs a run an attempt. */
const MAX_BARREN = 3;

export interface PoolOptions extends Pick<
  WorkerProgram,
  'exportName' | 'shape' | 'format' | 'options' | 'bufferBytes'
> {
  /** Makes a thread. */
  readonly spawn: (worker: number) => WorkerThread | Promise<WorkerThread>;
  /** Most workers at a time. */
  readonly threads: number;
  /** Milliseconds without a task after which a worker is let go of. */
  readonly idleMs: number;
  /** Milliseconds a worker may take to load its module and to set itself up. */
  readonly startMs: number;
  /** Numbers the workers. Default: from 0. */
  readonly nextWorker?: () => number;
  /** It is there for one run, which does not go on when its worker is lost. Default: false. */
  readonly isSpare?: boolean;
}

export function createWorkerPool(
  program: OperatorProgram,
  { env, onLog, onProgress }: HostTools,
  pool: PoolOptions,
): TaskHost {
  const {
    spawn,
    threads,
    idleMs,
    startMs,
    nextWorker = countUp(),
    isSpare = false,
    ...options
  } = pool;
  /** The one used last comes last. */
  let workers: PooledWorker[] = [];
  /** Workers that are about to end, and runs alone with theirs. */
  const leaving = new Set<Promise<void>>();
  let waiting: RemoteRun[] = [];
  /** Workers that were lost in a row and were of no use, at nobody's cost. */
  let barren = 0;
  let isClosed = false;
  const idleTimers = new Map<PooledWorker, () => void>();
  let opened: { readonly resolve: () => void; readonly reject: (error: unknown) => void };
  const opening = new Promise<void>((resolve, reject) => {
    opened = { resolve, reject };
  });
  // A pool for one run is not opened: its run hears of a worker that does not start.
  opening.catch(() => undefined);
  const growth = createPoolGrowth(env, assign);

  const place: RunPlace = {
    format: pool.format,
    enqueue(run) {
      waiting.push(run);
      assign();
    },
    addCredit(run, credit) {
      workers.find((worker) => worker.has(run))?.addCredit(run, credit);
    },
    cancel(run) {
      if (waiting.includes(run)) {
        waiting = waiting.filter((other) => other !== run);
        run.end();
        assign();
      } else {
        workers.find((worker) => worker.has(run))?.cancel(run);
      }
    },
  };

  /** Gives the runs that wait to workers, and starts more workers where that pays. */
  function assign(lost = 0): void {
    for (let worker = freeWorker(); worker !== undefined; worker = freeWorker()) {
      const run = waiting.shift();
      if (run === undefined) break;
      give(worker, run);
    }
    if (waiting.length === 0) shareOut();
    if (isClosed) return;
    const starting = workers.filter((worker) => worker.isStarting()).length;
    const ready = workers.filter((worker) => worker.isReady()).length;
    const room = threads - starting - ready;
    const more = growth.workersToStart({ waiting: waiting.length, ready, starting, room, lost });
    for (let started = 0; started < more; started++) start();
  }

  function give(worker: PooledWorker, run: RemoteRun): void {
    stayAwake(worker);
    workers = [...workers.filter((other) => other !== worker), worker];
    worker.assign(run);
  }

  /** A worker with nothing to do gets what was sent ahead to one that is still at something else. */
  function shareOut(): void {
    for (;;) {
      const idle = workers.findLast((worker) => worker.isReady() && worker.load() === 0);
      const run = idle === undefined ? undefined : takeBack();
      if (idle === undefined || run === undefined) return;
      give(idle, run);
    }
  }

  function takeBack(): RemoteRun | undefined {
    const busy = workers.filter((worker) => worker.isReady() && worker.load() > 1);
    for (const worker of busy.sort((one, other) => other.load() - one.load())) {
      const run = worker.takeBack();
      if (run !== undefined) return run;
    }
    return undefined;
  }

  function freeWorker(): PooledWorker | undefined {
    if (waiting.length === 0) return undefined;
    const ready = workers.filter((worker) => worker.isReady());
    const idle = ready.findLast((worker) => worker.load() === 0);
    if (idle !== undefined || ready.length < threads || growth.runMs() > AHEAD_MS) return idle;
    const least = Math.min(...ready.map((worker) => worker.load()));
    return least < fullLoad() ? ready.find((worker) => worker.load() === least) : undefined;
  }

  /** Runs a worker has at most, the one under way included. */
  function fullLoad(): number {
    return Math.min(PLACES, Math.max(2, Math.ceil(AHEAD_MS / growth.runMs())));
  }

  function start(): void {
    const { index, name, output, targetBytes, atomic, retries, onRowError, timeoutMs } = program;
    const startedAt = env.now();
    const worker = startWorker({
      env,
      spawn,
      startMs,
      timeoutMs,
      program: {
        ...options,
        worker: nextWorker(),
        operator: { index, name, output, targetBytes, atomic, retries, onRowError },
        reportsInputs: timeoutMs !== undefined,
      },
      onLoaded: () => {
        opened.resolve();
      },
      onReady: () => {
        growth.noteStart(env.now() - startedAt);
      },
      onFree: (free) => {
        const isSpent = !free.isReady() && free.load() === 0;
        assign(isSpent ? 1 : 0);
        if (free.load() > 0 || isClosed) return;
        if (isSpent) close(free);
        else letRest(free);
      },
      onRunOver: (_run, busyMs) => {
        // One that has not begun, or was lost, says nothing of what they take.
        if (busyMs > 0) growth.noteRun(busyMs);
      },
      onGone: loseWorker,
      onLog,
      onProgress,
    });
    workers = [worker, ...workers];
  }

  function loseWorker(
    worker: PooledWorker,
    orphans: readonly RemoteRun[],
    { startError, isBarren }: WorkerEnd,
  ): void {
    close(worker);
    if (startError !== undefined) {
      opened.reject(startError);
      // A start that fails costs an attempt, lest it be tried for ever.
      waiting.shift()?.endWith(startError);
    }
    for (const run of orphans) {
      if (isSpare) run.endWith(neverBegun(program.name));
      else if (!run.mayGoOn()) run.endWith(orphaned(program.name));
    }
    waiting = [...orphans.filter((run) => !run.isOver), ...waiting];
    barren = isBarren ? barren + 1 : 0;
    if (barren > MAX_BARREN && waiting.length > 0) {
      barren = 0;
      waiting.shift()?.endWith(neverBegun(program.name));
    }
    assign(1);
  }

  /** Nobody needs it now. If that stays so, it goes. */
  function letRest(worker: PooledWorker): void {
    stayAwake(worker);
    idleTimers.set(
      worker,
      env.setTimer(idleMs, () => {
        close(worker);
      }),
    );
  }

  function stayAwake(worker: PooledWorker): void {
    idleTimers.get(worker)?.();
    idleTimers.delete(worker);
  }

  function forget(worker: PooledWorker): void {
    stayAwake(worker);
    workers = workers.filter((other) => other !== worker);
  }

  function close(worker: PooledWorker): void {
    forget(worker);
    const closing = worker.close().then(() => {
      leaving.delete(closing);
    });
    leaving.add(closing);
  }

  /** In a pool of its own, with one worker that is started for the run and ends with it. */
  function runAlone(message: RunMessage, tools: RunTools): Running {
    const spare = createWorkerPool(program, tools, {
      ...pool,
      threads: 1,
      nextWorker,
      isSpare: true,
    });
    let tellGone = (): void => undefined;
    const gone = new Promise<void>((resolve) => {
      tellGone = resolve;
    });
    leaving.add(gone);
    const run = spare.run(message, {
      ...tools,
      onNews() {
        if (!run.isOver) tools.onNews();
        else void spare.close().then(end);
      },
    });

    function end(): void {
      leaving.delete(gone);
      tellGone();
      tools.onNews();
    }

    return run;
  }

  return {
    open() {
      start();
      return opening;
    },
    run: (message, tools) => new RemoteRun(message, tools, place),
    runAlone,
    async close() {
      isClosed = true;
      growth.close();
      for (const run of waiting.splice(0)) run.end();
      for (const worker of workers) close(worker);
      while (leaving.size > 0) await Promise.all(leaving);
    },
  };
}

function countUp(): () => number {
  let next = 0;
  return () => next++;
}

/** Its blocks were given to a worker that another run has brought down. */
function orphaned(operator: string): WorkerError {
  return new WorkerError(
    'exit',
    `the worker of "${operator}" was lost to another task, and the input with it`,
  );
}
