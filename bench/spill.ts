/**
 * How fast blocks go to disk and come back, two at a time, beside the same number of bytes written and
 * read as plain files: blocks of 8 MB, 512 MB in all.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rowBlock, type Block } from '../actors/block.ts';
import { columnBlock, rowsToColumns } from '../src/index.ts';
import { spillDirectory } from '../src/node/spill/spill-directory.ts';
import { spillTo } from '../src/node/spill/spilling-store.ts';
import { benchmark, stopwatch, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';

const MB = 1024 * 1024;
const TOTAL = 512 * MB;
const BLOCK = 8 * MB;
const AT_ONCE = 2;

/** Does something with each number below `count`, `AT_ONCE` at a time. */
async function each(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}

async function plainFiles(): Promise<Measurement> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'));
  const bytes = new Uint8Array(BLOCK).fill(7);
  const count = TOTAL / BLOCK;
  const write = await stopwatch(() =>
    each(count, async (index) => {
      const file = await open(join(folder, String(index)), 'wx');
      await file.write(bytes);
      await file.close();
    }),
  );
  const read = await stopwatch(() =>
    each(count, async (index) => {
      const file = await open(join(folder, String(index)), 'r');
      await file.read(new Uint8Array(BLOCK), 0, BLOCK);
      await file.close();
    }),
  );
  await rm(folder, { recursive: true });
  return speeds(TOTAL, write.wallMs, read.wallMs);
}

async function spill(block: Block<unknown>): Promise<Measurement> {
  const store = spillTo(spillDirectory());
  const count = Math.floor(TOTAL / block.sizeBytes);
  const write = await stopwatch(() => each(count, (index) => store.write(index, block, Infinity)));
  const read = await stopwatch(() => each(count, (index) => store.read(index)));
  await store.close();
  return speeds(count * block.sizeBytes, write.wallMs, read.wallMs);
}

function speeds(bytes: number, writeMs: number, readMs: number): Measurement {
  return { write: bytes / MB / (writeMs / 1000), read: bytes / MB / (readMs / 1000) };
}

const orders = (rows: number): { id: number; country: string; total: number }[] =>
  Array.from({ length: rows }, (_, id) => ({
    id,
    country: `country ${String(id % 200)}`,
    total: id / 3,
  }));
const mails = Array.from({ length: 2000 }, (_, id) => ({
  id,
  text: 'x'.repeat(BLOCK / 2000 - 60),
}));

const cases = {
  'plain files': plainFiles,
  'columns: numbers': () => spill(columnBlock({ x: new Float64Array(BLOCK / 8).fill(7) })),
  'columns: small records': () =>
    spill(rowsToColumns(orders(400_000), { country: 'dictionary', id: 'int32' })),
  'rows: records with large texts': () => spill(rowBlock(mails)),
  'rows: small records': () => spill(rowBlock(orders(80_000))),
};

await benchmark(import.meta.url, cases, ({ names, rounds, of }) => {
  const speed =
    (value: string) =>
    (name: string): string =>
      digits(of(name, value).median);
  const ratio =
    (value: string) =>
    (name: string): string =>
      (of(name, value).median / of('plain files', value).median).toFixed(2);
  printTable(
    `Spilling: 512 MB in blocks of about 8 MB, MB/s of block size, median of ${String(rounds)} rounds`,
    [
      { title: 'case', align: 'left', cell: (name) => name },
      { title: 'write, MB/s', cell: speed('write') },
      { title: 'beside files', cell: ratio('write') },
      { title: 'read, MB/s', cell: speed('read') },
      { title: 'beside files', cell: ratio('read') },
    ],
    names,
  );
});
