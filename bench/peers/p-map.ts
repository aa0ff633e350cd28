/** p-map: `pMapIterable`, one around the other; keeps the order unless told otherwise. */
import { pMapIterable } from 'p-map';
import { consume, type Job, type Peer } from './peer.ts';

export const pMap: Peer = async <T>({ source, stages, sink }: Job<T>) => {
  let blocks: Iterable<T[]> | AsyncIterable<T[]> = source;
  for (const { transform, concurrency } of stages) {
    blocks = pMapIterable<T[], T[]>(blocks, transform, { concurrency });
  }
  await consume(blocks as AsyncIterable<T[]>, sink);
};
