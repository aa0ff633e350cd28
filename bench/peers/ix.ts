/** IxJS: `flatMap` with its concurrency, each block as a sequence of one. */
import { from, of, type AsyncIterableX } from 'ix/asynciterable';
import { flatMap } from 'ix/asynciterable/operators';
import { consume, type Job, type Peer } from './peer.ts';

export const ix: Peer = async <T>({ source, stages, sink }: Job<T>) => {
  let blocks: AsyncIterableX<T[]> = from(source);
  for (const { transform, concurrency } of stages) {
    blocks = blocks.pipe(flatMap(async (block) => of(await transform(block)), concurrency));
  }
  await consume(blocks, sink);
};
