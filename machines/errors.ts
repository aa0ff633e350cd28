/** The errors of the public surface: what happened, where, and what to do. Each class has a `code`. */

/** The base of all errors Sluice throws on purpose. */
export abstract class SluiceError extends Error {
  abstract readonly code: string;
}

/** A plan that can never run, refused before anything starts. */
export class PlanError extends SluiceError {
  override readonly name = 'PlanError';
  readonly code = 'PLAN';
  /** The operator that is at fault, if it is one. */
  readonly operator: string | undefined;

  constructor(message: string, operator?: string) {
    super(message);
    this.operator = operator;
  }
}

/** An option that is unknown or has a value it cannot have. */
export class OptionError extends SluiceError {
  override readonly name = 'OptionError';
  readonly code = 'OPTION';
  /** The option's name, with dots for what is nested: `input.rows`. */
  readonly option: string;

  constructor(option: string, message: string) {
    super(message);
    this.option = option;
  }
}

/** A transform, source or sink that failed for good. The error it threw is the `cause`. */
export class TaskError extends SluiceError {
  override readonly name = 'TaskError';
  readonly code = 'TASK';
  readonly operator: string;
  /** Which attempt failed, from 1. */
  readonly attempt: number;
  /** Lineage of the input block; empty when it failed outside of any block. */
  readonly lineage: string;
  /** What else failed while the run ended because of this; undefined when nothing did. */
  readonly later: AggregateError | undefined;

  constructor(
    where: { operator: string; attempt: number; lineage: string; later?: readonly unknown[] },
    cause: unknown,
  ) {
    const { operator, attempt, lineage, later = [] } = where;
    const at = lineage === '' ? '' : ` on block ${lineage} (attempt ${String(attempt)})`;
    super(`operator "${operator}" failed${at}: ${describe(cause)}`, { cause });
    this.operator = operator;
    this.attempt = attempt;
    this.lineage = lineage;
    this.later =
      later.length === 0
        ? undefined
        : new AggregateError(later, `failed after operator "${operator}" did`);
  }
}

/** A transform that took longer than its operator's `timeout`. */
export class TimeoutError extends SluiceError {
  override readonly name = 'TimeoutError';
  readonly code = 'TIMEOUT';
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`no output and no end within the timeout of ${String(timeoutMs)} ms`);
    this.timeoutMs = timeoutMs;
  }
}

/** Data that is not what its format says. */
export class FormatError extends SluiceError {
  override readonly name = 'FormatError';
  readonly code = 'FORMAT';
  readonly file: string;
  /** Where in the file, in bytes; undefined when it concerns the file as a whole. */
  readonly offset: number | undefined;

  constructor(file: string, offset: number | undefined, message: string, cause?: unknown) {
    const at = offset === undefined ? '' : ` at byte ${String(offset)}`;
    super(`${file}${at}: ${message}`, cause === undefined ? undefined : { cause });
    this.file = file;
    this.offset = offset;
  }
}

/** More attempts of an operator failed within a while than its `restarts` allow. */
export class RestartLimitError extends SluiceError {
  override readonly name = 'RestartLimitError';
  readonly code = 'RESTARTS';
  /** What the attempts threw, oldest first; the first is the `cause`. */
  readonly errors: readonly unknown[];

  constructor(limit: { count: number; withinMs: number }, errors: readonly unknown[]) {
    super(
      `${String(errors.length)} attempts failed within ${String(limit.withinMs)} ms, more than the ${String(limit.count)} that restarts allow; the first: ${describe(errors[0])}`,
      { cause: errors[0] },
    );
    this.errors = errors;
  }
}

/** A value that a column cannot hold, or a column that a block does not have. */
export class ColumnError extends SluiceError {
  override readonly name = 'ColumnError';
  readonly code = 'COLUMN';
  readonly column: string;
  /** Which row of the block; undefined when it concerns the column as a whole. */
  readonly row: number | undefined;

  constructor(column: string, row: number | undefined, message: string) {
    const at = row === undefined ? '' : `, row ${String(row)}`;
    super(`column "${column}"${at}: ${message}`);
    this.column = column;
    this.row = row;
  }
}

/** Nothing can go on, and nothing is on its way that could change it. Says who waits for what. */
export class StallError extends SluiceError {
  override readonly name = 'StallError';
  readonly code = 'STALL';
  /** Who waits for what, the most downstream operator first. */
  readonly waiting: readonly string[];

  constructor(waiting: readonly string[]) {
    super(`the run is stalled: ${waiting.join('; ')}. Raise the budget or the limit that is named`);
    this.waiting = waiting;
  }
}

/** A run was asked for something it cannot do now. */
export class RunError extends SluiceError {
  override readonly name = 'RunError';
  readonly code = 'RUN';
}

/** The run was cancelled. The reason that was given is the `cause`. */
export class CancelledError extends SluiceError {
  override readonly name = 'CancelledError';
  readonly code = 'CANCELLED';

  constructor(pipeline: string, reason: unknown) {
    const why = reason === undefined ? '' : `: ${describe(reason)}`;
    super(`the run of "${pipeline}" was cancelled${why}`, { cause: reason });
  }
}

/** Why a worker could not do its work. */
export type WorkerFailure =
  /** It could not be started: no such module or function, an error while loading, `setup` failed. */
  | 'start'
  /** It ended in the middle of a task: it crashed, or called `process.exit`. */
  | 'exit'
  /** It used more memory than it may. */
  | 'memory'
  /** It did not end when it was told to, and was terminated. */
  | 'unresponsive'
  /** A row cannot be sent from one thread to another. */
  | 'message';

/** A worker thread that was lost, or cannot do what it is there for. What was thrown is the `cause`. */
export class WorkerError extends SluiceError {
  override readonly name = 'WorkerError';
  readonly code = 'WORKER';
  readonly failure: WorkerFailure;
  /** With which code the thread ended; undefined when it did not, or did not tell. */
  readonly exitCode: number | undefined;

  constructor(
    failure: WorkerFailure,
    message: string,
    { cause, exitCode }: { readonly cause?: unknown; readonly exitCode?: number } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.failure = failure;
    this.exitCode = exitCode;
  }
}

/** A block that is not in the store any more, or that is damaged or lost where it was kept. */
export class StoreError extends SluiceError {
  override readonly name = 'StoreError';
  readonly code = 'STORE';
}

/** A short text for anything that was thrown. Never throws itself. */
export function describe(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return thrown.message === '' ? thrown.name : thrown.message;
    if (typeof thrown === 'string') return thrown;
    return String(thrown);
  } catch {
    return 'a value that cannot be shown';
  }
}
