/** What a transform is told about the run it works for. */
import type { RunTools } from './running.ts';
import type { TransformContext } from './transform.ts';

/**
 * A loop that never lets go of its thread hears of nothing: when it asks whether it is aborted, the
 * messages that wait are read first.
 */
export function pollWhenAsked(signal: AbortSignal, poll: () => void): void {
  const aborted = (): boolean => {
    poll();
    return Reflect.get<AbortSignal, 'aborted'>(AbortSignal.prototype, 'aborted', signal);
  };
  Object.defineProperties(signal, {
    aborted: { get: aborted },
    throwIfAborted: {
      value: () => {
        if (aborted()) throw signal.reason;
      },
    },
  });
}

/** Its functions are made when asked for: most transforms never do. */
export class RunContext implements TransformContext {
  readonly lineage: string;
  readonly attempt: number;
  readonly #tools: RunTools;
  readonly #signal: () => AbortSignal;

  constructor(tools: RunTools, signal: () => AbortSignal, lineage: string, attempt: number) {
    this.#tools = tools;
    this.#signal = signal;
    this.lineage = lineage;
    this.attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#signal();
  }

  get operator(): string {
    return this.#tools.program.name;
  }

  /** What `setup` has made, in a worker whose transform has one. */
  get state(): unknown {
    return this.#tools.worker?.state;
  }

  get log(): TransformContext['log'] {
    return (...values) => {
      this.#tools.onLog(this, values);
    };
  }

  get progress(): TransformContext['progress'] {
    return (fraction) => {
      this.#tools.onProgress(this, fraction);
    };
  }
}
