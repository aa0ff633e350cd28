/**
 * What worker threads cost: work of the processor on two threads against the ideal (half of what it
 * takes on one) and against piscina, long tasks and short ones; and large blocks through a thread,
 * against raw messages.
 *
 * All of a round run one after the other, in an order of chance, with warm threads; ratios are formed
 * within a round, so that what else the machine does meets both sides. Arguments: `--rounds <n>`.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { columnBlock, pipeline, type OperatorOptions } from '../src/index.ts';
import { workerModule, workers } from '../src/node/index.ts';
import { shuffled, summarize } from './harness/statistics.ts';
import { digits, printTable } from './harness/table.ts';
import { burn } from './workers/burn.ts';
import type * as opsModule from './workers/ops.ts';

const THREADS = 2;
const BLOCK_BYTES = 8 * 1024 * 1024;
const BIG_BLOCKS = 100;
/** Messages under way at a time, in both ways to send large blocks. */
const IN_FLIGHT = 4;

const ops = workerModule<typeof opsModule>(new URL('./workers/ops.js', import.meta.url));
const piscina = new Piscina({
  filename: new URL('./workers/piscina-burn.js', import.meta.url).href,
  minThreads: THREADS,
  maxThreads: THREADS,
});

type Case = () => Promise<number>;

interface Work {
  readonly blocks: number;
  /** What one block takes, about, in microseconds. */
  readonly units: number;
}

/** Milliseconds until everything is done in this thread. */
async function serial({ blocks, units }: Work): Promise<number> {
  const before = performance.now();
  for (let block = 0; block < blocks; block++) burn(units);
  return Promise.resolve(performance.now() - before);
}

async function withPiscina({ blocks, units }: Work): Promise<number> {
  const before = performance.now();
  await Promise.all(Array.from({ length: blocks }, () => piscina.run(units) as Promise<number>));
  return performance.now() - before;
}

/** A run whose threads are warmed up by its first blocks; the clock starts when those are through. */
async function withSluice({ blocks, units }: Work, options: OperatorOptions): Promise<number> {
  const warmUp = 64;
  let through = 0;
  let allWarm: () => void = () => undefined;
  const warm = new Promise<void>((resolve) => {
    allWarm = resolve;
  });
  let before = NaN;
  async function* source(): AsyncGenerator<readonly number[]> {
    for (let block = 0; block < warmUp; block++) yield [Math.min(units, 500)];
    await warm;
    before = performance.now();
    for (let block = 0; block < blocks; block++) yield [units];
  }
  const run = pipeline('burn')
    .fromBlocks(source)
    .mapBlocks(workers(ops, 'burnRows', { threads: THREADS }), options)
    .start({ budget: { cpu: THREADS } });
  for await (const block of run.blocks()) {
    through += block.numRows;
    if (through === warmUp) allWarm();
  }
  const taken = performance.now() - before;
  if (through !== warmUp + blocks) throw new Error(`${String(through)} blocks came through`);
  return taken;
}

function largeArray(fill: number): Float64Array<ArrayBuffer> {
  return new Float64Array(BLOCK_BYTES / 8).fill(fill);
}

/** Large buffers to a thread and back, by hand. */
async function rawTransfer(): Promise<number> {
  const worker = new Worker(new URL('./workers/echo.js', import.meta.url));
  await new Promise((resolve) => worker.once('online', resolve));
  const before = performance.now();
  await new Promise<void>((resolve) => {
    let sent = 0;
    let back = 0;
    const send = (): void => {
      const values = largeArray(sent++);
      worker.postMessage(values, [values.buffer]);
    };
    worker.on('message', () => {
      if (++back === BIG_BLOCKS) resolve();
      else if (sent < BIG_BLOCKS) send();
    });
    for (let first = 0; first < IN_FLIGHT; first++) send();
  });
  const taken = performance.now() - before;
  await worker.terminate();
  return taken;
}

/** The same as blocks of columns, through a pipeline. */
async function blockTransfer(): Promise<number> {
  let begin: () => void = () => undefined;
  const warm = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let before = NaN;
  async function* source(): AsyncGenerator<ReturnType<typeof columnBlock<{ x: Float64Array }>>> {
    yield columnBlock({ x: Float64Array.of(1) });
    await warm;
    before = performance.now();
    for (let block = 0; block < BIG_BLOCKS; block++) yield columnBlock({ x: largeArray(block) });
  }
  const run = pipeline('through')
    .fromBlocks(source)
    .mapBlocks(workers(ops, 'through', { threads: 1 }), { format: 'columns' })
    .start({ budget: { cpu: IN_FLIGHT, blockBytes: 16 * BLOCK_BYTES } });
  let through = -1;
  for await (const block of run.blocks()) {
    if (block.numRows === 1) begin();
    through += 1;
  }
  if (through !== BIG_BLOCKS) throw new Error(`${String(through)} blocks came through`);
  return performance.now() - before;
}

const long: Work = { blocks: 64, units: 20_000 };
const short: Work = { blocks: 3200, units: 250 };
/** More tasks than threads: the next one is in its thread before the last is done. */
const ahead: OperatorOptions = { resources: { cpu: 0.25 } };

const cases: Readonly<Record<string, Case>> = {
  'long serial': () => serial(long),
  'long piscina': () => withPiscina(long),
  'long sluice': () => withSluice(long, { ...ahead, input: { blocks: 1 } }),
  'short serial': () => serial(short),
  'short piscina': () => withPiscina(short),
  'short sluice, one block a task': () =>
    withSluice(short, { ...ahead, resources: { cpu: 0.125 }, input: { blocks: 1 } }),
  'short sluice, 8 blocks a task': () => withSluice(short, { ...ahead, input: { blocks: 8 } }),
  'raw transfer': rawTransfer,
  'block transfer': blockTransfer,
};

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const rounds = Number(values.rounds);
const times = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]));
console.log(
  `Node ${process.version}, ${String(cpus().length)} cores, load ${digits(loadavg()[0] ?? NaN)}, ${String(rounds)} rounds, threads warm`,
);
// What is compiled in the first round is not measured.
for (let round = 0; round <= rounds; round++) {
  for (const [name, measure] of shuffled(Object.entries(cases))) {
    const taken = await measure();
    if (round > 0) times.get(name)?.push(taken);
  }
}
await piscina.destroy();

/** The median over the rounds of one time over another. */
function ratio(name: string, of: (round: number) => number): string {
  const { median, least, most } = summarize(
    (times.get(name) ?? []).map((taken, round) => taken / of(round)),
  );
  return `${digits(median)} (${digits(least)} to ${digits(most)})`;
}

function at(name: string, round: number): number {
  return times.get(name)?.[round] ?? NaN;
}

function against(name: string): readonly [string, string] {
  const [kind] = name.split(' ');
  if (name === 'block transfer')
    return ['raw transfer', ratio(name, (round) => at('raw transfer', round))];
  if (name.startsWith('raw') || name.endsWith('serial')) return ['', ''];
  const half = (round: number): number => at(`${kind ?? ''} serial`, round) / THREADS;
  return ['half of serial', ratio(name, half)];
}

printTable(
  'Two worker threads',
  [
    { title: 'case', cell: (name) => name, align: 'left' },
    { title: 'median ms', cell: (name) => digits(summarize(times.get(name) ?? []).median) },
    { title: 'against', cell: (name) => against(name)[0], align: 'left' },
    { title: 'ratio (range)', cell: (name) => against(name)[1], align: 'left' },
  ],
  Object.keys(cases),
);
console.log(
  `long, Sluice over piscina: ${ratio('long sluice', (round) => at('long piscina', round))}`,
);
