import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeEach, expect, test } from 'vitest';
import { pipeline, type Flow } from '../../src/index.ts';
import { jsonlSink, readJsonl } from '../../src/node/index.ts';
import { temporaryFolder } from './folder.ts';

const root = temporaryFolder();
let folder = '';
let target = '';
let number = 0;

beforeEach(() => {
  folder = join(root, String(++number));
  target = join(folder, 'rows.jsonl');
});

function numbers(count: number): Flow<{ readonly n: number }> {
  const rows = Array.from({ length: count }, (_, n) => ({ n }));
  return pipeline('numbers')
    .from(rows, { rowsPerBlock: 100 })
    .map((row) => row);
}

/** A signal that nobody aborts. */
const { signal } = new AbortController();

test('writes a line for each row, in directories it makes, and leaves nothing else', async () => {
  const report = await numbers(1000).to(jsonlSink(target)).start().done;
  expect(report.status).toBe('done');
  expect(readdirSync(folder)).toEqual(['rows.jsonl']);
  const lines = readFileSync(target, 'utf8').split('\n');
  expect(lines).toHaveLength(1001);
  expect(lines.slice(0, 2)).toEqual(['{"n":0}', '{"n":1}']);
  expect(lines.at(-1)).toBe('');
});

test('what it writes can be read back', async () => {
  const rows = [{ text: 'a\nb\u2028"é"' }, [1, null], 'x', 3, true, null];
  await pipeline('mixed')
    .from(rows)
    .map((row) => row)
    .to(jsonlSink(pathToFileURL(target)))
    .start().done;
  const back: unknown[] = [];
  for await (const row of readJsonl(target)) back.push(row);
  expect(back).toEqual(rows);
});

test('a run without rows leaves an empty file', async () => {
  await numbers(0).to(jsonlSink(target)).start().done;
  expect(readFileSync(target, 'utf8')).toBe('');
});

test('until the run is done, the target is what it was before', async () => {
  mkdirSync(folder);
  writeFileSync(target, 'old\n');
  const seen: string[] = [];
  const flow = numbers(300).map((row) => {
    seen.push(readFileSync(target, 'utf8'));
    return row;
  });
  await flow.to(jsonlSink(target)).start().done;
  expect(new Set(seen)).toEqual(new Set(['old\n']));
  expect(readFileSync(target, 'utf8')).toContain('{"n":299}');
});

test('a run that fails leaves the target as it was, and no temporary file', async () => {
  mkdirSync(folder);
  writeFileSync(target, 'old\n');
  const flow = numbers(1000).map((row) => {
    if (row.n === 900) throw new Error('broken row');
    return row;
  });
  await expect(flow.to(jsonlSink(target)).start().done).rejects.toThrow('broken row');
  expect(readdirSync(folder)).toEqual(['rows.jsonl']);
  expect(readFileSync(target, 'utf8')).toBe('old\n');
});

test('a run that is cancelled leaves nothing', async () => {
  const controller = new AbortController();
  let begun = false;
  const flow = numbers(1000).map(async (row, context) => {
    if (row.n !== 900) return row;
    begun = readdirSync(folder).some((file) => file.endsWith('.partial'));
    const cancelled = once(context.signal, 'abort');
    controller.abort('enough');
    await cancelled;
    return row;
  });
  const run = flow.to(jsonlSink(target)).start({ signal: controller.signal });
  expect((await run.done).status).toBe('cancelled');
  expect(begun).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
});

test('F54: a row that JSON cannot say fails the run', async () => {
  const run = pipeline('odd')
    .from([1, undefined])
    .map((row) => row)
    .to(jsonlSink(target))
    .start();
  await expect(run.done).rejects.toThrow('a row is undefined, which JSON cannot say');
  expect(readdirSync(folder)).toEqual([]);
});

test('a target that is a directory is refused before anything is read', async () => {
  mkdirSync(target, { recursive: true });
  let read = 0;
  const flow = pipeline('refused')
    .from(function* () {
      yield ++read;
    })
    .map((row) => row);
  await expect(flow.to(jsonlSink(target)).start().done).rejects.toThrow('it is a directory');
  expect(read).toBe(0);
});

test('a folder that cannot be made is told', async () => {
  writeFileSync(folder, 'a file');
  await expect(numbers(1).to(jsonlSink(target)).start().done).rejects.toThrow(/ENOTDIR|EEXIST/);
});

test('a target that cannot be replaced in the end fails the run, and leaves no temporary file', async () => {
  const sink = jsonlSink(target);
  await sink.open?.(signal);
  // Somebody else has made a directory of it meanwhile.
  mkdirSync(join(target, 'child'), { recursive: true });
  await expect(sink.close?.()).rejects.toThrow();
  expect(readdirSync(folder)).toEqual(['rows.jsonl']);
});

test('the same flow can be run again when its run is over', async () => {
  const flow = numbers(10).to(jsonlSink(target));
  await flow.start().done;
  await flow.start().done;
  expect(readFileSync(target, 'utf8').split('\n')).toHaveLength(11);
});

test('a second run at the same time is refused, and does the first one no harm', async () => {
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const flow = numbers(500)
    .map(async (row) => {
      await gate;
      return row;
    })
    .to(jsonlSink(target));
  const first = flow.start();
  await expect(flow.start().done).rejects.toThrow(/is being written by another run/);
  open();
  expect((await first.done).status).toBe('done');
  expect(readdirSync(folder)).toEqual(['rows.jsonl']);
  expect(readFileSync(target, 'utf8').split('\n')).toHaveLength(501);
});

test('a run that ends while the file is being opened leaves no temporary file', async () => {
  const controller = new AbortController();
  const sink = jsonlSink(target);
  const opening = sink.open?.(controller.signal);
  controller.abort(new Error('cancelled early'));
  await sink.abort?.('cancelled early');
  await expect(opening).rejects.toThrow('cancelled early');
  expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
});
