/** Block stores that spill to files. */
import type { Spill, SpillingStore } from '../../../actors/spill.ts';
import { describe, OptionError, StoreError } from '../../../machines/errors.ts';
import { checkCount, checkNames, checkPositive } from '../../options.ts';
import { decodeBlock, encodeBlock } from './block-frame.ts';
import type { Disk } from './disk.ts';
import { trimHeap } from './heap.ts';
import { spillDirectory } from './spill-directory.ts';

export interface SpillOptions {
  /** Where the temporary folder is made. Default: the temporary directory of the system. */
  readonly directory?: string;
  /**
   * Bytes of blocks in memory above which those that nobody uses are written, the ones that are needed
   * last first. Default: half of the run's `blockBytes`, as `setBudget` changes it.
   */
  readonly highWater?: number;
  /** Bytes all files of a run may have together. Beyond, blocks stay in memory. Default: no limit. */
  readonly maxBytes?: number;
}

/**
 * A store that writes blocks to temporary files while there are too many bytes in memory, and reads
 * them again when somebody takes them. Blocks on disk do not count against `blockBytes`. The files are
 * removed when the run is over, however it ends, or with the process.
 *
 * @throws OptionError when an option is unknown or has a value it cannot have.
 *
 * @example
 * flow.start({ budget: { blockBytes: 64e6 }, store: spillingStore({ maxBytes: 10e9 }) })
 */
export function spillingStore(options: SpillOptions = {}): SpillingStore {
  checkNames('options', options, ['directory', 'highWater', 'maxBytes']);
  const { directory, highWater, maxBytes } = options;
  if (directory !== undefined && (typeof directory !== 'string' || directory === '')) {
    throw new OptionError('directory', 'option "directory" must be the path of a folder');
  }
  checkCount('highWater', highWater, 0);
  if (maxBytes !== undefined) checkPositive('maxBytes', maxBytes);
  return { open: () => spillTo(spillDirectory(directory), options) };
}

/** Spills to a disk. */
export function spillTo(
  disk: Disk,
  { highWater, maxBytes = Infinity }: Omit<SpillOptions, 'directory'> = {},
): Spill {
  return {
    highWater,
    maxBytes,
    async write(id, block, room) {
      if (block.kind === 'rows') trimHeap();
      const pieces = encodeBlock(id, block);
      const bytes = pieces?.reduce((sum, { byteLength }) => sum + byteLength, 0) ?? Infinity;
      if (pieces === undefined || bytes > room) return undefined;
      try {
        await disk.write(fileName(id), pieces);
      } catch (error) {
        throw failed(`block ${String(id)} could not be written to disk`, error);
      }
      return bytes;
    },
    async read(id) {
      trimHeap();
      let file: Uint8Array;
      try {
        file = await disk.read(fileName(id));
      } catch (error) {
        throw failed(`block ${String(id)} could not be read from disk`, error);
      }
      return decodeBlock(id, file);
    },
    remove: (id) => {
      disk.remove(fileName(id));
    },
    close: () => disk.close(),
  };
}

function fileName(id: number): string {
  return `${String(id)}.block`;
}

function failed(what: string, error: unknown): StoreError {
  return new StoreError(`${what}: ${describe(error)}`, { cause: error });
}
