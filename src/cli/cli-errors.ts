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

/** A TypeScript file, and nothing to run it with. */
export class TypeScriptError extends SluiceError {
  override readonly name = 'TypeScriptError';
  readonly code = 'TYPESCRIPT';

  constructor(file: string, cause: unknown) {
    super(
      `${file} is TypeScript, which Node ${process.versions.node} could not run by itself: ${describe(cause)}. ` +
        'There are three ways out: Node 22.18 or newer; jiti (npm install --save-dev jiti); ' +
        'or tsx (npm install --save-dev tsx)',
      { cause },
    );
  }
}
