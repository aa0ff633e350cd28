/** Web Streams and observables on both sides of a run, with backpressure, errors and cancelling. */
import { firstValueFrom, take, toArray } from 'rxjs';
import { expect, test, vi } from 'vitest';
import { pipeline, TaskError } from '../../src/index.ts';
import { simEnv } from '../../src/testing.ts';

const numbers = (count: number) =>
  pipeline('streams').from(
    Array.from({ length: count }, (_, index) => index),
    { rowsPerBlock: 1 },
  );

async function readAll<T>(stream: ReadableStream<T>): Promise<T[]> {
  const rows: T[] = [];
  for await (const row of stream) rows.push(row);
  return rows;
}

test('a run is read as a stream', async () => {
  const env = simEnv();
  const run = numbers(5)
    .map((row) => row * 2, { preserveOrder: true })
    .start({ env });
  expect(await env.drive(readAll(run.toReadableStream()))).toEqual([0, 2, 4, 6, 8]);
});

test('a stream nobody reads holds its run back', async () => {
  const env = simEnv();
  let read = 0;
  const run = numbers(10_000)
    .map((row) => (read++, row), { maxConcurrency: 1 })
    .start({ env });
  run.toReadableStream();
  await env.advance(1000);
  expect(read).toBeLessThan(600);
  await env.drive(run.cancel());
});

test('cancelling the stream cancels the run, with its reason', async () => {
  const env = simEnv();
  const run = numbers(1000)
    .map((row) => row)
    .start({ env });
  const reader = run.toReadableStream().getReader();
  await env.drive(reader.read());
  await env.drive(reader.cancel('seen enough'));
  expect(await run.done).toMatchObject({ status: 'cancelled', reason: 'seen enough' });
});

test('a run that fails errs the stream', async () => {
  const env = simEnv();
  const run = numbers(3)
    .map(() => {
      throw new Error('boom');
    })
    .start({ env });
  await expect(env.drive(readAll(run.toReadableStream()))).rejects.toThrow(TaskError);
});

test('rows are written to a stream as fast as it takes them', async () => {
  const env = simEnv();
  const written: number[] = [];
  const closed = vi.fn();
  const stream = new WritableStream<number>(
    {
      async write(row) {
        await env.sleep(5);
        written.push(row);
      },
      close: closed,
    },
    { highWaterMark: 2 },
  );
  const run = numbers(5).to(stream).start({ env });
  expect((await env.drive(run.done)).status).toBe('done');
  expect(written).toEqual([0, 1, 2, 3, 4]);
  expect(closed).toHaveBeenCalledOnce();
});

test('a stream that fails fails the run; a run that fails aborts the stream', async () => {
  const env = simEnv();
  const bad = new WritableStream<number>({
    write(row) {
      if (row === 2) throw new Error('disk full');
    },
  });
  await expect(env.drive(numbers(9).to(bad).start({ env }).done)).rejects.toThrow(/disk full/);

  const aborted = vi.fn();
  const run = numbers(9)
    .map((row) => {
      if (row === 3) throw new Error('boom');
      return row;
    })
    .to(new WritableStream<number>({ abort: aborted }))
    .start({ env });
  await expect(env.drive(run.done)).rejects.toThrow(/boom/);
  expect(aborted).toHaveBeenCalledOnce();
});

test('observables: rows come, unsubscribing cancels, errors arrive', async () => {
  const env = simEnv();
  const rows = numbers(4).map((row) => row, { preserveOrder: true });
  expect(
    await env.drive(firstValueFrom(rows.start({ env }).toObservable().pipe(toArray()))),
  ).toEqual([0, 1, 2, 3]);
  const run = numbers(1000)
    .map((row) => row)
    .start({ env });
  const some = await env.drive(firstValueFrom(run.toObservable().pipe(take(3), toArray())));
  expect(some).toHaveLength(3);
  expect((await env.drive(run.done)).status).toBe('cancelled');
  const failing = numbers(1)
    .map(() => {
      throw new Error('boom');
    })
    .start({ env });
  await expect(env.drive(firstValueFrom(failing.toObservable()))).rejects.toThrow(/boom/);
});

