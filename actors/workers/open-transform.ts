/** A module's export, made into the transform of a worker: looked up, set up, and given its shape. */
import { WorkerError } from '../../machines/errors.ts';
import type { BlockTransform, TransformContext } from '../transform.ts';
import { filterRows, flatMapRows, mapRows } from '../transforms/rows.ts';
import type { CallShape, WorkerProgram } from './protocol.ts';
import type { SetupContext } from './worker-context.ts';

type ModuleFunction = (rowOrRows: never, context: TransformContext) => unknown;

/** What a module exports to work with something that is made once for each worker. */
interface StatefulExport {
  readonly setup?: (options: unknown, context: SetupContext) => unknown;
  readonly transform: ModuleFunction;
  readonly teardown?: (state: unknown) => unknown;
}

export interface OpenTransform {
  readonly program: WorkerProgram;
  readonly call: BlockTransform['call'];
  /** What `setup` has made. */
  readonly state: unknown;
  readonly teardown: () => unknown;
}

/** @throws WorkerError when the module has no such function. */
export function findExport(
  exports: Readonly<Record<string, unknown>>,
  name: string,
): ModuleFunction | StatefulExport {
  const found = exports[name];
  if (typeof found === 'function') return found as ModuleFunction;
  if (typeof found === 'object' && found !== null && 'transform' in found) {
    if (typeof found.transform === 'function') return found as StatefulExport;
  }
  const there = Object.keys(exports).join(', ');
  throw new WorkerError(
    'start',
    `the module exports no function ${JSON.stringify(name)}, nor an object of that name with a method "transform"; it exports: ${there === '' ? 'nothing' : there}`,
  );
}

/** Runs `setup`, if there is one. */
export async function openTransform(
  exported: ModuleFunction | StatefulExport,
  program: WorkerProgram,
  context: SetupContext,
): Promise<OpenTransform> {
  if (typeof exported === 'function') {
    const call = shaped(program.shape, exported);
    return { program, call, state: undefined, teardown: () => undefined };
  }
  const state = await exported.setup?.(program.options, context);
  return {
    program,
    call: shaped(program.shape, (rows, taskContext) => exported.transform(rows, taskContext)),
    state,
    teardown: () => exported.teardown?.(state),
  };
}

function shaped(shape: CallShape, call: ModuleFunction): BlockTransform['call'] {
  switch (shape) {
    case 'map':
      return mapRows(call);
    case 'filter':
      return filterRows(call);
    case 'flatMap':
      return flatMapRows(call as Parameters<typeof flatMapRows<never>>[0]);
    case 'mapBlocks':
      return call;
  }
}
