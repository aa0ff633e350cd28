/**
 * The one seam to the world: clock, timers, randomness and macrotasks. Everything else gets them from
 * an `Env`, so that a run can be simulated with virtual time. A lint rule keeps it so.
 */
import type { Runner, RunnerTools } from './inline-runner.ts';

export interface Env {
  /** Monotonic time in milliseconds from an arbitrary start. */
  readonly now: () => number;
  /** Calls back once after `delayMs` milliseconds. Returns a function that cancels the call. */
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  /** Calls back in the next macrotask, when I/O and timers have had their turn. */
  readonly defer: (callback: () => void) => void;
  /** A random number from 0 (included) to 1 (excluded). */
  readonly random: () => number;
  /** When `now()` was 0, in milliseconds since 1970. Default: 0. */
  readonly timeOrigin?: number;
  /** Makes what runs transforms. Default: they run in this thread. */
  readonly createRunner?: (tools: RunnerTools) => Runner;
}

/** How long something that is told to end may take to do so by itself, in milliseconds. */
export const GRACE_MS = 1000;

/** Timers take no longer delay: one that is longer would go off at once. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The real world, in Node and in browsers. */
export const liveEnv: Env = {
  now: () => performance.now(),
  timeOrigin: performance.timeOrigin,
  setTimer(delayMs, callback) {
    const timer = setTimeout(callback, Math.min(delayMs, MAX_DELAY_MS));
    return () => {
      clearTimeout(timer);
    };
  },
  defer: deferrer(),
  random: () => Math.random(),
};

/** `setImmediate` where there is one; elsewhere a message channel, which browsers do not throttle. */
function deferrer(): Env['defer'] {
  if (typeof setImmediate === 'function') {
    return (callback) => {
      setImmediate(callback);
    };
  }
  const callbacks: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    callbacks.shift()?.();
  };
  return (callback) => {
    callbacks.push(callback);
    port2.postMessage(undefined);
  };
}

/** Waits for the next macrotask. */
export function macrotask(env: Env): Promise<void> {
  return new Promise((resolve) => {
    env.defer(resolve);
  });
}
