/** What inspectors need of a run and nobody else should see. */
import type { Env } from '../actors/env.ts';
import type { RunEventBody } from '../machines/run-event.ts';

export interface RunInternals {
  readonly env: Env;
  /** When the run began, on its clock. */
  readonly startedAt: number;
  /** Tells everybody who listens of something that is no message between actors. */
  readonly note: (event: RunEventBody) => void;
}

const internals = new WeakMap<object, RunInternals>();

export function keepInternals(run: object, parts: RunInternals): void {
  internals.set(run, parts);
}

/** Undefined when it is no run, or one of another copy of Sluice. */
export function internalsOf(run: object): RunInternals | undefined {
  return internals.get(run);
}
