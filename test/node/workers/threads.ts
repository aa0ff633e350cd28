/** Counts the threads that a module's workers have. */
import type { WorkerModule } from '../../../src/node/index.ts';

export interface Threads {
  /** Threads that are alive. */
  readonly alive: number;
  /** Most of them at a time. */
  readonly most: number;
  /** How many have ever been made. */
  readonly made: number;
  /** Waits until none is alive. */
  readonly gone: () => Promise<void>;
}

export function counted<M>(module: WorkerModule<M>): [WorkerModule<M>, Threads] {
  const threads = { alive: 0, most: 0, made: 0, gone };
  const waiting: (() => void)[] = [];

  function gone(): Promise<void> {
    return new Promise((resolve) => {
      if (threads.alive === 0) resolve();
      else waiting.push(resolve);
    });
  }

  const countedModule: WorkerModule<M> = {
    async spawn(settings) {
      const thread = await module.spawn(settings);
      threads.made += 1;
      threads.alive += 1;
      threads.most = Math.max(threads.most, threads.alive);
      let isAlive = true;
      return {
        ...thread,
        async terminate() {
          await thread.terminate();
          if (!isAlive) return;
          isAlive = false;
          threads.alive -= 1;
          if (threads.alive === 0) for (const resolve of waiting.splice(0)) resolve();
        },
      };
    },
  };
  return [countedModule, threads];
}
