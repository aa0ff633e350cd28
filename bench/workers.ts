/**
 * What worker threads cost: work of the processor on two threads against the ideal (half of what it
 * takes on one) and against piscina, long tasks and short ones; and large blocks through a thread, and
 * to two of them, against raw messages.
 *
 * All of a round run one after the other, in an order of chance, with warm threads; ratios are formed
 * within a round, so that what else the machine does meets both sides. The clock runs from the first
 * block that is asked for until the last result is there. On a machine that has other
 * work, a thread waits for its turn each time it is woken: then the ratio of processor time, of all
 * threads together, says more than that of the clock. Arguments: `--rounds <n>`.
 */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { columnBlock, pipeline, type OperatorOptions } from '../src/index.ts';
import { workerModule, workers } from '../src/node/index.ts';
import { shuffled, summarize } from './harness/statistics.ts';
import { digits, printTable } from './harness/table.ts';
import { startWatch, type Taken } from './harness/watch.ts';
import { burn } from './workers/burn.ts';
import { fanOutCases } from './workers/fan-out.ts';
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

type Case = () => Promise<Taken>;

interface Work {
  readonly blocks: number;
  /** What one block takes, as the argument of `burn`. */
  readonly steps: number;
}

/** Steps of work that take so many milliseconds here. */
const stepsIn = calibrate();

function calibrate(): (milliseconds: number) => number {
  const steps = 4_000_000;
  const times = Array.from({ length: 15 }, () => {
    const before = performance.now();
    burn(steps);
    return performance.now() - before;
  });
  // What takes longest was interrupted, or not compiled yet.
  const { least } = summarize(times);
  return (milliseconds) => Math.round((milliseconds / least) * steps);
}

/** Everything in this thread. */
async function serial({ blocks, steps }: Work): Promise<Taken> {
  const stop = startWatch();
  for (let block = 0; block < blocks; block++) burn(steps);
  return Promise.resolve(stop());
}

async function withPiscina({ blocks, steps }: Work): Promise<Taken> {
  const stop = startWatch();
  await Promise.all(Array.from({ length: blocks }, () => piscina.run(steps) as Promise<number>));
  return stop();
}

/**
 * Blocks that each thread is warmed up with, before a round of the work itself: so many that V8 has hardly
 * anything left to compile, also where a task takes up to 64 of them. With hardly any work, so that there
 * can be many; with some, so that the function is compiled before what calls it, as one that works is.
 */
const WARM_UP = 64_000;
const warmUpSteps = stepsIn(0.005);
/** Blocks that are sent at a time to warm up. */
const WAVE = 256;

/**
 * A run whose threads are warmed up by its first blocks; the clock starts when those are through. The
 * threads of a run are new ones, those of piscina stay, and were warmed up once.
 */
async function withSluice(work: Work, options: OperatorOptions): Promise<Taken> {
  const done = new Map<number, number>();
  let sent = 0;
  let through = 0;
  let onThrough: () => void = () => undefined;
  const isWarm = (): boolean =>
    done.size === THREADS && [...done.values()].every((count) => count >= WARM_UP);
  const { readable: waves, writable } = new TransformStream<Work, Work>();
  const writer = writable.getWriter();

  // Does nothing else, and the same in the measured wave as before: else it would be compiled anew there.
  async function* source(): AsyncGenerator<number[]> {
    for await (const { blocks, steps } of waves) {
      for (let block = 0; block < blocks; block++) yield [steps];
    }
  }

  /** Resolves when the results of all blocks are there. */
  async function send(wave: Work): Promise<void> {
    sent += wave.blocks;
    const allThrough = new Promise<void>((resolve) => {
      onThrough = resolve;
    });
    await writer.write(wave);
    await allThrough;
  }

  async function drive(): Promise<Taken> {
    while (!isWarm()) await send({ blocks: WAVE, steps: warmUpSteps });
    await send(work);
    const stop = startWatch();
    await send(work);
    const taken = stop();
    await writer.close();
    return taken;
  }

  async function consume(run: AsyncIterable<number>): Promise<void> {
    for await (const worker of run) {
      through += 1;
      done.set(worker, (done.get(worker) ?? 0) + 1);
      if (through === sent) onThrough();
    }
  }

  const run = pipeline('burn')
    .fromSource({ name: 'source', splits: () => [source], read: (split) => split() })
    .mapBlocks(workers(ops, 'burnRows', { threads: THREADS }), options)
    .start({ budget: { cpu: THREADS } });
  const [taken] = await Promise.all([drive(), consume(run)]);
  return taken;
}

function largeArray(fill: number): Float64Array<ArrayBuffer> {
  return new Float64Array(BLOCK_BYTES / 8).fill(fill);
}

/** Large buffers to a thread and back, by hand. */
async function rawTransfer(): Promise<Taken> {
  const worker = new Worker(new URL('./workers/echo.js', import.meta.url));
  await new Promise((resolve) => worker.once('online', resolve));
  const stop = startWatch();
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
  const taken = stop();
  await worker.terminate();
  return taken;
}

