/** The time-out of an attempt at one block: waiting for credit takes none of its time. */
import type { Env } from './env.ts';

export interface AttemptTimer {
  /** An attempt begins. */
  readonly start: () => void;
  /** It waits for credit. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** It is over. */
  readonly stop: () => void;
}

/** @param timeoutMs milliseconds an attempt may take; undefined: as long as it wants. */
export function createAttemptTimer(
  env: Env,
  timeoutMs: number | undefined,
  onTimeout: (timeoutMs: number) => void,
): AttemptTimer {
  let left = 0;
  let since = 0;
  /** Goes up with whatever happens: what was to come before is out of date. */
  let turn = 0;
  let stopTimer: () => void = () => undefined;

  function stop(): void {
    turn += 1;
    stopTimer();
  }

  function resume(): void {
    stop();
    if (timeoutMs === undefined) return;
    const mine = turn;
    since = env.now();
    stopTimer = env.setTimer(Math.max(0, left), () => {
      // A thread that was blocked meanwhile gets a turn first: the transform may be ready.
      env.defer(() => {
        if (turn === mine) onTimeout(timeoutMs);
      });
    });
  }

  return {
    start() {
      left = timeoutMs ?? 0;
      resume();
    },
    pause() {
      stop();
      left -= env.now() - since;
    },
    resume,
    stop,
  };
}
