/** The errors of the command line. */
import { describe, SluiceError } from '../../machines/errors.ts';

/** A command line that asks for something that cannot be. */
export class UsageError extends SluiceError {
  override readonly name = 'UsageError';
  readonly code = 'USAGE';
}

/** A file with a pipeline that could not be loaded. What went wrong is the `cause`. */
export class LoadError extends SluiceError {
  override readonly name = 'LoadError';
  readonly code = 'LOAD';

  constructor(file: string, cause: unknown) {
    super(`${file} could not be loaded: ${describe(cause)}`, { cause });
  }
}
