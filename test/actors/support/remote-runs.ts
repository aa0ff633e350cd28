/** Runs for workers that the test plays, over inputs that come from where the test says. */
import type { Block } from '../../../actors/block.ts';
import type { Loan } from '../../../actors/lender.ts';
import type { RunTools } from '../../../actors/running.ts';
import { simEnv } from '../../../actors/sim-env.ts';
import type { OperatorProgram } from '../../../actors/transform.ts';
import { RemoteRun } from '../../../actors/workers/remote-run.ts';
import type { BlockRef } from '../../../machines/block.ts';
import { blockRef } from '../../machines/support/blocks.ts';
import { PLENTY, programOf } from './runner.ts';

export function remoteRun(
  number: number,
  load: () => Block<unknown> | Promise<Block<unknown>>,
  {
    inputs = 1,
    lend = () => undefined,
    givesInputsAway = false,
  }: { inputs?: number; lend?: () => Loan | undefined; givesInputsAway?: boolean } = {},
): RemoteRun {
  const store: RunTools['store'] = {
    load,
    put: () => blockRef(0),
    isShared: () => false,
    lend,
    extend: () => undefined,
    spend: () => undefined,
  };
  const refs = Array.from({ length: inputs }, () => blockRef(number));
  return remoteRunOf(store, refs, { givesInputsAway }, number);
}

/** A run over blocks of a store. */
export function remoteRunOf(
  store: RunTools['store'],
  inputs: readonly BlockRef[],
  parts: Partial<OperatorProgram>,
  number = 1,
  format: 'rows' | 'columns' = 'rows',
): RemoteRun {
  return new RemoteRun(
    {
      type: 'runner.run',
      operator: 0,
      task: 0,
      attempt: 1,
      run: number,
      inputs,
      perPort: [inputs.length],
      ended: [false],
      skip: 0,
      credit: PLENTY,
      flush: false,
    },
    {
      env: simEnv(),
      store,
      program: programOf(() => [], parts),
      stateful: undefined,
      onNews: () => undefined,
      onLog: () => undefined,
      onProgress: () => undefined,
      onDeadRow: () => undefined,
    },
    { format, enqueue: () => undefined, addCredit: () => undefined, cancel: () => undefined },
  );
}
