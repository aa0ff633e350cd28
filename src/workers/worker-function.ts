/** What `workers(...)` makes: a function in another module, which operators take in place of one. */
import type { RemoteTransform } from '../../actors/transform.ts';
import type { CallShape } from '../../actors/workers/protocol.ts';

/** A function of the type `Call`, which is called in workers. */
export interface WorkerFunction<Call> {
  readonly kind: 'worker function';
  /** The name under which its module exports it. */
  readonly name: string;
  readonly toTransform: (shape: CallShape, format: 'rows' | 'columns') => RemoteTransform;
  /** Only for the compiler: there is no such function in this thread. */
  readonly call?: Call;
}

export function isWorkerFunction(value: unknown): value is WorkerFunction<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'worker function'
  );
}
