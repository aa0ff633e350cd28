/**
 * When a pool of workers starts another one: when that pays. A start costs time of a processor, and it
 * pays when the worker then has work for as long. That is known at once when much is waiting. Otherwise
 * it is found out as one finds out whether to buy skis or to rent them: one more is started when doing
 * without it has cost as much, unless what waits is getting less by itself. So a pool is never much
 * worse than twice the best it could have been. What starts and runs take is measured; before that is
 * known, a worker is started for each run.
 */
import type { Env } from '../env.ts';

/** How much a run weighs in the average of what a run takes, and a start in that of starts. */
const RUN_WEIGHT = 1 / 8;
const START_WEIGHT = 1 / 2;
/** Starts that take no time at all are none that could be compared with. */
const MIN_START_MS = 1;

export interface PoolView {
  /** Runs that no worker has. */
  readonly waiting: number;
  readonly ready: number;
  readonly starting: number;
  /** Workers there may be besides those that are ready or starting. */
  readonly room: number;
  /** Workers that were lost just now. */
  readonly lost: number;
}

export interface PoolGrowth {
  readonly noteStart: (ms: number) => void;
  readonly noteRun: (ms: number) => void;
  /** What a run takes, on average; infinite before any is over. */
  readonly runMs: () => number;
  /** How many workers to start now. To be asked whenever something in the view has changed. */
  readonly workersToStart: (view: PoolView) => number;
  readonly close: () => void;
}

/** How long runs have waited since a start was last decided on, while workers were at work. */
interface Wait {
  ms: number;
  /** The number of those that waited, times milliseconds: in the first half of a start, and later. */
  early: number;
  late: number;
}

/** @param onDue asks again: runs have waited for long, and nothing else has happened. */
export function createPoolGrowth(env: Env, onDue: () => void): PoolGrowth {
  let runMs = Infinity;
  let startMs: number | undefined;
  let wait: Wait = { ms: 0, early: 0, late: 0 };
  /** What waits now, and since when. */
  let now: { readonly since: number; readonly waiting: number } | undefined;
  let stopTimer: (() => void) | undefined;

  function settleWait(start: number): void {
    if (now === undefined) return;
    const ms = env.now() - now.since;
    const early = Math.min(ms, Math.max(0, start / 2 - wait.ms));
    wait.ms += ms;
    wait.early += early * now.waiting;
    wait.late += (ms - early) * now.waiting;
    now = undefined;
  }

  function goOnWaiting(waiting: number, start: number): void {
    now = { since: env.now(), waiting };
    // One that is set already comes sooner, and is set again then.
    stopTimer ??= env.setTimer(start - wait.ms, () => {
      stopTimer = undefined;
      onDue();
    });
  }

  /** As many as what waits is work for, each for as long as its start takes; at least one. */
  function neededAtOnce({ waiting, ready, starting, lost }: PoolView, start: number): number {
    const here = ready + starting;
    return Math.max(Math.floor((waiting * runMs) / start) - here, lost, here === 0 ? 1 : 0);
  }

  /** As many again, if they have done without for as long as a start takes. */
  function neededAfterAll({ ready, starting }: PoolView, start: number): number {
    if (wait.ms < start) return 0;
    const early = wait.early / (start / 2);
    const late = wait.late / (wait.ms - start / 2);
    wait = { ms: 0, early: 0, late: 0 };
    // How many will wait when the next are ready, if it goes on as it went from one half to the other.
    const left = late + 2.5 * (late - early);
    return Math.min(ready + starting, Math.ceil(left));
  }

  return {
    noteStart(ms) {
      const measured = Math.max(MIN_START_MS, ms);
      startMs = startMs === undefined ? measured : startMs + START_WEIGHT * (measured - startMs);
    },
    noteRun(ms) {
      runMs = runMs === Infinity ? ms : runMs + RUN_WEIGHT * (ms - runMs);
    },
    runMs: () => runMs,
    workersToStart(view) {
      // Each that is starting is for one of the runs.
      const most = Math.min(view.waiting - view.starting, view.room);
      if (startMs === undefined) return Math.max(0, most);
      settleWait(startMs);
      if (most <= 0) return 0;
      const needed = Math.max(neededAtOnce(view, startMs), neededAfterAll(view, startMs));
      const count = Math.min(most, Math.max(0, needed));
      if (count > 0) wait = { ms: 0, early: 0, late: 0 };
      if (count < most && view.ready > 0)
        goOnWaiting(view.waiting - view.starting - count, startMs);
      return count;
    },
    close() {
      stopTimer?.();
      stopTimer = undefined;
    },
  };
}
