/** A share of the thread: after so much work without a pause, I/O and timers get a turn. */
import { macrotask, type Env } from './env.ts';

const SLICE_MS = 5;
const SLICE_STEPS = 64;

export interface TimeSlice {
  readonly begin: () => void;
  /** Counts one step of work; whether it is time for a pause. */
  readonly isOver: () => boolean;
  /** Lets the others have their turn, and begins anew. */
  readonly pause: () => Promise<void>;
}

export function createTimeSlice(env: Env): TimeSlice {
  let steps = 0;
  let startedAt = 0;

  function begin(): void {
    steps = 0;
    startedAt = env.now();
  }

  return {
    begin,
    isOver() {
      steps += 1;
      return steps >= SLICE_STEPS || env.now() - startedAt > SLICE_MS;
    },
    async pause() {
      await macrotask(env);
      begin();
    },
  };
}