/** The same as blocks of columns, through a pipeline. */
async function blockTransfer(): Promise<Taken> {
  // Under so small a budget blocks of this size would be split.
  const output = { bytes: BLOCK_BYTES };
  let begin: () => void = () => undefined;
  const warm = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let stop = startWatch();
  async function* source(): AsyncGenerator<ReturnType<typeof columnBlock<{ x: Float64Array }>>> {
    yield columnBlock({ x: largeArray(-1) });
    await warm;
    stop = startWatch();
    for (let block = 0; block < BIG_BLOCKS; block++) yield columnBlock({ x: largeArray(block) });
  }
  const run = pipeline('through')
    // A reader gives its blocks away; `fromBlocks` has to leave them to whoever has made them.
    .fromSource({ name: 'source', splits: () => [0], read: source }, { output })
    .mapBlocks(workers(ops, 'through', { threads: 1 }), { format: 'columns', output })
    .start({ budget: { cpu: IN_FLIGHT, blockBytes: IN_FLIGHT * BLOCK_BYTES } });
  let through = -1;
  for await (const ref of run.refs()) {
    run.release(ref);
    if (++through === 0) begin();
  }
  if (through !== BIG_BLOCKS) throw new Error(`${String(through)} blocks came through`);
  return stop();
}

const long: Work = { blocks: 64, steps: stepsIn(20) };
const short: Work = { blocks: 3200, steps: stepsIn(0.25) };
/** More tasks than threads: the next one is in its thread before the last is done. */
const ahead: OperatorOptions = { resources: { cpu: 0.25 } };

const cases: Readonly<Record<string, Case>> = {
  'long serial': () => serial(long),
  'long piscina': () => withPiscina(long),
  'long sluice': () => withSluice(long, { ...ahead, input: { blocks: 1 } }),
  'short serial': () => serial(short),
  'short piscina': () => withPiscina(short),
  'short sluice, one block a task': () =>
    withSluice(short, { resources: { cpu: 1 / 32 }, input: { blocks: 1 } }),
  'short sluice, 8 blocks a task': () => withSluice(short, { ...ahead, input: { blocks: 8 } }),
  'short sluice, blocks a task as it chooses': () => withSluice(short, ahead),
  'raw transfer': rawTransfer,
  'block transfer': blockTransfer,
  ...fanOutCases,
};

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } });
const rounds = Number(values.rounds);
const times = new Map<string, Taken[]>(Object.keys(cases).map((name) => [name, []]));
console.log(
  `Node ${process.version}, ${String(cpus().length)} cores, load ${digits(loadavg()[0] ?? NaN)}, ${String(rounds)} rounds, threads warm`,
);
await withPiscina({ blocks: THREADS * WARM_UP, steps: warmUpSteps });
// What is compiled in the first round is not measured.
for (let round = 0; round <= rounds; round++) {
  for (const [name, measure] of shuffled(Object.entries(cases))) {
    const taken = await measure();
    if (round > 0) times.get(name)?.push(taken);
  }
}
await piscina.destroy();

/** The median over the rounds of one time over another. */
function ratio(name: string, kind: keyof Taken, base: string, parts = 1): string {
  const { median, least, most } = summarize(
    (times.get(name) ?? []).map((taken, round) => {
      const other = times.get(base)?.[round]?.[kind] ?? NaN;
      return taken[kind] / (other / parts);
    }),
  );
  return `${digits(median)} (${digits(least)} to ${digits(most)})`;
}

interface Row {
  readonly name: string;
  readonly base: string;
  /** Over how many threads the work of the base could be spread. */
  readonly threads: number;
}

const rows: readonly Row[] = [
  { name: 'long piscina', base: 'long serial', threads: THREADS },
  { name: 'long sluice', base: 'long serial', threads: THREADS },
  { name: 'short piscina', base: 'short serial', threads: THREADS },
  { name: 'short sluice, one block a task', base: 'short serial', threads: THREADS },
  { name: 'short sluice, 8 blocks a task', base: 'short serial', threads: THREADS },
  { name: 'short sluice, blocks a task as it chooses', base: 'short serial', threads: THREADS },
  { name: 'long sluice', base: 'long piscina', threads: 1 },
  { name: 'block transfer', base: 'raw transfer', threads: 1 },
  { name: 'block columns to two', base: 'raw columns to two', threads: 1 },
  { name: 'block texts to two', base: 'raw texts to two', threads: 1 },
];

printTable(
  'Two worker threads',
  [
    { title: 'case', cell: ({ name }) => name, align: 'left' },
    {
      title: 'over',
      cell: ({ base, threads }) => (threads === 1 ? base : `${base} / ${String(threads)}`),
      align: 'left',
    },
    {
      title: 'ms',
      cell: ({ name }) => digits(summarize((times.get(name) ?? []).map(({ wall }) => wall)).median),
    },
    {
      title: 'clock',
      cell: ({ name, base, threads }) => ratio(name, 'wall', base, threads),
      align: 'left',
    },
    { title: 'processor time', cell: ({ name, base }) => ratio(name, 'cpu', base), align: 'left' },
  ],
  rows,
);
