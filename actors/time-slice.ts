/**
 * A share of the thread: after so much work without a pause, I/O and timers get a turn. After so many bytes
 * the whole run does: a large block is where it is used, and its memory perhaps free, before the next is made.
 */
import { macrotask, type Env } from './env.ts';

const SLICE_MS = 5;
const SLICE_STEPS = 64;
const SLICE_BYTES = 1024 * 1024;
/** From where a block is made to the next task: its report, two for the supervisor's cycle, and the start. */
const MACROTASKS_TO_NEXT_TASK = 4;

export interface TimeSlice {
  readonly begin: () => void;
  /** Counts what was made. */
  readonly made: (bytes: number) => void;
  /** Counts one step of work; whether it is time for a pause. */
  readonly isOver: () => boolean;
  /** Lets the others have their turn, and begins anew. */
  readonly pause: () => Promise<void>;
}

export function createTimeSlice(env: Env): TimeSlice {
  let steps = 0;
  let bytes = 0;
  let startedAt = 0;

  function begin(): void {
    steps = 0;
    bytes = 0;
    startedAt = env.now();
  }

  return {
    begin,
    made(more) {
      bytes += more;
    },
    isOver() {
      steps += 1;
      return bytes >= SLICE_BYTES || steps >= SLICE_STEPS || env.now() - startedAt > SLICE_MS;
    },
    async pause() {
      const turns = bytes >= SLICE_BYTES ? MACROTASKS_TO_NEXT_TASK : 1;
      for (let turn = 0; turn < turns; turn++) await macrotask(env);
      begin();
    },
  };
}
