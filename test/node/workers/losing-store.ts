/** A store that spills what it can to real files, each of which is cut before it is read. */
import { truncateSync } from 'node:fs';
import type { SpillingStore } from '../../../actors/spill.ts';
import { spillingStore } from '../../../src/node/index.ts';
import { filesIn, folder } from '../../faults/spilling.ts';

export interface LosingStore extends SpillingStore {
  /** Where the files are. */
  readonly directory: string;
  /** Resolves when so many blocks have been written. */
  readonly written: (blocks: number) => Promise<void>;
}

/** @param mayGo which blocks are spilled, by their rows. Default: all. */
export function losingStore(
  mayGo: (rows: readonly unknown[]) => boolean = () => true,
): LosingStore {
  const directory = folder();
  const store = spillingStore({ directory, highWater: 0 });
  let count = 0;
  let waiting: { readonly blocks: number; readonly resolve: () => void }[] = [];

  function tell(): void {
    for (const { blocks, resolve } of waiting) if (count >= blocks) resolve();
    waiting = waiting.filter(({ blocks }) => count < blocks);
  }

  return {
    directory,
    written: (blocks) =>
      new Promise((resolve) => {
        waiting.push({ blocks, resolve });
        tell();
      }),
    open(run) {
      const spill = store.open(run);
      return {
        ...spill,
        async write(id, block, room) {
          if (!mayGo(block.rows)) return undefined;
          const bytes = await spill.write(id, block, room);
          if (bytes !== undefined) count += 1;
          tell();
          return bytes;
        },
        read(id) {
          const file = filesIn(directory).find((path) => path.endsWith(`/${String(id)}.block`));
          if (file !== undefined) truncateSync(file, 10);
          return spill.read(id);
        },
      };
    },
  };
}
