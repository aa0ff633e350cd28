/**
 * Whether a long run costs per block what a short one does, and leaves nothing behind: time per block
 * of 10,000 and of 200,000 blocks, the heap after each 100,000 blocks of one run, the actors during
 * the run and after it, and whether the process then ends by itself.
 */
import type { AnyActorRef } from 'xstate';
import type { OperatorOptions, Run } from '../src/index.ts';
import { benchmark, EXIT_MS, heapInUse, stopwatch, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';
import { runSluice } from './peers/sluice.ts';

const SHORT = 10_000;
const LONG = 200_000;
/** Short runs are measured as often as makes them as long as a long one. */
const SHORT_RUNS = LONG / SHORT;
/** The heap is looked at whenever so many blocks have gone through. */
const MARK = 100_000;
const MARKS = 3;

const steps = [
  async (rows: number[]) => Promise.resolve(rows.map((row) => row * 2)),
  async (rows: number[]) => Promise.resolve(rows.map((row) => row + 10)),
];

/** Blocks that exist only when they are asked for, so that the input weighs nothing. */
function* makeBlocks(blocks: number): Generator<number[]> {
  for (let index = 0; index < blocks; index++) yield [index, index + 1, index + 2];
}

async function runBlocks(
  blocks: number,
  operator: OperatorOptions,
  onBlock: (count: number) => void = () => undefined,
  onStart: (run: Run<number>) => void = () => undefined,
): Promise<void> {
  let count = 0;
  const sink = (): undefined => {
    count += 1;
    onBlock(count);
  };
  const stages = steps.map((transform) => ({ transform, concurrency: 4 }));
  await runSluice({ source: makeBlocks(blocks), stages, sink }, { operator, onStart });
  if (count !== blocks) throw new Error(`${String(count)} of ${String(blocks)} blocks arrived`);
}

async function measureTime(operator: OperatorOptions): Promise<Measurement> {
  const runShort = async (): Promise<number> => {
    const { cpuMs } = await stopwatch(async () => {
      for (let run = 0; run < SHORT_RUNS / 2; run++) await runBlocks(SHORT, operator);
    });
    return cpuMs;
  };
  await runBlocks(LONG / 4, operator);
  // Half of the short runs before the long one and half behind it: what drifts meets both.
  const before = await runShort();
  const { cpuMs: long } = await stopwatch(() => runBlocks(LONG, operator));
  const short = before + (await runShort());
  return { short: (1000 * short) / LONG, long: (1000 * long) / LONG, ratio: long / short };
}

async function measureTraces(operator: OperatorOptions): Promise<Measurement> {
  await runBlocks(SHORT, operator);
  const before = heapInUse();
  const heaps: number[] = [];
  const actors = new Set<AnyActorRef>();
  let running: Run<number> | undefined;
  await runBlocks(
    MARK * MARKS,
    operator,
    (count) => {
      if (count % MARK !== 0) return;
      heaps.push(heapInUse());
      if (running !== undefined) addTree(running.actor, actors);
    },
    (run) => {
      running = run;
    },
  );
  await running?.done;
  running = undefined;
  const [first = NaN] = heaps;
  const last = heaps.at(-1) ?? NaN;
  return {
    growthKb: (last - first) / (MARKS - 1) / 1024,
    leftKb: (heapInUse() - before) / 1024,
    actors: actors.size,
    alive: [...actors].filter(isAlive).length,
  };
}

function isAlive(actor: AnyActorRef): boolean {
  return (actor.getSnapshot() as { status?: string }).status === 'active';
}

function addTree(actor: AnyActorRef, seen: Set<AnyActorRef>): void {
  seen.add(actor);
  const { children = {} } = actor.getSnapshot() as { children?: Record<string, AnyActorRef> };
  for (const child of Object.values(children)) addTree(child, seen);
}

const settings: Readonly<Record<string, OperatorOptions>> = {
  'default bundling': {},
  'one block a task': { input: { blocks: 1 } },
};
const time = (setting: string): string => `${setting}: time`;
const traces = (setting: string): string => `${setting}: traces`;

const cases = Object.fromEntries(
  Object.entries(settings).flatMap(([setting, operator]) => [
    [time(setting), () => measureTime(operator)],
    [traces(setting), () => measureTraces(operator)],
  ]),
);

await benchmark(
  import.meta.url,
  cases,
  ({ rounds, of }) => {
    printTable(
      `Linearity: CPU microseconds a block, two async stages, median of ${String(rounds)} rounds`,
      [
        { title: 'setting', align: 'left', cell: (setting) => setting },
        { title: '10,000 blocks', cell: (setting) => digits(of(time(setting), 'short').median) },
        { title: '200,000 blocks', cell: (setting) => digits(of(time(setting), 'long').median) },
        { title: 'ratio', cell: (setting) => digits(of(time(setting), 'ratio').median) },
      ],
      Object.keys(settings),
    );
    printTable(
      `Traces of ${String(MARK * MARKS)} blocks`,
      [
        { title: 'setting', align: 'left', cell: (setting) => setting },
        {
          title: 'heap growth, kB per 100,000 blocks',
          cell: (setting) => digits(of(traces(setting), 'growthKb').median),
        },
        {
          title: 'heap left afterwards, kB',
          cell: (setting) => digits(of(traces(setting), 'leftKb').median),
        },
        { title: 'actors', cell: (setting) => digits(of(traces(setting), 'actors').most) },
        {
          title: 'alive afterwards',
          cell: (setting) => digits(of(traces(setting), 'alive').most),
        },
        {
          title: 'process ended after, ms',
          cell: (setting) => digits(of(traces(setting), EXIT_MS).median),
        },
      ],
      Object.keys(settings),
    );
  },
  3,
);
