/**
 * Runs between streams: a run as a readable of the web or as an observable, a sink from a writable, a
 * pipeline as a transform.
 */
import type { Subscriber } from 'rxjs';
import type { RowsInput } from '../actors/sources.ts';
import type { Sink } from '../actors/transforms/sink.ts';
import { TaskError } from '../machines/errors.ts';
import type { Run } from './run.ts';

/** The rows of a run as a stream that is pulled: nothing is taken before it is asked for. */
export function readableStream<T>(
  run: Run<T>,
  unwrap: (error: unknown) => unknown,
): ReadableStream<T> {
  const rows = run.rows();
  return new ReadableStream<T>(
    {
      async pull(controller) {
        try {
          const step = await rows.next();
          if (step.done === true) controller.close();
          else controller.enqueue(step.value);
        } catch (error) {
          controller.error(unwrap(error));
        }
      },
      cancel: (reason) => run.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Writes rows to a stream, one by one, when it is ready for them. */
export function streamSink<T>(stream: WritableStream<T>): Sink<T> {
  let writer: WritableStreamDefaultWriter<T> | undefined;
  return {
    open() {
      writer = stream.getWriter();
      // A stream that errs is noticed by the next write; until then nobody waits for this promise.
      writer.closed.catch(() => undefined);
    },
    async write(rows) {
      for (const row of rows) {
        await writer?.ready;
        // The promise of a write settles when the row is through; its failure makes `ready` reject.
        writer?.write(row).catch(() => undefined);
      }
      await writer?.ready;
    },
    close: () => writer?.close(),
    abort: (reason) => writer?.abort(reason),
  };
}

export interface StreamPair<In, T> {
  readonly writable: WritableStream<In>;
  readonly readable: ReadableStream<T>;
}

/** A run between a writable and a readable end. */
export function transformStream<In, T>(start: (input: RowsInput<In>) => Run<T>): StreamPair<In, T> {
  const entrance = new TransformStream<In, In>();
  const run = start(entrance.readable);
  // A run that ended before it began to read leaves nobody to tell whoever writes.
  const release = (reason?: unknown): void => {
    if (!entrance.readable.locked) void entrance.readable.cancel(reason);
  };
  run.done.then(({ reason }) => {
    release(reason);
  }, release);
  // An error that was written in comes out as it is; it has not been made by the pipeline.
  const readable = readableStream(run, (error) =>
    error instanceof TaskError && error.operator === INPUT ? error.cause : error,
  );
  return { writable: entrance.writable, readable };
}

/** Name of the source that stands for the rows given to a run. */
export const INPUT = 'input';

/** Pushes the rows of a run to a subscriber; returns what ends it. */
export function pushRows<T>(run: Run<T>, subscriber: Subscriber<T>): () => void {
  const blocks = run.blocks();
  async function push(): Promise<void> {
    for await (const block of blocks) for (const row of block.rows) subscriber.next(row);
  }
  push().then(
    () => {
      subscriber.complete();
    },
    (error: unknown) => {
      subscriber.error(error);
    },
  );
  return () => {
    void run.cancel('its subscriber left');
  };
}
