/** streaming-iterables: `parallelMap`, which keeps the order. */
import { parallelMap, type AnyIterable } from 'streaming-iterables';
import { consume, type Job, type Peer } from './peer.ts';

export const streamingIterables: Peer = async <T>({ source, stages, sink }: Job<T>) => {
  let blocks: AnyIterable<T[]> = source;
  for (const { transform, concurrency } of stages) {
    blocks = parallelMap(concurrency, transform, blocks);
  }
  await consume(blocks as AsyncIterable<T[]>, sink);
};
