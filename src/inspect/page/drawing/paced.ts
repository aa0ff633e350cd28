/** Drawings that cost much are not made often: each rests so many times as long as it took. */

export interface Pace {
  /** Draws as soon as it has rested; at once when it has. */
  readonly soon: () => void;
  /** Draws at once: somebody waits for it. */
  readonly now: () => void;
  readonly cancel: () => void;
}

export function paced(draw: () => void, rest: number): Pace {
  let dueAt = 0;
  let waiting: ReturnType<typeof setTimeout> | undefined;

  function now(): void {
    clearTimeout(waiting);
    waiting = undefined;
    const began = performance.now();
    draw();
    const ended = performance.now();
    dueAt = ended + rest * (ended - began);
  }

  return {
    now,
    soon() {
      if (waiting !== undefined) return;
      const left = dueAt - performance.now();
      if (left <= 0) now();
      else waiting = setTimeout(now, left);
    },
    cancel() {
      clearTimeout(waiting);
    },
  };
}
