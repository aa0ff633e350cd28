/** Sluice, as a user writes it. */
import {
  pipeline,
  type BlocksResult,
  type Flow,
  type OperatorOptions,
  type Run,
  type StartOptions,
} from '../../src/index.ts';
import type { Job, Peer } from './peer.ts';

/** Sluice takes any transform of blocks: also one that is sync, or a generator. */
export interface SluiceJob<T> extends Omit<Job<T>, 'stages'> {
  readonly stages: readonly {
    readonly transform: (block: T[]) => BlocksResult<T>;
    readonly concurrency: number;
  }[];
}

export interface SluiceSettings<T> {
  /** Options of every operator. */
  readonly operator?: OperatorOptions;
  readonly start?: StartOptions;
  /** Gets the run once it has started. */
  readonly onStart?: (run: Run<T>) => void;
}

export const sluice: Peer = (job) => runSluice(job);

/** A run with settings. Without a budget in the job, every stage can have all its tasks at once. */
export async function runSluice<T>(
  { source, stages, sink, budget }: SluiceJob<T>,
  { operator, start, onStart }: SluiceSettings<T> = {},
): Promise<void> {
  let flow: Flow<T> = pipeline('bench').fromBlocks(source);
  for (const { transform, concurrency } of stages) {
    const options = { maxConcurrency: concurrency, ...operator };
    flow = flow.mapBlocks<BlocksResult<T>>(transform, options);
  }
  const cpu = budget ?? stages.reduce((sum, { concurrency }) => sum + concurrency, 0);
  const run = flow.start({ ...start, budget: { cpu, ...start?.budget } });
  onStart?.(run);
  for await (const { rows } of run.blocks()) {
    const written = sink(rows as T[]);
    if (written !== undefined) await written;
  }
}
