/** Effect: `Stream.mapEffect` with its concurrency. */
import { Effect, Stream } from 'effect';
import type { Job, Peer } from './peer.ts';

/** As it comes: `fromIterable` takes the source in chunks of 4,096. */
export const effect: Peer = (job) => runStream(job, Stream.fromIterable(job.source));

/** Tuned for large blocks: one at a time. */
export const effectByOne: Peer = (job) =>
  runStream(job, Stream.fromIterable(job.source, { chunkSize: 1 }));

async function runStream<T>({ stages, sink }: Job<T>, source: Stream.Stream<T[]>): Promise<void> {
  let blocks = source;
  for (const { transform, concurrency } of stages) {
    const run = (block: T[]): Effect.Effect<T[]> => Effect.promise(() => transform(block));
    blocks = Stream.mapEffect(blocks, run, { concurrency });
  }
  const write = (block: T[]): Effect.Effect<void> => {
    const written = sink(block);
    return written === undefined ? Effect.void : Effect.promise(() => written);
  };
  await Effect.runPromise(Stream.runForEach(blocks, write));
}
