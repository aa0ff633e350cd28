/** Runs for workers that the test plays, each over one input that comes from where the test says. */
import type { Block } from '../../../actors/block.ts';
import { simEnv } from '../../../actors/sim-env.ts';
import { RemoteRun } from '../../../actors/workers/remote-run.ts';
import { blockRef } from '../../machines/support/blocks.ts';
import { PLENTY, programOf } from './runner.ts';

export function remoteRun(
  number: number,
  load: () => Block<unknown> | Promise<Block<unknown>>,
): RemoteRun {
  return new RemoteRun(
    {
      type: 'runner.run',
      operator: 0,
      task: 0,
      attempt: 1,
      run: number,
      inputs: [blockRef(number)],
      perPort: [1],
      ended: [false],
      skip: 0,
      credit: PLENTY,
      flush: false,
    },
    {
      env: simEnv(),
      store: { load, put: () => blockRef(0), isShared: () => false, retain: () => undefined },
      program: programOf(() => []),
      stateful: undefined,
      onNews: () => undefined,
      onLog: () => undefined,
      onProgress: () => undefined,
      onDeadRow: () => undefined,
    },
    { enqueue: () => undefined, addCredit: () => undefined, cancel: () => undefined },
  );
}
