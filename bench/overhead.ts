/**
 * What the engine costs for each block: 20,000 blocks of 3 numbers through two stages that do next to
 * nothing, 4 tasks at a time in each. Ours in several ways, and the others with the same work.
 */
import type { BlocksResult, OperatorOptions, StartOptions } from '../src/index.ts';
import { benchmark, stopwatch, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';
import { peers, type PeerName } from './peers/index.ts';
import type { Job } from './peers/peer.ts';
import { runSluice } from './peers/sluice.ts';

const BLOCKS = 20_000;
/** Runs until they took so long together are not measured: much is compiled anew at first. */
const WARM_UP_MS = 500;
/** Then as many are measured as take at least so long: the shortest run takes 10 ms. */
const MEASURED_MS = 500;
const CONCURRENCY = 4;
const FLOOR = 'floor';

type Step = (rows: number[]) => BlocksResult<number>;

const double = (rows: number[]): number[] => rows.map((row) => row * 2);
const addTen = (rows: number[]): number[] => rows.map((row) => row + 10);

// Each stage is a function of its own, as in a real program.
const asyncSteps = [
  async (rows: number[]) => Promise.resolve(double(rows)),
  async (rows: number[]) => Promise.resolve(addTen(rows)),
];
const generators: Step[] = [
  function* (rows) {
    yield double(rows);
  },
  function* (rows) {
    yield addTen(rows);
  },
];
const asyncGenerators: Step[] = [
  async function* (rows) {
    yield await Promise.resolve(double(rows));
  },
  async function* (rows) {
    yield await Promise.resolve(addTen(rows));
  },
];

/** Measures one way to do the work, after some runs that do not count; checks each result. */
async function measure(
  run: (source: number[][], sink: Job<number>['sink']) => Promise<void>,
): Promise<Measurement> {
  const source = Array.from({ length: BLOCKS }, (_, index) => [index, index + 1, index + 2]);
  const expected = source.flat().reduce((sum, row) => sum + 2 * row + 10, 0);
  const once = async (): Promise<void> => {
    let sum = 0;
    let blocks = 0;
    await run(source, (block) => {
      blocks += 1;
      for (const row of block) sum += row;
      return undefined;
    });
    if (sum !== expected || blocks !== BLOCKS) throw new Error(`wrong result: ${String(sum)}`);
  };
  const repeat = async (atLeastMs: number): Promise<number> => {
    const end = performance.now() + atLeastMs;
    let runs = 0;
    while (runs === 0 || performance.now() < end) {
      await once();
      runs += 1;
    }
    return runs;
  };
  await repeat(WARM_UP_MS);
  let runs = 0;
  const { wallMs, cpuMs } = await stopwatch(async () => {
    runs = await repeat(MEASURED_MS);
  });
  const perBlock = 1000 / (runs * BLOCKS);
  return { wall: wallMs * perBlock, cpu: cpuMs * perBlock };
}

function peer(name: PeerName): () => Promise<Measurement> {
  return async () => {
    const run = await peers[name]();
    const stages = asyncSteps.map((transform) => ({ transform, concurrency: CONCURRENCY }));
    return measure((source, sink) => run({ source, stages, sink }));
  };
}

function ours(
  steps: readonly Step[],
  operator: OperatorOptions = {},
  start: StartOptions = {},
): () => Promise<Measurement> {
  const stages = steps.map((transform) => ({ transform, concurrency: CONCURRENCY }));
  return () => measure((source, sink) => runSluice({ source, stages, sink }, { operator, start }));
}

const listen = (): undefined => undefined;

const cases = {
  [FLOOR]: peer('floor'),
  sluice: ours(asyncSteps),
  'sluice, sync transforms': ours([double, addTen]),
  'sluice, generators': ours(generators),
  'sluice, async generators': ours(asyncGenerators),
  'sluice, one block a task': ours(asyncSteps, { input: { blocks: 1 } }),
  'sluice, onEvent listening': ours(asyncSteps, {}, { onEvent: listen }),
  'sluice, XState inspect on': ours(asyncSteps, {}, { inspect: listen }),
  'p-map': peer('p-map'),
  'streaming-iterables': peer('streaming-iterables'),
  'node:stream': peer('node:stream'),
  rxjs: peer('rxjs'),
  effect: peer('effect'),
  ix: peer('ix'),
  'naive XState port': peer('naive XState port'),
};

await benchmark(import.meta.url, cases, ({ names, rounds, of }) => {
  const floor = { wall: of(FLOOR, 'wall').median, cpu: of(FLOOR, 'cpu').median };
  printTable(
    `Overhead: microseconds a block, ${String(BLOCKS)} blocks, median of ${String(rounds)} rounds`,
    [
      { title: 'case', align: 'left', cell: ({ name }) => name },
      { title: 'wall', cell: ({ wall }) => digits(wall.median) },
      { title: 'range', cell: ({ wall }) => `${digits(wall.least)}-${digits(wall.most)}` },
      { title: 'CPU', cell: ({ cpu }) => digits(cpu.median) },
      { title: 'wall / floor', cell: ({ wall }) => digits(wall.median / floor.wall) },
      { title: 'CPU / floor', cell: ({ cpu }) => digits(cpu.median / floor.cpu) },
    ],
    names.map((name) => ({ name, wall: of(name, 'wall'), cpu: of(name, 'cpu') })),
  );
});