test('a pipeline is a transform between two streams', async () => {
  const env = simEnv();
  const double = pipeline('double')
    .fed<number>()
    .map((row) => row * 2, { preserveOrder: true });
  const source = numbers(6)
    .map((row) => row, { preserveOrder: true })
    .start({ env });
  const out = source.toReadableStream().pipeThrough(double.toTransformStream({ env }));
  expect(await env.drive(readAll(out))).toEqual([0, 2, 4, 6, 8, 10]);
});

test('a transform passes on errors and cancels both ways', async () => {
  const env = simEnv();
  const same = pipeline('same')
    .fed<number>()
    .map((row) => row);

  const aborted = same.toTransformStream({ env });
  const reason = new Error('upstream broke');
  const reading = readAll(aborted.readable);
  await env.drive(aborted.writable.abort(reason));
  await expect(env.drive(reading)).rejects.toBe(reason);

  for (const begun of [false, true]) {
    const cancelled = same.toTransformStream({ env });
    const closed = cancelled.writable.getWriter().closed.catch((error: unknown) => error);
    if (begun) await env.advance(10);
    await env.drive(cancelled.readable.cancel('enough'));
    expect(await env.drive(closed)).toBe('enough');
  }

  const broken = pipeline('broken')
    .fed<number>()
    .map(() => {
      throw new Error('boom');
    })
    .toTransformStream({ env });
  const writer = broken.writable.getWriter();
  const closed = writer.closed.catch((error: unknown) => error);
  writer.write(1).catch(() => undefined);
  await expect(env.drive(readAll(broken.readable))).rejects.toThrow(/boom/);
  expect(await env.drive(closed)).toEqual(new Error('boom'));
});

test('a flow that is fed can be started with any rows, and must be', async () => {
  const env = simEnv();
  const double = pipeline('double')
    .fed<number>()
    .map((row) => row * 2);
  expect(await env.drive(double.start({ env, input: [1, 2] }).collect())).toEqual([2, 4]);
  expect(await env.drive(double.start({ env, input: () => [3] }).collect())).toEqual([6]);
  // @ts-expect-error the input is missing
  expect(() => double.start({ env })).toThrow(/fed from outside/);
});

test('stop reads no more and finishes what was read', async () => {
  const env = simEnv();
  let read = 0;
  const seen: number[] = [];
  const run = pipeline('endless')
    .from(
      async function* () {
        for (;;) {
          await env.sleep(10);
          yield read++;
        }
      },
      { rowsPerBlock: 4 },
    )
    .map(async (row) => {
      await env.sleep(25);
      return row;
    })
    .to((rows) => {
      seen.push(...rows);
    })
    .start({ env, budget: { cpu: 8 } });
  await env.advance(205);
  await env.drive(run.stop());
  const report = await run.done;
  expect(report).toMatchObject({ status: 'done', stopped: true });
  expect(seen.sort((a, b) => a - b)).toEqual(Array.from({ length: read }, (_, index) => index));
  expect(read).toBeGreaterThan(15);
});

test('stop ends a source that waits for something that never comes', async () => {
  const env = simEnv();
  const returned = vi.fn();
  const idle: AsyncIterable<number> = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => undefined),
      return: () => {
        returned();
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  const run = pipeline('idle')
    .from(idle)
    .map((row) => row)
    .start({ env });
  const rows = run.collect();
  await env.advance(100);
  await env.drive(run.stop());
  expect(await rows).toEqual([]);
  expect(returned).toHaveBeenCalledOnce();
});

test('stop before the sources are open reads nothing', async () => {
  const env = simEnv();
  const run = numbers(100)
    .map((row) => row)
    .start({ env });
  const rows = run.collect();
  await env.drive(run.stop());
  expect(await rows).toEqual([]);
});
