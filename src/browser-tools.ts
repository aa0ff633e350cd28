/** In a browser: what a run can do in Node alone, it cannot. */
import { RunError } from '../machines/errors.ts';

export function inspectRun(): never {
  throw new RunError(
    'run.inspect() serves a page, which takes Node; in a browser, show the run with sluice/react or sluice/element',
  );
}

/** A browser has no variables that could ask for it. */
export function announceRun(): void {
  return undefined;
}

export function recordRun(): never {
  throw new RunError(
    'run.record() writes a file, which takes Node; in a browser, take the events from run.trace',
  );
}
