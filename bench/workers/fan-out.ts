/**
 * Large blocks that two threads get each: a million numbers as columns, and eight large texts as rows.
 * By hand, a copy is made for each thread and moved there.
 */
import { Worker } from 'node:worker_threads';
import { blockOfColumns, type ColumnBlock } from '../../actors/columns/column-block.ts';
import { columnBlock, pipeline, type Flow } from '../../src/index.ts';
import { workerModule, workers } from '../../src/node/index.ts';
import { startWatch, type Taken } from '../harness/watch.ts';
import type { RawBlock } from './look.ts';
import type * as opsModule from './ops.ts';

const BYTES = 8 * 1024 * 1024;
const BLOCKS = 100;
const TEXTS = 8;
/** Blocks under way at a time. */
const IN_FLIGHT = 4;

const ops = workerModule<typeof opsModule>(new URL('./ops.js', import.meta.url));

/** A little less, so that blocks with their offsets are not larger than those of numbers. */
const TEXT_BYTES = BYTES / TEXTS - 64;
const letters = new Uint8Array(TEXTS * TEXT_BYTES).map((_, at) => 97 + (at % 26));
const offsets = Int32Array.from({ length: TEXTS + 1 }, (_, row) => row * TEXT_BYTES);

function numbers(fill: number): Float64Array<ArrayBuffer> {
  return new Float64Array(BYTES / 8).fill(fill);
}

function textBlock(): ColumnBlock<{ text: string }> {
  const shape = { length: TEXTS, validity: undefined, bitOffset: 0, child: undefined };
  const text = { type: 'utf8', ...shape, values: letters.slice(), offsets } as const;
  return blockOfColumns([['text', text]], TEXTS);
}

export const fanOutCases: Readonly<Record<string, () => Promise<Taken>>> = {
  'raw columns to two': () =>
    raw(() => {
      const all = numbers(1);
      return () => {
        const copy = all.slice();
        return [{ numbers: copy }, copy.buffer];
      };
    }),
  'block columns to two': () =>
    blocks(
      () => columnBlock({ x: numbers(1) }),
      (flow) => flow.mapBlocks(workers(ops, 'firstOf', { threads: 1 }), { format: 'columns' }),
    ),
  'raw texts to two': () =>
    raw(() => {
      const all = letters.slice();
      return () => {
        const bytes = all.slice();
        return [{ bytes, offsets }, bytes.buffer];
      };
    }),
  'block texts to two': () =>
    blocks(textBlock, (flow) => flow.mapBlocks(workers(ops, 'lengthsOf', { threads: 1 }))),
};

/** @param make makes what is then copied for each thread. */
async function raw(make: () => () => [RawBlock, ArrayBuffer]): Promise<Taken> {
  const threads = [0, 1].map(() => new Worker(new URL('./look.js', import.meta.url)));
  await Promise.all(
    threads.map((thread) => new Promise((resolve) => thread.once('online', resolve))),
  );
  const stop = startWatch();
  await new Promise<void>((resolve) => {
    let sent = 0;
    let answers = 0;
    const send = (): void => {
      sent += 1;
      const copy = make();
      for (const thread of threads) {
        const [block, buffer] = copy();
        thread.postMessage(block, [buffer]);
      }
    };
    for (const thread of threads) {
      thread.on('message', () => {
        answers += 1;
        if (answers === 2 * BLOCKS) resolve();
        else if (answers % 2 === 0 && sent < BLOCKS) send();
      });
    }
    for (let first = 0; first < IN_FLIGHT; first++) send();
  });
  const taken = stop();
  await Promise.all(threads.map((thread) => thread.terminate()));
  return taken;
}

/** The same through a pipeline. The first block is there to start the threads. */
async function blocks<T>(
  make: () => ColumnBlock<T>,
  look: (flow: Flow<T>) => Flow<number>,
): Promise<Taken> {
  let begin: () => void = () => undefined;
  const warm = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let stop = startWatch();
  async function* source(): AsyncGenerator<ColumnBlock<T>> {
    yield make();
    await warm;
    stop = startWatch();
    for (let block = 0; block < BLOCKS; block++) yield make();
  }
  const [left, right] = pipeline('to two')
    .fromSource({ name: 'source', splits: () => [0], read: source })
    .tee();
  const run = look(left)
    .union(look(right))
    .start({ budget: { cpu: IN_FLIGHT, blockBytes: 32 * BYTES } });
  let answers = 0;
  for await (const block of run.blocks()) {
    answers += block.numRows;
    if (answers === 2) begin();
  }
  if (answers !== 2 * (BLOCKS + 1)) throw new Error(`${String(answers)} answers have come`);
  return stop();
}
