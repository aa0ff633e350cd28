/**
 * What a fast source and a slow sink pile up between them: 2,000 blocks of 1 MB, made as fast as
 * somebody takes them, through one stage that passes them on, to a sink that takes 1 ms for each. All
 * with their default settings, and ours also with a budget of 8 MB for blocks.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run, StartOptions } from '../src/index.ts';
import { benchmark, stopwatch, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';
import { peers, type PeerName } from './peers/index.ts';
import type { Job } from './peers/peer.ts';
import { runSluice } from './peers/sluice.ts';

const BLOCKS = 2_000;
const MB = 1024 * 1024;
const SINK_MS = 1;
const CONCURRENCY = 4;

async function measure(run: (job: Job<Uint8Array>) => Promise<void>): Promise<Measurement> {
  const startRssMb = process.memoryUsage.rss() / MB;
  let made = 0;
  let done = 0;
  let most = 0;
  function* source(): Generator<Uint8Array[]> {
    while (made < BLOCKS) {
      made += 1;
      most = Math.max(most, made - done);
      // Filled, so that the memory is really there.
      yield [new Uint8Array(MB).fill(made)];
    }
  }
  const { wallMs, cpuMs } = await stopwatch(() =>
    run({
      source: source(),
      stages: [{ transform: (block) => Promise.resolve(block), concurrency: CONCURRENCY }],
      async sink() {
        await sleep(SINK_MS);
        done += 1;
      },
    }),
  );
  if (done !== BLOCKS) throw new Error(`${String(done)} of ${String(BLOCKS)} blocks arrived`);
  const rssMb = process.resourceUsage().maxRSS / 1024;
  return { makespan: wallMs, cpuMs, buffered: most, startRssMb, rssMb };
}

function ours(start: StartOptions = {}): () => Promise<Measurement> {
  return async () => {
    let started: Run<Uint8Array> | undefined;
    const measured = await measure((job) =>
      runSluice(job, {
        start,
        onStart: (run) => {
          started = run;
        },
      }),
    );
    const accounted = started?.snapshot().blockBytes.peak ?? NaN;
    return { ...measured, accounted: accounted / MB };
  };
}

function peer(name: PeerName): () => Promise<Measurement> {
  return async () => measure(await peers[name]());
}

const cases = {
  sluice: ours(),
  'sluice, blockBytes 8 MB': ours({ budget: { blockBytes: 8 * MB } }),
  floor: peer('floor'),
  'p-map': peer('p-map'),
  'streaming-iterables': peer('streaming-iterables'),
  'node:stream': peer('node:stream'),
  rxjs: peer('rxjs'),
  effect: peer('effect'),
  'effect, chunks of 1': peer('effect, chunks of 1'),
};

await benchmark(
  import.meta.url,
  cases,
  ({ names, rounds, of }) => {
    const median = (name: string, value: string): string => digits(of(name, value).median);
    printTable(
      `Backpressure: ${String(BLOCKS)} blocks of 1 MB, sink of ${String(SINK_MS)} ms, median of ${String(rounds)} rounds`,
      [
        { title: 'case', align: 'left', cell: (name) => name },
        {
          title: 'most blocks = MB between source and sink',
          cell: (name) => String(of(name, 'buffered').most),
        },
        { title: 'most accounted, MB', cell: (name) => accountedCell(of(name, 'accounted').most) },
        { title: 'peak RSS, MB', cell: (name) => median(name, 'rssMb') },
        { title: 'RSS at start, MB', cell: (name) => median(name, 'startRssMb') },
        { title: 'makespan, ms', cell: (name) => median(name, 'makespan') },
        { title: 'CPU, ms', cell: (name) => median(name, 'cpuMs') },
      ],
      names,
    );
  },
  3,
);

function accountedCell(megabytes: number): string {
  return Number.isNaN(megabytes) ? '' : digits(megabytes);
}
