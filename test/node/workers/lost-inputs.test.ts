/** Tasks in worker threads whose inputs are lost where they were spilled to. */
import { rmSync } from 'node:fs';
import { expect, onTestFinished, test } from 'vitest';
import { pipeline, StoreError, TaskError, type OperatorOptions } from '../../../src/index.ts';
import { workerModule, workers } from '../../../src/node/index.ts';
import { createGate } from './gate.ts';
import type * as gateModule from './gate.ts';
import { losingStore } from './losing-store.ts';
import { counted } from './threads.ts';

const ROWS = [0, 1, 2, 3, 4, 5];

/** Blocks that are made in this thread, and lost before a worker takes them: all but the first. */
async function loseInputs(
  options: OperatorOptions,
  again: (signal: AbortSignal) => Promise<void> = () => Promise.resolve(),
) {
  const [ops, threads] = counted(
    workerModule<typeof gateModule>(new URL('./gate.ts', import.meta.url)),
  );
  const gate = createGate();
  const store = losingStore(([row]) => typeof row === 'number');
  const made = new Set<string>();
  const run = pipeline('lost inputs')
    .fromBlocks(ROWS.map((row) => [String(row)]))
    .mapBlocks(
      async ([text = ''], { signal }) => {
        if (made.has(text)) await again(signal);
        made.add(text);
        return [Number(text)];
      },
      {
        name: 'make',
        resources: { cpu: 0 },
        queue: { blocks: 100 },
        preserveOrder: true,
        ...options,
      },
    )
    .mapBlocks(workers(ops, 'waitsAtGate', { options: gate.cells }), {
      name: 'take',
      input: { blocks: 1 },
      preserveOrder: true,
    })
    .start({ budget: { cpu: 1 }, store });
  onTestFinished(async () => {
    gate.open();
    await run.cancel('the test is over');
    rmSync(store.directory, { recursive: true, force: true });
  });
  const rows = run.collect();
  rows.catch(() => undefined);
  await store.written(ROWS.length - 1);
  return { run, rows, threads, gate };
}

test('are made again for them', async () => {
  const { run, rows, gate } = await loseInputs({ retries: 1 });
  gate.open();
  expect(await rows).toEqual(ROWS.map((row) => row * 2));
  expect(run.snapshot().spill.remade).toBe(ROWS.length - 1);
});

test('fail them with the error of the store when they cannot be made again', async () => {
  const { rows, gate } = await loseInputs({});
  gate.open();
  const error: unknown = await rows.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TaskError);
  expect(error).toMatchObject({ operator: 'take' });
  expect((error as TaskError).cause).toBeInstanceOf(StoreError);
});

test('do not hold up a cancel while they are made again', async () => {
  let onAgain = (): void => undefined;
  const isMadeAgain = new Promise<void>((resolve) => {
    onAgain = resolve;
  });
  const { run, gate, threads } = await loseInputs({ retries: 1 }, async (signal) => {
    onAgain();
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('given up'));
      });
    });
  });
  gate.open();
  await isMadeAgain;
  await run.cancel('enough');
  expect((await run.done).status).toBe('cancelled');
  expect(threads.alive).toBe(0);
});
