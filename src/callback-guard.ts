/**
 * Guards functions the user gave to watch a run: one that throws must not take the run with it. XState
 * does not guard its inspectors, and RxJS throws such errors at the process.
 */
export interface CallbackGuard {
  /** The same function, except that what it throws is counted instead. */
  readonly guarded: <A>(callback: (argument: A) => void) => (argument: A) => void;
  readonly report: (error: unknown) => void;
  readonly errors: () => { readonly count: number; readonly first: unknown };
}

export function createGuard(): CallbackGuard {
  let count = 0;
  let first: unknown;

  function report(error: unknown): void {
    if (count === 0) first = error;
    count += 1;
  }

  return {
    guarded: (callback) => (argument) => {
      try {
        callback(argument);
      } catch (error) {
        report(error);
      }
    },
    report,
    errors: () => ({ count, first }),
  };
}
