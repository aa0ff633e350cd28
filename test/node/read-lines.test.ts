import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FormatError, pipeline, TaskError } from '../../src/index.ts';
import { readJsonArray, readJsonl, readLines } from '../../src/node/index.ts';
import { temporaryFolder } from './folder.ts';

const folder = temporaryFolder();
const path = join(folder, 'input');

function write(content: string | Buffer): void {
  writeFileSync(path, content);
}

async function rowsOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

async function failureOf(rows: AsyncIterable<unknown>): Promise<FormatError> {
  const error: unknown = await rowsOf(rows).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(FormatError);
  return error as FormatError;
}

test.for([
  { name: 'nothing', content: '', lines: [] },
  { name: 'one line without an end', content: 'a', lines: ['a'] },
  { name: 'one line', content: 'a\n', lines: ['a'] },
  { name: 'an empty line', content: '\n', lines: [''] },
  { name: 'empty lines between others', content: 'a\n\n\nb', lines: ['a', '', '', 'b'] },
  { name: 'Windows line ends', content: 'a\r\n\r\nb\r\n', lines: ['a', '', 'b'] },
  { name: 'a carriage return within a line', content: 'a\rb\n', lines: ['a\rb'] },
  { name: 'a byte order mark', content: '\ufeffa\n\ufeffb\n', lines: ['a', '\ufeffb'] },
])('reads $name', async ({ content, lines }) => {
  write(content);
  expect(await rowsOf(readLines(path))).toEqual(lines);
});

test('reads any lines, of any length, across the chunks in which they come', async () => {
  const unit = fc.string({ unit: 'binary', maxLength: 20 });
  const line = fc.record({ unit, times: fc.integer({ min: 1, max: 20_000 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), async (specs) => {
      const lines = specs.map(({ unit, times }) =>
        unit.replace(/[\r\n\ufeff]/g, '.').repeat(times),
      );
      write(lines.map((text) => `${text}\n`).join(''));
      const back = await rowsOf(readLines(path));
      // Compared in two steps, so that a failure is no wall of text.
      expect(back.map((text) => text.length)).toEqual(lines.map((text) => text.length));
      expect(back.every((text, index) => text === lines[index])).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('takes a URL, and reads anew each time it is iterated', async () => {
  write('a\nb\n');
  const lines = readLines(pathToFileURL(path));
  expect(await rowsOf(lines)).toEqual(['a', 'b']);
  expect(await rowsOf(lines)).toEqual(['a', 'b']);
});

test('lets go of the file when the pipeline wants no more of it', async () => {
  write('line\n'.repeat(100_000));
  const flow = pipeline('head').from(readLines(path), { rowsPerBlock: 10 }).limit(3);
  expect(await flow.start().collect()).toEqual(['line', 'line', 'line']);
});

test('F52: says which line is not UTF-8, and where it is', async () => {
  write(Buffer.concat([Buffer.from('é\nok\n'), Buffer.from([0x61, 0xff, 0x0a])]));
  const error = await failureOf(readLines(path));
  expect(error).toMatchObject({ code: 'FORMAT', file: path, offset: 6 });
  expect(error.message).toBe(`${path} at byte 6: line 3 is not UTF-8 text`);
});

test('a file that is not there fails the run, and says which one', async () => {
  const run = pipeline('missing')
    .from(readLines(join(folder, 'nowhere')))
    .map((line) => line)
    .start();
  await expect(run.collect()).rejects.toThrow(/ENOENT.*nowhere/);
});

test('reads JSON Lines, empty lines left out', async () => {
  write('{"a":1}\n\n  [2]\r\n"three"\n   \nnull');
  expect(await rowsOf(readJsonl(path))).toEqual([{ a: 1 }, [2], 'three', null]);
});

test('F52: says which line is no JSON, and where it begins', async () => {
  write('{"ü":1}\n{"b":2}\n{"c":\n');
  const error = await failureOf(readJsonl(path));
  expect(error).toMatchObject({ file: path, offset: 17 });
  expect(error.message).toMatch(/at byte 17: line 3: .*JSON/);
  expect(error.cause).toBeInstanceOf(SyntaxError);
});

function toPositive(value: unknown): number {
  if (typeof value === 'number' && value > 0) return value;
  throw new Error(`${JSON.stringify(value)} is not positive`);
}

test('rows can be checked as they are read', async () => {
  write('1\n2\n');
  const rows: number[] = await rowsOf(readJsonl(path, toPositive));
  expect(rows).toEqual([1, 2]);
  write('1\n-2\n');
  const error = await failureOf(readJsonl(path, toPositive));
  expect(error.message).toBe(`${path} at byte 2: line 2: -2 is not positive`);
});

test('in a pipeline, the error of a line is the cause of why the run failed', async () => {
  write('1\n2\nthree\n');
  const run = pipeline('numbers')
    .from(readJsonl<number>(path))
    .map((x) => x)
    .start();
  const error: unknown = await run.collect().catch((error: unknown) => error);
  expect(error).toBeInstanceOf(TaskError);
  expect(error).toMatchObject({ operator: 'source', cause: { file: path, offset: 4 } });
  expect((error as TaskError).message).toContain('line 3');
});

test('reads the elements of a JSON array', async () => {
  write('[1, {"a": [2]}, null]');
  expect(await rowsOf(readJsonArray(path))).toEqual([1, { a: [2] }, null]);
});

test.for([
  { name: 'no JSON', content: '[1, 2', message: /JSON/ },
  { name: 'no array', content: '{"rows": []}', message: /holds no array/ },
  {
    name: 'an element that is refused',
    content: '[1, 0]',
    message: /element 1: 0 is not positive/,
  },
])('says that a file has $name', async ({ content, message }) => {
  write(content);
  const error = await failureOf(readJsonArray(path, toPositive));
  expect(error).toMatchObject({ file: path, offset: undefined });
  expect(error.message).toMatch(message);
});
