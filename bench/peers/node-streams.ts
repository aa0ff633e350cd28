/** Node's streams: `Readable.from` and the `map` of readables, which keeps the order. */
import { Readable } from 'node:stream';
import { consume, type Job, type Peer } from './peer.ts';

export const nodeStreams: Peer = async <T>({ source, stages, sink }: Job<T>) => {
  let blocks = Readable.from(source);
  for (const { transform, concurrency } of stages) {
    blocks = blocks.map(transform, { concurrency });
  }
  await consume(blocks as AsyncIterable<T[]>, sink);
};
