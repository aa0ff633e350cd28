/** What disks and memory do to a run, on real files: rows F49-F51 of the table of faults. */
import { execFile, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { StoreError, TaskError } from '../../src/index.ts';
import { spillingStore } from '../../src/node/index.ts';
import type { Disk } from '../../src/node/spill/disk.ts';
import { spillDirectory } from '../../src/node/spill/spill-directory.ts';
import { spillTo } from '../../src/node/spill/spilling-store.ts';
import { BLOCKS, filesIn, folder, right, spillingRun } from './spilling.ts';

const all = Array.from({ length: BLOCKS }, (_, block) => right(block));
let parent: string;

beforeEach(() => {
  parent = folder();
});
afterEach(() => {
  rmSync(parent, { recursive: true, force: true });
});

describe.each(['columns', 'rows'] as const)('blocks of %s', (kind) => {
  test('that are spilled come back as they were, and nothing is left on disk', async () => {
    const { run, spilled, goOn } = spillingRun(spillingStore({ directory: parent }), { kind });
    const rows = run.collect();
    await spilled;
    expect(filesIn(parent).length).toBeGreaterThan(0);
    const { blockBytes, spill } = run.snapshot();
    expect(blockBytes.peak).toBeLessThanOrEqual(blockBytes.limit + 17_000);
    expect(spill.bytes).toBeGreaterThan(0);
    goOn();
    expect(await rows).toEqual(all);
    const report = await run.done;
    expect(report.spill).toMatchObject({ failed: 0, lastError: undefined });
    expect(report.spill.restored).toBeGreaterThan(0);
    expect(run.snapshot().spill).toMatchObject({ blocks: 0, bytes: 0, diskBytes: 0 });
    expect(run.snapshot().blockBytes.live).toBe(0);
    expect(readdirSync(parent)).toEqual([]);
  });

  const damages: readonly [string, (files: readonly string[]) => void, RegExp][] = [
    [
      'truncated',
      ([file = '']) => {
        truncateSync(file, 5000);
      },
      /has 4960 bytes, and \d+ were written/,
    ],
    [
      'emptied',
      ([file = '']) => {
        truncateSync(file, 0);
      },
      /no file of a block/,
    ],
    [
      'longer',
      ([file = '']) => {
        writeFileSync(file, 'x', { flag: 'a' });
      },
      /bytes, and \d+ were written/,
    ],
    [
      'bit-flipped',
      ([file = '']) => {
        flip(file, 10_000);
      },
      /its checksum is wrong/,
    ],
    [
      'bit-flipped in the header',
      ([file = '']) => {
        flip(file, 17);
      },
      /its header is damaged/,
    ],
    [
      'deleted',
      ([file = '']) => {
        unlinkSync(file);
      },
      /could not be read from disk: ENOENT/,
    ],
    [
      'swapped with another',
      ([one = '', other = '']) => {
        swap(one, other);
      },
      /it is that of block \d+/,
    ],
    [
      'replaced by another',
      ([one = '', other = '']) => {
        copyFileSync(other, one);
      },
      /it is that of block \d+/,
    ],
  ];

  test.each(damages)(
    'F50: a spilled file that is %s fails the run with a StoreError',
    async (_name, damage, message) => {
      const { run, spilled, goOn } = spillingRun(spillingStore({ directory: parent }), { kind });
      const rows = run.collect().catch((error: unknown) => error);
      await spilled;
      damage(filesIn(parent));
      goOn();
      const error = await rows;
      expect(error).toBeInstanceOf(TaskError);
      const { cause } = error as TaskError;
      expect(cause).toBeInstanceOf(StoreError);
      expect((cause as StoreError).message).toMatch(message);
      expect(readdirSync(parent)).toEqual([]);
    },
  );

  test.each(damages)(
    'F50: a spilled file that is %s costs nothing when its block can be made again',
    async (_name, damage, message) => {
      const store = spillingStore({ directory: parent });
      const { run, spilled, goOn } = spillingRun(store, { kind, make: { retries: 1 } });
      const rows = run.collect();
      await spilled;
      damage(filesIn(parent));
      goOn();
      expect(await rows).toEqual(all);
      const { spill, operators } = await run.done;
      expect(spill.remade).toBeGreaterThan(0);
      expect(spill).toMatchObject({
        failed: spill.remade,
        lastError: expect.stringMatching(message) as string,
      });
      expect(operators['check']).toMatchObject({ retried: 0, droppedCount: 0 });
      expect(operators['make']).toMatchObject({ tasks: 1, blocksOut: BLOCKS });
      expect(readdirSync(parent)).toEqual([]);
    },
  );

  test('F50: all files damaged at once cost nothing when their blocks can be made again', async () => {
    const store = spillingStore({ directory: parent });
    const { run, spilled, goOn } = spillingRun(store, { kind, make: { retries: 1 } });
    const rows = run.collect();
    await spilled;
    const files = filesIn(parent);
    for (const file of files) truncateSync(file, 100);
    goOn();
    expect(await rows).toEqual(all);
    expect((await run.done).spill.remade).toBeGreaterThanOrEqual(files.length - 2);
    expect(run.snapshot().blockBytes.live).toBe(0);
  });

  test('F50: of all files damaged at once, not one becomes a wrong row', async () => {
    const store = spillingStore({ directory: parent });
    const { run, spilled, goOn } = spillingRun(store, { kind, onError: 'skip' });
    const rows = run.collect();
    await spilled;
    const files = filesIn(parent);
    files.forEach((file, index) => {
      if (index % 2 === 0) flip(file, 10_000 + index);
      else truncateSync(file, 100 * index);
    });
    goOn();
    const left = await rows;
    const { droppedCount = 0, dropped = [] } = (await run.done).operators['check'] ?? {};
    expect(droppedCount).toBeGreaterThanOrEqual(files.length - 2);
    expect(dropped.every(({ cause }) => cause instanceof StoreError)).toBe(true);
    expect(left.length + droppedCount).toBe(BLOCKS);
    expect(left.every((row) => all.includes(row))).toBe(true);
    expect(run.snapshot().blockBytes.live).toBe(0);
  });
});

test('F50: a file that can be read at the second attempt costs an attempt, and not the run', async () => {
  const directory = spillDirectory(parent);
  let failures = 0;
  const flaky: Disk = {
    ...directory,
    read: (name) => (failures++ === 0 ? Promise.reject(errno('EIO')) : directory.read(name)),
  };
  const { run, spilled, goOn } = spillingRun(
    { open: () => spillTo(flaky) },
    { retries: { count: 1, backoff: 0 } },
  );
  const rows = run.collect();
  await spilled;
  goOn();
  expect(await rows).toEqual(all);
  const report = await run.done;
  expect(report.operators['check']?.retried).toBe(1);
  expect(report.spill).toMatchObject({
    failed: 1,
    lastError: expect.stringContaining('EIO') as string,
  });
});

describe('a disk that cannot be written to', () => {
  /** All blocks are taken at once: with the budget used up and nowhere to spill to, producers wait. */
  async function survives(open: () => ReturnType<typeof spillTo>, message: string): Promise<void> {
    const { run, goOn } = spillingRun({ open });
    goOn();
    expect(await run.collect()).toEqual(all);
    const { blockBytes } = run.snapshot();
    expect(blockBytes.peak).toBeLessThanOrEqual(blockBytes.limit + 17_000);
    const { failed, lastError } = (await run.done).spill;
    if (failed > 0) expect(lastError).toContain(message);
    expect(readdirSync(parent).filter((name) => name.startsWith('sluice-spill'))).toEqual([]);
  }

  test.each(['ENOSPC', 'EMFILE', 'EROFS', 'EXDEV', 'EIO'])(
    'F49, F51: %s keeps blocks in memory, within the budget, and is told',
    async (code) => {
      const directory = spillDirectory(parent);
      const disk: Disk = { ...directory, write: () => Promise.reject(errno(code)) };
      const { run, goOn } = spillingRun({ open: () => spillTo(disk, { highWater: 0 }) });
      goOn();
      expect(await run.collect()).toEqual(all);
      const { spill } = await run.done;
      expect(spill).toMatchObject({
        written: 0,
        lastError: expect.stringContaining(code) as string,
      });
      expect(spill.failed).toBeGreaterThan(0);
      const { blockBytes } = run.snapshot();
      expect(blockBytes.peak).toBeLessThanOrEqual(blockBytes.limit + 17_000);
    },
  );

  test('F51: a folder that cannot be made is told', async () => {
    const file = join(parent, 'file');
    writeFileSync(file, 'in the way');
    await survives(() => spillTo(spillDirectory(file), { highWater: 0 }), 'EEXIST');
  });

  test('F51: a folder that is removed under way costs no row that is in memory', async () => {
    const { run, spilled, goOn } = spillingRun(spillingStore({ directory: parent }), {
      onError: 'skip',
    });
    const rows = run.collect();
    await spilled;
    const [file = ''] = filesIn(parent);
    rmSync(dirname(file), { recursive: true });
    goOn();
    const left = await rows;
    const { droppedCount = 0 } = (await run.done).operators['check'] ?? {};
    expect(left.length + droppedCount).toBe(BLOCKS);
    expect(left.every((row) => all.includes(row))).toBe(true);
  });

  test('F49: nothing is left of a file that could not be written to its end', async () => {
    const disk = spillDirectory(parent);
    const tooLarge = { byteLength: 1 } as Uint8Array;
    await expect(disk.write('1.block', [new Uint8Array(1000), tooLarge])).rejects.toThrow();
    expect(filesIn(parent)).toEqual([]);
    await disk.write('1.block', [new Uint8Array(1000)]);
    expect(filesIn(parent).length).toBe(1);
    await disk.close();
  });

  const canMount =
    spawnSync('unshare', ['-rm', 'sh', '-c', `mount -t tmpfs tmpfs "${tmpdir()}"`]).status === 0;

  test('F49: a real disk that is full: what fits is spilled, the rest waits, all rows are right', async ({
    skip,
  }) => {
    skip(
      !canMount,
      'takes a disk of its own: unshare (util-linux), and the right to mount a tmpfs',
    );
    const small = join(parent, 'small');
    mkdirSync(small);
    const child = join(import.meta.dirname, 'full-disk.ts');
    const script = `mount -t tmpfs -o size=300k tmpfs "${small}" && exec node --import tsx "${child}" "${small}"`;
    const { stdout } = await promisify(execFile)('unshare', ['-rm', 'sh', '-c', script]);
    const { rows, spill, left } = JSON.parse(stdout) as {
      rows: number[];
      spill: { written: number; failed: number; lastError: string };
      left: string[];
    };
    expect(rows).toEqual(all);
    expect(spill.written).toBeGreaterThan(0);
    expect(spill.failed).toBeGreaterThan(0);
    expect(spill.lastError).toContain('ENOSPC');
    expect(left).toEqual([]);
  });
});

describe('temporary files', () => {
  test('F42: are gone when the run is cancelled while blocks are on disk', async () => {
    const { run, spilled } = spillingRun(spillingStore({ directory: parent }));
    const rows = run.collect().catch(() => undefined);
    await spilled;
    expect(filesIn(parent).length).toBeGreaterThan(0);
    await run.cancel('enough');
    await rows;
    expect(readdirSync(parent)).toEqual([]);
  });

  test('F42: are gone when the run is cancelled in the middle of writing and reading', async () => {
    const directory = spillDirectory(parent);
    let reads = 0;
    const disk: Disk = {
      ...directory,
      async read(name) {
        if (reads++ === 1) void run.cancel('in the middle');
        return directory.read(name);
      },
    };
    const { run, spilled, goOn } = spillingRun({ open: () => spillTo(disk) });
    const rows = run.collect().catch((error: unknown) => error);
    await spilled;
    goOn();
    await rows;
    expect((await run.done).status).toBe('cancelled');
    expect(readdirSync(parent)).toEqual([]);
  });

  test('F28: of a process that was killed are swept by the next run, those of a living one stay', async () => {
    const machine = hostname().replace(/[^\w.]/g, '_');
    const { pid: dead } = spawnSync(process.execPath, ['--eval', '']);
    const stale = join(parent, `sluice-spill-${machine}-${String(dead)}-abc`);
    const living = join(parent, `sluice-spill-${machine}-${String(process.ppid)}-abc`);
    const elsewhere = join(parent, `sluice-spill-elsewhere-${String(dead)}-abc`);
    for (const path of [stale, living, elsewhere]) mkdirSync(path);
    writeFileSync(join(stale, '1.block'), 'old');
    const { run, goOn } = spillingRun(spillingStore({ directory: parent }));
    goOn();
    await run.drain();
    expect([stale, living, elsewhere].map((path) => existsSync(path))).toEqual([false, true, true]);
  });

  test('F27: go with the process, even if it ends in the middle of a run', async () => {
    const child = join(import.meta.dirname, 'exits-midway.ts');
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      child,
      parent,
    ]);
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(readdirSync(parent)).toEqual([]);
  });

  test('F32: of two runs at once are apart, and no listener stays on the process', async () => {
    const listeners = process.listenerCount('exit');
    const store = spillingStore({ directory: parent });
    const runs = [spillingRun(store), spillingRun(store, { kind: 'rows' })];
    const rows = Promise.all(runs.map(({ run }) => run.collect()));
    await Promise.all(runs.map(({ spilled }) => spilled));
    expect(readdirSync(parent).length).toBe(2);
    expect(process.listenerCount('exit')).toBe(listeners + 1);
    for (const { goOn } of runs) goOn();
    expect(await rows).toEqual([all, all]);
    expect(process.listenerCount('exit')).toBe(listeners);
  });
});

test('F38: a budget that is lowered is where spilling begins from then on', async () => {
  const { run, spilled, goOn } = spillingRun(spillingStore({ directory: parent }), {
    budget: { cpu: 1, blockBytes: 100_000_000 },
  });
  const rows = run.collect();
  await spilled;
  expect(run.snapshot().spill.written).toBe(0);
  run.setBudget({ cpu: 1, blockBytes: 200_000 });
  await vi.waitFor(() => {
    expect(run.snapshot().blockBytes.live).toBeLessThanOrEqual(100_000 + 17_000);
  });
  goOn();
  expect(await rows).toEqual(all);
});

test('maxBytes bounds the files, and what does not fit waits in memory', async () => {
  const store = spillingStore({ directory: parent, maxBytes: 50_000, highWater: 0 });
  const { run, goOn } = spillingRun(store);
  goOn();
  expect(await run.collect()).toEqual(all);
  expect((await run.done).spill.failed).toBe(0);
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function swap(one: string, other: string): void {
  renameSync(one, `${one}.tmp`);
  renameSync(other, one);
  renameSync(`${one}.tmp`, other);
}

function errno(code: string): Error {
  return Object.assign(new Error(`${code}: simulated`), { code });
}
