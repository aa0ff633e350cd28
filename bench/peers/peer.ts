/** The work all competitors do, and what it takes to compete. */

/** Blocks go through some stages, one after the other, and into a sink. */
export interface Job<T> {
  readonly source: Iterable<T[]>;
  readonly stages: readonly Stage<T>[];
  /** Takes one block at a time. */
  readonly sink: (block: T[]) => Promise<void> | undefined;
  /** Tasks at a time over all stages, for those that can limit them. */
  readonly budget?: number;
}

export interface Stage<T> {
  readonly transform: (block: T[]) => Promise<T[]>;
  /** Tasks at a time in this stage. */
  readonly concurrency: number;
}

/** Resolves when every block is through. */
export type Peer = <T>(job: Job<T>) => Promise<void>;

/** Takes the blocks off an async iterable. */
export async function consume<T>(blocks: AsyncIterable<T[]>, sink: Job<T>['sink']): Promise<void> {
  for await (const block of blocks) {
    const written = sink(block);
    if (written !== undefined) await written;
  }
}

/**
 * The stages with one limit over all of them: what a user writes by hand where a library has limits
 * for each stage alone. First come, first served.
 */
export function shareBudget<T>(stages: readonly Stage<T>[], limit: number): Stage<T>[] {
  const waiting: (() => void)[] = [];
  let free = limit;
  return stages.map(({ transform, concurrency }) => ({
    concurrency,
    async transform(block) {
      if (free > 0) free -= 1;
      else {
        await new Promise<void>((resolve) => {
          waiting.push(resolve);
        });
      }
      try {
        return await transform(block);
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  }));
}
