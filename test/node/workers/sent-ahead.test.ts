/** Tasks that were sent to a busy thread ahead of their time, on real threads. */
import { expect, onTestFinished, test } from 'vitest';
import { pipeline } from '../../../src/index.ts';
import { workerModule, workers } from '../../../src/node/index.ts';
import { createGate } from './gate.ts';
import type * as gateModule from './gate.ts';

const gates = workerModule<typeof gateModule>(new URL('./gate.ts', import.meta.url));
const quick = Array.from({ length: 200 }, (_, index) => index + 1);

test('what was sent ahead to a thread that is held up is done by another', async () => {
  const gate = createGate();
  onTestFinished(gate.open);
  // The first show that tasks are quick: so those behind the one at the gate are sent ahead.
  const rows = [...quick, 0, ...quick];
  const run = pipeline('held up')
    .from(rows, { rowsPerBlock: 1 })
    .mapBlocks(workers(gates, 'waitsAtGate', { threads: 2, options: gate.cells }), {
      input: { blocks: 1 },
      resources: { cpu: 1 / 32 },
    })
    .start({ budget: { cpu: 2 } });
  const done: number[] = [];
  for await (const row of run) {
    done.push(row);
    if (done.length === rows.length - 1) gate.open();
  }
  expect(done.at(-1)).toBe(0);
  expect(done).toHaveLength(rows.length);
  expect(gate.cells[1]).toBe(rows.length);
});
