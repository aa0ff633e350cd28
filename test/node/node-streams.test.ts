import { once } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import { finished, pipeline as pipe } from 'node:stream/promises';
import { expect, test, vi } from 'vitest';
import { CancelledError, OptionError, pipeline, RunError, TaskError } from '../../src/index.ts';
import { toNodeReadable, writableSink } from '../../src/node/index.ts';

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const flow = (count: number, rowsPerBlock = 4) =>
  pipeline('streams')
    .from(numbers(count), { rowsPerBlock })
    .map((row) => row, { name: 'work' });

async function thrownBy(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

/** A stream of objects that keeps what it gets, and says when it may go on. */
function collector(take: () => Promise<void> = () => Promise.resolve()) {
  const rows: unknown[] = [];
  const stream = new Writable({
    objectMode: true,
    highWaterMark: 2,
    write(row: unknown, _encoding, callback) {
      rows.push(row);
      take().then(() => {
        callback();
      }, callback);
    },
  });
  return { stream, rows };
}

test('a run is read as a stream of Node', async () => {
  const run = flow(10).start({ budget: { cpu: 1 } });
  expect(await toNodeReadable(run).toArray()).toEqual(numbers(10));
  expect((await run.done).status).toBe('done');
  expect(() => toNodeReadable(run)).toThrow(RunError);
});

test('a stream nobody reads holds its run back', async () => {
  let read = 0;
  const run = pipeline('endless')
    .from(
      function* () {
        for (;;) yield read++;
      },
      { rowsPerBlock: 1 },
    )
    .map((row) => row)
    .start({ budget: { cpu: 1, blockBytes: 4000 } });
  const stream = toNodeReadable(run);
  const [first] = (await once(stream, 'readable').then(() => [stream.read() as unknown])) as [
    number,
  ];
  expect(first).toBe(0);
  // It comes to rest: nothing more is read until somebody reads.
  let before = -1;
  while (before !== read) {
    before = read;
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(read).toBeLessThan(1000);
  stream.destroy();
  await run.done;
});

test('destroying the stream cancels the run, with its error, and leaves no block', async () => {
  for (const error of [undefined, new Error('the reader broke')]) {
    const run = flow(100).start();
    const stream = toNodeReadable(run);
    stream.on('error', () => undefined);
    await once(stream, 'data');
    stream.destroy(error);
    const report = await run.done;
    expect(report).toMatchObject({ status: 'cancelled', reason: error ?? 'its reader left' });
    await finished(stream).catch(() => undefined);
    expect(run.snapshot().blockBytes.live).toBe(0);
  }
});

test('destroying the stream ends a run that waits for something that never comes', async () => {
  const run = pipeline('silent')
    .from(() => new Readable({ objectMode: true, read: () => undefined }))
    .map((row) => row as unknown)
    .start();
  const stream = toNodeReadable(run);
  stream.resume();
  await new Promise((resolve) => setImmediate(resolve));
  stream.destroy();
  expect((await run.done).status).toBe('cancelled');
});

test('a run that fails, or is cancelled, destroys its stream with the error', async () => {
  const failing = flow(10)
    .map((row) => {
      if (row === 5) throw new Error('no five');
      return row;
    })
    .start();
  expect(await thrownBy(toNodeReadable(failing).toArray())).toBeInstanceOf(TaskError);

  const cancelled = flow(1000).start();
  const stream = toNodeReadable(cancelled);
  const rows = thrownBy(stream.toArray());
  void cancelled.cancel('enough');
  expect(await rows).toBeInstanceOf(CancelledError);
  expect(stream.destroyed).toBe(true);
});

test('a row that is null cannot pass through a stream of Node, and says so', async () => {
  const run = pipeline('nulls')
    .from([1, null])
    .map((row) => row)
    .start();
  expect(await thrownBy(toNodeReadable(run).toArray())).toBeInstanceOf(RunError);
  await run.done;
});

test('it goes on into other streams of Node', async () => {
  const { stream, rows } = collector();
  await pipe(toNodeReadable(flow(20).start({ budget: { cpu: 1 } })), stream);
  expect(rows).toEqual(numbers(20));
});

test('a readable of Node is a source, held back by its run', async () => {
  let read = 0;
  const source = new Readable({
    objectMode: true,
    highWaterMark: 4,
    read() {
      this.push(read < 10_000 ? read++ : null);
    },
  });
  let most = 0;
  let written = 0;
  await pipeline('source')
    .from(source as AsyncIterable<number>, { rowsPerBlock: 1 })
    .to(async (rows) => {
      most = Math.max(most, read - written);
      if (written % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
      written += rows.length;
    })
    .start({ budget: { cpu: 1, blockBytes: 4000 } }).done;
  expect(written).toBe(10_000);
  expect(most).toBeLessThan(1000);
});

test('a readable that fails, or is destroyed too early, fails the run; a run that ends destroys it', async () => {
  const broken = new Readable({
    objectMode: true,
    read() {
      this.destroy(new Error('the disk is gone'));
    },
  });
  const failing = pipeline('source')
    .from(broken, { name: 'reader' })
    .map((row) => row as unknown)
    .start();
  const error = (await thrownBy(failing.collect())) as TaskError;
  expect(error).toMatchObject({ operator: 'reader', cause: new Error('the disk is gone') });

  const early = new PassThrough({ objectMode: true });
  early.write(1);
  const cut = pipeline('source')
    .from(early, { name: 'reader' })
    .map((row) => row as unknown)
    .start();
  const rows = thrownBy(cut.collect());
  early.destroy();
  expect(await rows).toMatchObject({ operator: 'reader' });

  const endless = new Readable({
    objectMode: true,
    read() {
      this.push(1);
    },
  });
  const run = pipeline('source')
    .from(endless, { rowsPerBlock: 1 })
    .map((row) => row as unknown)
    .limit(3)
    .start();
  expect(await run.collect()).toEqual([1, 1, 1]);
  expect(endless.destroyed).toBe(true);
});

test('rows are written to a stream of Node as fast as it takes them, which ends with the run', async () => {
  let made = 0;
  let most = 0;
  const { stream, rows } = collector(async () => {
    most = Math.max(most, made - rows.length);
    await new Promise((resolve) => setImmediate(resolve));
  });
  const run = pipeline('sink')
    .from(
      function* () {
        while (made < 500) yield made++;
      },
      { rowsPerBlock: 4 },
    )
    .to(writableSink(stream))
    .start({ budget: { cpu: 1, blockBytes: 2000 } });
  expect((await run.done).status).toBe('done');
  expect(rows).toEqual(numbers(500));
  expect(stream.writableFinished).toBe(true);
  expect(most).toBeLessThan(400);
});

test('a stream that fails, before a row, at one, or at its end, fails the run', async () => {
  const failsAt = (where: number): Writable => {
    let row = 0;
    return new Writable({
      objectMode: true,
      write(_row, _encoding, callback) {
        callback(row++ === where ? new Error('disk full') : null);
      },
      final(callback) {
        callback(where === Infinity ? new Error('disk full') : null);
      },
    });
  };
  for (const where of [0, 7, Infinity]) {
    const run = flow(20)
      .to(writableSink(failsAt(where)), { name: 'to' })
      .start();
    const error = (await thrownBy(run.done)) as TaskError;
    expect(error).toMatchObject({ operator: 'to', cause: new Error('disk full') });
    expect(run.snapshot().blockBytes.live).toBe(0);
  }
});

test('a stream that is closed by somebody else, or has ended, fails the run', async () => {
  const { stream } = collector();
  const run = flow(1000).to(writableSink(stream), { name: 'to' }).start();
  stream.once('drain', () => stream.destroy());
  expect(await thrownBy(run.done)).toMatchObject({ operator: 'to' });

  const ended = collector().stream.end();
  await finished(ended);
  const second = flow(1).to(writableSink(ended), { name: 'to' }).start();
  const error = (await thrownBy(second.done)) as TaskError;
  expect(error.message).toContain('the stream was closed or ended');
});

test('a run that fails or is cancelled destroys the stream with the reason', async () => {
  const reason = new Error('enough');
  const { stream } = collector(() => new Promise(() => undefined));
  const closed = vi.fn();
  stream.on('close', closed);
  const run = flow(100).to(writableSink(stream)).start();
  await new Promise((resolve) => setImmediate(resolve));
  await run.cancel(reason);
  expect(closed).toHaveBeenCalledTimes(1);
  expect(stream.errored).toBe(reason);
});

test('a stream that is to stay open does', async () => {
  const { stream, rows } = collector();
  for (let round = 0; round < 2; round++) {
    const sink = writableSink(stream, { end: false });
    expect(
      (
        await flow(3)
          .to(sink)
          .start({ budget: { cpu: 1 } }).done
      ).status,
    ).toBe('done');
  }
  expect(rows).toEqual([0, 1, 2, 0, 1, 2]);
  await flow(100)
    .to(writableSink(stream, { end: false }))
    .start()
    .cancel();
  expect(stream.writable).toBe(true);
  expect(stream.listenerCount('error')).toBe(0);
});

test('what is no stream is refused', () => {
  expect(() => writableSink({} as never)).toThrow(OptionError);
});
