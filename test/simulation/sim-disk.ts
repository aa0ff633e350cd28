/**
 * A disk of the simulated world: slow, sometimes full, sometimes lying. It keeps what is written in
 * memory, and what goes wrong depends on the seed and on what is asked.
 */
import type { Disk } from '../../src/node/spill/disk.ts';
import type { SimEnv } from '../../src/testing.ts';
import type { DiskCase } from './case.ts';
import { chance } from './random.ts';

export interface SimDisk extends Disk {
  /** Files there are now. */
  readonly files: () => number;
  readonly isClosed: () => boolean;
}

export function simDisk(disk: DiskCase, seed: number, env: SimEnv, seen: Set<string>): SimDisk {
  const files = new Map<string, Uint8Array>();
  let asked = 0;
  let closed = false;

  const luck = (what: string, name: string): number => chance(what, seed, name, asked);

  async function takeTime(what: string, name: string): Promise<void> {
    asked += 1;
    if (closed) throw new Error('S13: the disk is used after it was closed');
    await env.sleep(luck(what, name) * disk.slow);
  }

  return {
    async write(name, chunks) {
      await takeTime('write', name);
      const bytes = new Uint8Array(Buffer.concat(chunks));
      const used = [...files.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (used + bytes.byteLength > disk.capacity) {
        seen.add('disk full');
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      }
      // A write that was said to be done, and was done in part.
      const isTorn = luck('torn', name) < disk.torn;
      if (isTorn) seen.add('torn write');
      files.set(name, isTorn ? bytes.subarray(0, luck('where', name) * bytes.length) : bytes);
    },
    async read(name) {
      await takeTime('read', name);
      if (luck('flaky', name) < disk.flaky) throw new Error('EIO: i/o error');
      const bytes = files.get(name)?.slice();
      if (bytes === undefined) throw new Error('ENOENT: no such file');
      if (luck('flip', name) < disk.flips && bytes.length > 0) {
        seen.add('bit flipped');
        const at = Math.floor(luck('bit', name) * bytes.length * 8);
        bytes[at >> 3] = (bytes[at >> 3] ?? 0) ^ (1 << (at & 7));
      }
      return bytes;
    },
    remove(name) {
      files.delete(name);
    },
    async close() {
      await env.sleep(0);
      files.clear();
      closed = true;
    },
    files: () => files.size,
    isClosed: () => closed,
  };
}
