/** Writes rows to a JSON Lines file that is either complete or not there. */
import { mkdir, open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { liveEnv } from '../../actors/env.ts';
import type { Sink } from '../../actors/transforms/sink.ts';
import { OptionError, RunError } from '../../machines/errors.ts';

/** What is being written, until it gets the name it should have. */
interface Draft {
  readonly path: string;
  readonly file: FileHandle;
}

/**
 * A sink that writes each row as one line of JSON. Rows go to a temporary file beside `path`, which is
 * renamed when the run is done and removed when it is not: whoever reads `path` sees the file of the
 * run before, or the whole of this one. Missing directories are made.
 *
 * @example
 * flow.to(jsonlSink('out/rows.jsonl'));
 */
export function jsonlSink(path: string | URL): Sink<unknown> {
  const target = resolve(typeof path === 'string' ? path : fileURLToPath(path));
  let inUse = false;
  /** Runs that came while another one was writing, and have not been told of their end yet. */
  let refused = 0;
  let draft: Draft | undefined;

  return {
    async open(signal) {
      if (inUse) {
        refused += 1;
        throw new RunError(`${target} is being written by another run; make a sink for each`);
      }
      inUse = true;
      const opened = await begin(target);
      if (signal.aborted) {
        // The run ended meanwhile, and nobody will ask for this file to be closed.
        await discard(opened);
        throw signal.reason;
      }
      draft = opened;
    },

    // The next block comes when this one is in the file: a slow disk holds the pipeline back.
    async write(rows) {
      await draft?.file.appendFile(rows.map(toLine).join(''));
    },

    async close() {
      const written = draft;
      draft = undefined;
      try {
        if (written !== undefined) await commit(written, target);
      } finally {
        inUse = false;
      }
    },

    async abort() {
      if (refused > 0) {
        refused -= 1;
        return;
      }
      const given = draft;
      draft = undefined;
      inUse = false;
      if (given !== undefined) await discard(given);
    },
  };
}

async function begin(target: string): Promise<Draft> {
  await mkdir(dirname(target), { recursive: true });
  if (await isDirectory(target)) {
    throw new OptionError('path', `cannot write ${target}: it is a directory`);
  }
  const path = `${target}.${liveEnv.random().toString(36).slice(2, 10)}.partial`;
  return { path, file: await open(path, 'wx') };
}

async function commit(draft: Draft, target: string): Promise<void> {
  try {
    await draft.file.sync();
    await draft.file.close();
    await rename(draft.path, target);
  } catch (error) {
    await discard(draft);
    throw error;
  }
}

async function discard({ path, file }: Draft): Promise<void> {
  try {
    await file.close();
  } finally {
    await rm(path, { force: true });
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // It is not there yet. If it is out of reach, opening the temporary file says so.
    return false;
  }
}

function toLine(row: unknown): string {
  const line = JSON.stringify(row) as string | undefined;
  if (line !== undefined) return `${line}\n`;
  throw new TypeError(`a row is ${typeof row}, which JSON cannot say`);
}
