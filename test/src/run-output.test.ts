/** What the consumer of a run hears when a block cannot be brought back to it. */
import { expect, test } from 'vitest';
import type { BlockRef } from '../../machines/block.ts';
import { CancelledError, RunError, StoreError } from '../../machines/errors.ts';
import type { RunReport } from '../../machines/supervisor/run-report.ts';
import { createOutput, type RunOutput } from '../../src/run-output.ts';

const LOSS = new StoreError('the block is lost');

/** The output of a run whose first block is lost. */
function outputOf(result: () => Promise<RunReport>): {
  readonly output: RunOutput<unknown>;
  readonly left: unknown[];
} {
  const left: unknown[] = [];
  const output = createOutput({
    name: 'run',
    outlet: {
      take: () => Promise.reject<BlockRef>(LOSS),
      release: () => undefined,
      leftBehind: () => undefined,
    },
    store: {
      get: () => {
        throw LOSS;
      },
      isShared: () => false,
      spend: () => undefined,
    },
    result,
    leave: (reason) => {
      left.push(reason);
      return Promise.resolve();
    },
  });
  return { output, left };
}

const reportOf = (parts: Partial<RunReport>) => (): Promise<RunReport> =>
  Promise.resolve(parts as RunReport);

test('a loss ends the run, and is what the consumer hears', async () => {
  const { output, left } = outputOf(reportOf({ status: 'cancelled', reason: LOSS }));
  await expect(output.rows().next()).rejects.toBe(LOSS);
  expect(left[0]).toBe(LOSS);
});

test('a loss after the end of the run is what the consumer hears', async () => {
  const { output } = outputOf(reportOf({ status: 'done' }));
  await expect(output.rows().next()).rejects.toBe(LOSS);
});

test('what the run has failed with comes first', async () => {
  const failure = new RunError('it failed');
  const { output } = outputOf(() => Promise.reject(failure));
  await expect(output.rows().next()).rejects.toBe(failure);
});

test('so does the reason for which it was cancelled', async () => {
  const { output } = outputOf(reportOf({ status: 'cancelled', reason: 'enough' }));
  const thrown: unknown = await output
    .rows()
    .next()
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(CancelledError);
  expect(thrown).toMatchObject({ cause: 'enough' });
});
