/**
 * A folder of temporary files for one run. It is made when the first file is, and goes with the run or
 * with the process. What a process that was killed left behind is removed by the next one.
 */
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, readdir, rm, unlink, type FileHandle } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Disk } from './disk.ts';

/** Folders there are now: they go with the process. */
const folders = new Set<string>();

function removeFolders(): void {
  // A file that is just being written may appear while the folder is emptied: once more, then.
  const how = { recursive: true, force: true, maxRetries: 10, retryDelay: 5 };
  for (const folder of folders) rmSync(folder, how);
}

/** The machine is in the name: a process of another one that shares the disk is not known here. */
const MACHINE = hostname().replace(/[^\w.]/g, '_');
const PREFIX = `sluice-spill-${MACHINE}-`;

/** @param parent where the folder is made. Default: the temporary directory of the system. */
export function spillDirectory(parent: string = tmpdir()): Disk {
  let folder: Promise<string> | undefined;
  const removals = new Set<Promise<void>>();
  const sweeping = sweep(parent);

  async function make(): Promise<string> {
    await mkdir(parent, { recursive: true });
    const made = await mkdtemp(join(parent, `${PREFIX}${String(process.pid)}-`));
    if (folders.size === 0) process.on('exit', removeFolders);
    folders.add(made);
    return made;
  }

  /** The folder; made anew when that has failed before. */
  async function needFolder(): Promise<string> {
    folder ??= make();
    try {
      return await folder;
    } catch (error) {
      folder = undefined;
      throw error;
    }
  }

  return {
    async write(name, chunks) {
      const path = join(await needFolder(), name);
      const file = await open(path, 'wx', 0o600);
      try {
        await writeAll(file, chunks);
      } catch (error) {
        await file.close();
        await unlink(path);
        throw error;
      }
      await file.close();
    },
    async read(name) {
      const file = await open(join(await needFolder(), name), 'r');
      try {
        return await readAll(file);
      } finally {
        await file.close();
      }
    },
    remove(name) {
      const removal = needFolder()
        .then((path) => unlink(join(path, name)))
        // It is gone already, or goes with the folder.
        .catch(() => undefined)
        .finally(() => removals.delete(removal));
      removals.add(removal);
    },
    async close() {
      await Promise.all([sweeping, ...removals]);
      const path = await folder?.catch(() => undefined);
      if (path === undefined) return;
      await rm(path, { recursive: true, force: true }).catch(() => undefined);
      folders.delete(path);
      if (folders.size === 0) process.off('exit', removeFolders);
    },
  };
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let left = chunks.filter(({ byteLength }) => byteLength > 0);
  while (left.length > 0) {
    let { bytesWritten } = await file.writev(left);
    // A disk that is nearly full takes a part, and refuses the next one.
    left = left.flatMap((chunk) => {
      const done = Math.min(bytesWritten, chunk.byteLength);
      bytesWritten -= done;
      return done === chunk.byteLength ? [] : [chunk.subarray(done)];
    });
  }
}

async function readAll(file: FileHandle): Promise<Uint8Array> {
  const { size } = await file.stat();
  const bytes = new Uint8Array(new ArrayBuffer(size));
  let end = 0;
  while (end < size) {
    const { bytesRead } = await file.read(bytes, end, size - end);
    if (bytesRead === 0) break;
    end += bytesRead;
  }
  return bytes.subarray(0, end);
}

/** Removes the folders of processes of this machine that are no more. */
async function sweep(parent: string): Promise<void> {
  try {
    for (const name of await readdir(parent)) {
      if (!name.startsWith(PREFIX)) continue;
      const pid = Number.parseInt(name.slice(PREFIX.length), 10);
      if (isAlive(pid)) continue;
      await rm(join(parent, name), { recursive: true, force: true });
    }
  } catch {
    // Not there yet, or somebody else's: then there is nothing of ours to remove.
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user cannot be signalled, and is there.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
