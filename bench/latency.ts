/**
 * How near tasks that wait come to the bound of their budget: the makespan of two workloads over the
 * shortest possible one, for each of our ranking policies and for others, who get a semaphore over
 * all stages or fixed limits for each. Ours runs in virtual time as well, which shows what the order
 * of tasks costs, apart from late timers.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { bottleneck, fair, leastMemory, mostDownstream, type RankingPolicy } from '../src/index.ts';
import { simEnv } from '../src/testing.ts';
import { benchmark, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';
import { peers, type PeerName } from './peers/index.ts';
import { shareBudget, type Job } from './peers/peer.ts';
import { runSluice } from './peers/sluice.ts';

interface Workload {
  readonly name: string;
  readonly title: string;
  readonly blocks: number;
  /** What a task of each stage takes. */
  readonly stagesMs: readonly number[];
  /** Tasks at a time over all stages. */
  readonly budget: number;
  /** No schedule can be shorter. */
  readonly boundMs: number;
  /** Limits for each stage that a user without a budget could choose. */
  readonly splits: Readonly<Record<string, readonly number[]>>;
}

const workloads: readonly Workload[] = [
  {
    name: 'even',
    title: '40 blocks, stages of 20 and 20 ms, 3 tasks at a time',
    blocks: 40,
    stagesMs: [20, 20],
    budget: 3,
    // 80 tasks, 3 at a time: 27 rounds.
    boundMs: 27 * 20,
    splits: { 'split 2+1': [2, 1] },
  },
  {
    name: 'skewed',
    title: '200 blocks, stages of 5, 25 and 1 ms, 8 tasks at a time',
    blocks: 200,
    stagesMs: [5, 25, 1],
    budget: 8,
    boundMs: (200 * (5 + 25 + 1)) / 8,
    splits: { 'best split 2+5+1': [2, 5, 1], 'even split 3+3+2': [3, 3, 2] },
  },
];

interface World {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
}

const realWorld: World = { now: () => performance.now(), sleep };

/** Runs a workload, and sees how long it takes and how many blocks are under way at most. */
async function measure(
  workload: Workload,
  limits: readonly number[],
  world: World,
  run: (job: Job<number>) => Promise<void>,
): Promise<Measurement> {
  const { blocks, stagesMs, budget, boundMs } = workload;
  let begun = 0;
  let done = 0;
  let mostHeld = 0;
  let mostBegun = 0;
  let busyMs = 0;

  function* source(): Generator<number[]> {
    for (let block = 1; block <= blocks; block++) {
      mostHeld = Math.max(mostHeld, block - done);
      yield [block];
    }
  }
  const stages = stagesMs.map((ms, stage) => ({
    concurrency: limits[stage] ?? budget,
    async transform(block: number[]) {
      if (stage === 0) begun += 1;
      mostBegun = Math.max(mostBegun, begun - done);
      const before = world.now();
      await world.sleep(ms);
      busyMs += world.now() - before;
      return block;
    },
  }));
  const before = world.now();
  await run({
    source: source(),
    stages,
    budget,
    sink: () => {
      done += 1;
      return undefined;
    },
  });
  const makespan = world.now() - before;
  if (done !== blocks) throw new Error(`${String(done)} of ${String(blocks)} blocks arrived`);
  const busy = (100 * busyMs) / (budget * makespan);
  return { makespan, ratio: makespan / boundMs, busy, held: mostHeld, begun: mostBegun };
}

async function measureOurs(workload: Workload, ranking: RankingPolicy): Promise<Measurement> {
  const env = simEnv();
  const virtual = await measure(workload, [], env, (job) =>
    env.drive(runSluice(job, { start: { ranking, env } })),
  );
  const real = await measure(workload, [], realWorld, (job) =>
    runSluice(job, { start: { ranking } }),
  );
  return { ...real, virtual: virtual['ratio'] ?? NaN };
}

async function measureShared(workload: Workload, name: PeerName): Promise<Measurement> {
  const run = await peers[name]();
  return measure(workload, [], realWorld, (job) =>
    run({ ...job, stages: shareBudget(job.stages, workload.budget) }),
  );
}

async function measurePeer(
  workload: Workload,
  name: PeerName,
  limits: readonly number[],
): Promise<Measurement> {
  const run = await peers[name]();
  return measure(workload, limits, realWorld, run);
}

const policies = { bottleneck, mostDownstream, leastMemory, fair };
const sharing = ['p-map', 'streaming-iterables', 'node:stream', 'rxjs', 'effect'] as const;
const splitting = ['p-map', 'rxjs'] as const;
const ownBudget = ['floor', 'naive XState port'] as const;

function casesOf(workload: Workload): [string, () => Promise<Measurement>][] {
  const label = (text: string): string => `${workload.name}: ${text}`;
  return [
    ...Object.entries(policies).map(([name, ranking]): [string, () => Promise<Measurement>] => [
      label(`sluice, ${name}`),
      () => measureOurs(workload, ranking),
    ]),
    ...ownBudget.map((name): [string, () => Promise<Measurement>] => [
      label(`${name}, own budget`),
      () => measurePeer(workload, name, []),
    ]),
    ...sharing.map((name): [string, () => Promise<Measurement>] => [
      label(`${name}, shared semaphore`),
      () => measureShared(workload, name),
    ]),
    ...splitting.flatMap((name) =>
      Object.entries(workload.splits).map(
        ([split, limits]): [string, () => Promise<Measurement>] => [
          label(`${name}, ${split}`),
          () => measurePeer(workload, name, limits),
        ],
      ),
    ),
  ];
}

await benchmark(
  import.meta.url,
  Object.fromEntries(workloads.flatMap(casesOf)),
  ({ names, rounds, of }) => {
    for (const { name: workload, title, boundMs } of workloads) {
      const prefix = `${workload}: `;
      const median = (name: string, value: string): number => of(name, value).median;
      printTable(
        `${title} (bound ${String(boundMs)} ms), median of ${String(rounds)} rounds`,
        [
          { title: 'case', align: 'left', cell: (name) => name.slice(prefix.length) },
          { title: 'makespan, ms', cell: (name) => digits(median(name, 'makespan')) },
          { title: 'of bound', cell: (name) => median(name, 'ratio').toFixed(3) },
          { title: 'in virtual time', cell: (name) => virtualCell(median(name, 'virtual')) },
          { title: 'budget busy, %', cell: (name) => digits(median(name, 'busy')) },
          { title: 'most begun', cell: (name) => String(of(name, 'begun').most) },
          { title: 'most read', cell: (name) => String(of(name, 'held').most) },
        ],
        names.filter((name) => name.startsWith(prefix)),
      );
    }
  },
);

function virtualCell(ratio: number): string {
  return Number.isNaN(ratio) ? '' : ratio.toFixed(3);
}
