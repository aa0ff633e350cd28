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
  /** Waits until so many have been made. */
  readonly reached: (made: number) => Promise<void>;
}

export function counted<M>(module: WorkerModule<M>): [WorkerModule<M>, Threads] {
  const threads = { alive: 0, most: 0, made: 0, gone, reached };
  const waiting: (() => void)[] = [];
  const watching: { readonly made: number; readonly resolve: () => void }[] = [];

  function reached(made: number): Promise<void> {
    return new Promise((resolve) => {
      if (threads.made >= made) resolve();
      else watching.push({ made, resolve });
    });
  }

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
      for (const { made, resolve } of watching) if (threads.made >= made) resolve();
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
