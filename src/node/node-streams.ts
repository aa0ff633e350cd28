/** Runs between Node's own streams: a run as a `Readable`, a sink from a `Writable`. */
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { Sink } from '../../actors/transforms/sink.ts';
import { describe, OptionError, RunError } from '../../machines/errors.ts';
import type { Run } from '../run.ts';

/**
 * The rows of a run as a readable stream of objects. Nothing is taken before it is read, destroying it
 * cancels the run, and a run that fails destroys it with its error.
 * @throws RunError when the run has a consumer already.
 *
 * @example
 * await pipeline(toNodeReadable(run), stringify, createWriteStream('rows.csv'));
 */
export function toNodeReadable<T>(run: Run<T>): Readable {
  const blocks = run.blocks();
  let rows: readonly T[] = [];
  let next = 0;

  /** Pushes rows until the stream has enough for now, or is at its end. */
  async function push(stream: Readable): Promise<void> {
    for (;;) {
      while (next < rows.length) {
        const row = rows[next++];
        if (row === null) {
          throw new RunError('a row is null, which to a stream of Node says that it has ended');
        }
        if (!stream.push(row)) return;
      }
      const step = await blocks.next();
      if (step.done === true) {
        stream.push(null);
        return;
      }
      rows = step.value.rows;
      next = 0;
    }
  }

  return new Readable({
    objectMode: true,
    read() {
      push(this).catch((error: unknown) => {
        this.destroy(toError(error));
      });
    },
    destroy(error, callback) {
      const isOver = run
        .cancel(error ?? 'its reader left')
        // The block whose rows have not all been read is let go of.
        .then(() => blocks.return?.());
      isOver.then(
        () => {
          callback(error);
        },
        () => {
          callback(error);
        },
      );
    },
  });
}

export interface WritableSinkOptions {
  /**
   * Whether the stream ends with the run, and is destroyed when the run fails or is cancelled. Default:
   * true. `false` leaves it open: for `process.stdout`, or for a stream that several runs write to.
   */
  readonly end?: boolean;
}

/**
 * A sink that writes each row to a stream of Node's, when it is ready for it. The stream takes objects,
 * or the rows must be what it takes. A stream that fails or closes fails the run.
 *
 * @example
 * flow.map((row) => `${JSON.stringify(row)}\n`).to(writableSink(createWriteStream('rows.jsonl')));
 */
export function writableSink(writable: Writable, options: WritableSinkOptions = {}): Sink<unknown> {
  const { end = true } = options;
  if (typeof (writable as Partial<Writable>).write !== 'function') {
    throw new OptionError('writable', 'writableSink needs a Writable stream of Node');
  }
  // Without a listener, the failure of a stream would end the process.
  const onError = (): void => undefined;

  /** @throws Error why nothing more can be written. */
  function check(): void {
    if (writable.errored) throw writable.errored;
    if (writable.writable) return;
    throw new Error('the stream was closed or ended before every row was written');
  }

  return {
    open() {
      check();
      writable.on('error', onError);
    },
    async write(rows) {
      for (const row of rows.slice(0, -1)) {
        check();
        if (!writable.write(row)) await ready(writable);
      }
      // The next block comes when this one is through.
      check();
      if (rows.length > 0) await written(writable, rows.at(-1));
    },
    async close() {
      check();
      if (end) {
        writable.end();
        await finished(writable, { readable: false });
      }
      writable.off('error', onError);
    },
    async abort(reason) {
      if (end && !writable.destroyed) {
        writable.destroy(toError(reason));
        // Its error has been told already; what counts is that it is closed.
        await finished(writable, { readable: false }).catch(() => undefined);
      }
      // An error that is on its way comes in a later turn: a stream that is gone keeps its listener.
      if (!end) writable.off('error', onError);
    },
  };
}

/** Waits until the stream takes more, or says that it never will. */
async function ready(writable: Writable): Promise<void> {
  const waiting = new AbortController();
  const { signal } = waiting;
  try {
    // `once` rejects when the stream emits an error meanwhile.
    await Promise.race([once(writable, 'drain', { signal }), once(writable, 'close', { signal })]);
  } finally {
    waiting.abort();
  }
}

function written(writable: Writable, row: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    writable.write(row, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(describe(thrown), { cause: thrown });
}
