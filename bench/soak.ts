/**
 * A long run that must leave no trace while it goes on: 1,000,000 blocks of one row through three
 * operators, in a process of its own. Looked at after every 100,000 blocks: the heap, how many actors
 * live, how many bytes and blocks are in the store. Ends with exit code 1 if a bound is exceeded.
 */
import type { AnyActorRef } from 'xstate';
import { storeUsage } from '../actors/world.ts';
import type { SupervisorContext } from '../machines/supervisor/supervisor.context.ts';
import { pipeline, type Run } from '../src/index.ts';
import { benchmark, EXIT_MS, heapInUse, stopwatch, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';

const BLOCKS = 1_000_000;
const MARK = 100_000;
const MB = 1024 * 1024;

/** What must hold: at most so much. */
const BOUNDS: Readonly<Record<string, { readonly title: string; readonly most: number }>> = {
  growthMb: { title: 'heap growth after warm-up, MB per 100,000 blocks', most: 1 },
  leftMb: { title: 'heap left when the run is over, MB', most: 2 },
  // The run, its hands, five operators (source and sink included), and at most eight tasks of each.
  actors: { title: 'most actors alive', most: 6 + 5 + 5 * 8 },
  storedBlocks: { title: 'most blocks in the store', most: 2_000 },
  [EXIT_MS]: { title: 'from the end of the run to that of the process, ms', most: 2_000 },
};

function start(blocks: number, take: (rows: readonly number[]) => void): Run<never> {
  return pipeline('soak')
    .fromBlocks(function* () {
      for (let block = 0; block < blocks; block++) yield [block];
    })
    .map((row) => row + 1)
    .filter((row) => row > 0)
    .mapBlocks((rows) => rows)
    .to(take)
    .start({ budget: { cpu: 8 } });
}

async function soak(): Promise<Measurement> {
  // What V8 has compiled stays, and is no trace of the run.
  await start(MARK, () => undefined).done;
  const before = heapInUse();
  const heaps: number[] = [];
  let actors = 0;
  let storedBlocks = 0;
  let arrived = 0;
  const { wallMs, cpuMs } = await stopwatch(async () => {
    const run = start(BLOCKS, (rows) => {
      arrived += rows.length;
      if (arrived % MARK !== 0) return;
      heaps.push(heapInUse());
      actors = Math.max(actors, countActors(run.actor as AnyActorRef));
      storedBlocks = Math.max(storedBlocks, storedIn(run.actor as AnyActorRef));
    });
    await run.done;
  });
  if (arrived !== BLOCKS) throw new Error(`${String(arrived)} of ${String(BLOCKS)} rows arrived`);
  // The first look is the end of the warm-up.
  const [warm = NaN] = heaps;
  const last = heaps.at(-1) ?? NaN;
  return {
    growthMb: (last - warm) / (heaps.length - 1) / MB,
    leftMb: (heapInUse() - before) / MB,
    actors,
    storedBlocks,
    wallMs,
    cpuMs,
  };
}

/** Living actors, from this one down. */
function countActors(actor: AnyActorRef): number {
  const { status, children = {} } = actor.getSnapshot() as {
    status?: string;
    children?: Record<string, AnyActorRef>;
  };
  const below = Object.values(children).reduce((sum, child) => sum + countActors(child), 0);
  return below + (status === 'active' ? 1 : 0);
}

function storedIn(actor: AnyActorRef): number {
  const { context } = actor.getSnapshot() as { context: SupervisorContext };
  return storeUsage(context.staff.store).blocks;
}

await benchmark(
  import.meta.url,
  { soak },
  ({ of }) => {
    const rows = Object.entries(BOUNDS).map(([key, { title, most }]) => {
      const { median } = of('soak', key);
      return { title, most, median, holds: median <= most };
    });
    printTable(
      '1,000,000 blocks through three operators',
      [
        { title: 'what', cell: ({ title }) => title, align: 'left' },
        { title: 'measured', cell: ({ median }) => digits(median) },
        { title: 'bound', cell: ({ most }) => digits(most) },
        { title: 'holds', cell: ({ holds }) => (holds ? 'yes' : 'NO') },
      ],
      rows,
    );
    const seconds = of('soak', 'wallMs').median / 1000;
    const perBlock = (1000 * of('soak', 'cpuMs').median) / BLOCKS;
    console.log(`${digits(seconds)} s, ${digits(perBlock)} us of CPU time a block`);
    if (rows.some(({ holds }) => !holds)) process.exitCode = 1;
  },
  1,
);
