/**
 * A fast producer and a consumer that is a hundred times slower, with 2 GB of blocks between them and
 * 64 MB for those in memory: once with producers that wait, once with blocks that spill. Beside them
 * the same blocks made and dropped in a bare loop, with nothing held at all: what a process needs for
 * the rows themselves, because V8 lets dead memory lie for a while.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { columnBlock, pipeline, type Block, type Flow } from '../src/index.ts';
import { spillingStore } from '../src/node/index.ts';
import { benchmark, stopwatch, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';

const MB = 1024 * 1024;
/** Of about a megabyte each. */
const BLOCKS = 2048;
const BUDGET = 64 * MB;
const SLOWNESS = 100;
const ROWS = 64;

interface Row {
  readonly x: number;
}

/** A column of numbers, or records with a text of their own. */
const makers = {
  columns: (number: number): Block<Row> =>
    columnBlock({ x: new Float64Array(MB / 8).fill(number) }),
  rows: (number: number): readonly Row[] =>
    Array.from({ length: ROWS }, (_, index) => ({
      x: number,
      text: Buffer.alloc(MB / ROWS - 64, 97 + ((number + index) % 26)).toString('latin1'),
    })),
};
type Kind = keyof typeof makers;

/** Looks at the first row of each block, of columns without making rows of them all. */
function taken(flow: Flow<Row>, kind: Kind, take: (x: number | undefined) => Promise<void>) {
  const name = 'take';
  const oneByOne = { name, maxConcurrency: 1, preserveOrder: true, input: { blocks: 1 } } as const;
  const numbers = async (x: number | undefined): Promise<(number | undefined)[]> => {
    await take(x);
    return [x];
  };
  return kind === 'columns'
    ? flow.mapBlocks((block) => numbers(block.column('x').at(0)), {
        ...oneByOne,
        format: 'columns',
      })
    : flow.mapBlocks(([first]) => numbers(first?.x), oneByOne);
}

/** Milliseconds it takes to make a block: the median of some. */
function makingMs(kind: Kind): number {
  const times = Array.from({ length: 15 }, (_, number) => {
    const before = performance.now();
    makers[kind](number);
    return performance.now() - before;
  });
  return times.sort((a, b) => a - b)[7] ?? NaN;
}

async function loop(kind: Kind): Promise<Measurement> {
  const startMb = process.memoryUsage.rss() / MB;
  let peak = 0;
  const { wallMs } = await stopwatch(async () => {
    for (let number = 1; number <= BLOCKS; number++) {
      makers[kind](number);
      peak = Math.max(peak, process.memoryUsage.rss());
      if (number % 8 === 0) await sleep(1);
    }
  });
  return { startMb, rssMb: peak / MB, wallMs };
}

async function slow(kind: Kind, spills: boolean): Promise<Measurement> {
  const startMb = process.memoryUsage.rss() / MB;
  const sleepMs = makingMs(kind) * SLOWNESS;
  let made = 0;
  let done = 0;
  let ahead = 0;
  let peak = 0;
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss());
    ahead = Math.max(ahead, made - done);
  };
  const blocks = pipeline('slow consumer')
    .from([0])
    .mapBlocks(
      function* () {
        while (made < BLOCKS) {
          made += 1;
          look();
          yield makers[kind](made);
        }
      },
      { name: 'make', queue: { blocks: BLOCKS } },
    );
  const run = taken(blocks, kind, async () => {
    await sleep(sleepMs);
    done += 1;
    look();
  }).start({
    budget: { cpu: 2, blockBytes: BUDGET },
    ...(spills ? { store: spillingStore() } : {}),
  });
  let next = 0;
  const { wallMs } = await stopwatch(async () => {
    for await (const x of run) if (x !== ++next) throw new Error(`${String(x)} is wrong`);
  });
  if (next !== BLOCKS) throw new Error(`${String(next)} of ${String(BLOCKS)} blocks arrived`);
  const { written } = (await run.done).spill;
  const accounted = run.snapshot().blockBytes.peak / MB;
  return { startMb, rssMb: peak / MB, wallMs, sleepMs, ahead, accounted, written };
}

const cases = {
  'rows: bare loop': () => loop('rows'),
  'rows: producers wait': () => slow('rows', false),
  'rows: blocks spill': () => slow('rows', true),
  'columns: bare loop': () => loop('columns'),
  'columns: producers wait': () => slow('columns', false),
  'columns: blocks spill': () => slow('columns', true),
};

await benchmark(
  import.meta.url,
  cases,
  ({ names, rounds, of }) => {
    const cell =
      (value: string) =>
      (name: string): string => {
        const { median } = of(name, value);
        return Number.isNaN(median) ? '' : digits(median);
      };
    const ratio = (base: (name: string) => number) => (name: string) =>
      Number.isNaN(of(name, 'accounted').median)
        ? ''
        : (of(name, 'rssMb').median / (BUDGET / MB + base(name))).toFixed(2);
    printTable(
      `Slow consumer: ${String(BLOCKS)} blocks of 1 MB, ${String(SLOWNESS)}:1, ${String(BUDGET / MB)} MB for blocks, median of ${String(rounds)} rounds`,
      [
        { title: 'case', align: 'left', cell: (name) => name },
        { title: 'consumer, ms a block', cell: cell('sleepMs') },
        { title: 'most blocks ahead', cell: cell('ahead') },
        { title: 'blocks written', cell: cell('written') },
        { title: 'most accounted, MB', cell: cell('accounted') },
        { title: 'RSS at start, MB', cell: cell('startMb') },
        { title: 'peak RSS, MB', cell: cell('rssMb') },
        {
          title: 'peak / (budget + loop)',
          cell: ratio((name) => of(`${name.split(':')[0] ?? ''}: bare loop`, 'rssMb').median),
        },
        { title: 'peak / (budget + start)', cell: ratio((name) => of(name, 'startMb').median) },
        { title: 'makespan, ms', cell: cell('wallMs') },
      ],
      names,
    );
  },
  1,
);
