/** RxJS: `mergeMap` with its concurrency. */
import { concatMap, EMPTY, from, lastValueFrom, mergeMap, type Observable } from 'rxjs';
import type { Job, Peer } from './peer.ts';

export const rxjs: Peer = async <T>({ source, stages, sink }: Job<T>) => {
  let blocks: Observable<T[]> = from(source);
  for (const { transform, concurrency } of stages) {
    blocks = blocks.pipe(mergeMap(transform, concurrency));
  }
  const written = blocks.pipe(concatMap((block) => sink(block) ?? EMPTY));
  await lastValueFrom(written, { defaultValue: undefined });
};
