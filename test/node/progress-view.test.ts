import { noSpill } from '../../machines/hands.protocol.ts';
import { expect, test } from 'vitest';
import type { OperatorSnapshot, RunReport, RunSnapshot } from '../../src/index.ts';
import { progressLines, statusText } from '../../src/node/progress-view.ts';
import { outcomeLine, summaryLines } from '../../src/node/run-summary.ts';
import { paint, type Line } from '../../src/node/terminal-text.ts';

function operator(given: Partial<OperatorSnapshot>): OperatorSnapshot {
  const nothing = { in: 0, active: 0, out: 0, done: 0, rowsIn: 0, rowsOut: 0, bytes: 0 };
  return { state: 'idle', kind: 'transform', ...nothing, ...given };
}

function snapshot(operators: Record<string, OperatorSnapshot>, state = 'running'): RunSnapshot {
  return {
    name: 'demo',
    state,
    operators,
    resources: { cpu: { total: 2, used: 1.5 } },
    blockBytes: { limit: 256 * 1024 ** 2, live: 1536, peak: 4096 },
    spill: { ...noSpill, blocks: 0, bytes: 0, diskBytes: 0 },
  };
}

function textOf(lines: readonly Line[]): readonly string[] {
  return lines.map((line) => paint(line, Infinity, false));
}

const before = {
  at: 1000,
  snapshot: snapshot({
    read: operator({ kind: 'source', state: 'running', rowsOut: 1000 }),
    slow: operator({ state: 'running', rowsOut: 50 }),
    write: operator({ kind: 'sink' }),
  }),
};
const now = {
  at: 3000,
  snapshot: snapshot({
    read: operator({
      kind: 'source',
      state: 'backpressured',
      active: 1,
      rowsOut: 4000,
      denial: { limit: 'queue', asked: 1, free: 0, since: 500 },
    }),
    slow: operator({
      state: 'running',
      in: 8,
      active: 2,
      done: 1234,
      rowsOut: 150,
      denial: { limit: 'maxConcurrency', asked: 1, free: 0, since: 2500 },
    }),
    write: operator({ kind: 'sink', in: 1, done: 7 }),
  }),
};

test('the live view tells of the run, and of each operator what it does and what blocks it', () => {
  expect(textOf(progressLines(now, before, 12_345))).toEqual([
    '● demo running  12.3 s · 4,000 rows read, 1,500 rows/s',
    '  cpu 1.5 of 2 · blocks 1.5 KiB of 256 MiB',
    '',
    '   operator  state           in  active  out   done   rows/s  blocked by',
    '◐  read      backpressured    0       1    0      0    1,500  queue, 2 s',
    '●  slow      running          8       2    0  1,234       50  maxConcurrency',
    '○  write     idle             1       0    0      7',
  ]);
});

test.for([
  [999, 'gpu'],
  [1000, 'gpu, 1 s'],
  [59_999, 'gpu, 59 s'],
  [150_000, 'gpu, 2 min 30 s'],
] as const)('a limit that has held for %i ms is told as: %s', ([at, told]) => {
  const denial = { limit: 'gpu', asked: 1, free: 0, since: 0 };
  const waiting = operator({ state: 'backpressured', denial });
  const seen = { at, snapshot: snapshot({ waiting }) };
  const line = textOf(progressLines(seen, seen, at)).at(-1) ?? '';
  expect(line.slice(line.indexOf('gpu'))).toBe(told);
});

test('an operator that is over is not blocked by anything any more', () => {
  const denial = { limit: 'cpu', asked: 1, free: 0, since: 0 };
  const seen = { at: 5000, snapshot: snapshot({ over: operator({ state: 'completed', denial }) }) };
  expect(textOf(progressLines(seen, seen, 5000)).at(-1)).toMatch(/^✔ {2}over.* 0$/);
});

test('rates are 0 as long as no time has passed', () => {
  expect(textOf(progressLines(now, now, 0))[0]).toContain('4,000 rows read, 0 rows/s');
});

test('a state without a glyph of its own is still told', () => {
  const seen = { at: 0, snapshot: snapshot({ a: operator({ state: 'pondering' }) }, 'pondering') };
  expect(textOf(progressLines(seen, seen, 0))[0]).toMatch(/^· demo pondering/);
  expect(textOf(progressLines(seen, seen, 0)).at(-1)).toMatch(/^· {2}a +pondering/);
});

test('a log gets all of it in one line', () => {
  expect(statusText(now, before, 5000)).toBe(
    'demo running 5.0 s: slow[in=8 act=2 out=0 done=1234] | write[in=1 act=0 out=0 done=7]; 4,000 rows read, 1,500 rows/s',
  );
});

const counts = {
  tasks: 2,
  retried: 0,
  failed: 0,
  cancelled: 0,
  droppedCount: 0,
  dropped: [],
  blocksIn: 2,
  rowsIn: 1000,
  bytesIn: 0,
  blocksOut: 2,
  rowsOut: 900,
  bytesOut: 0,
  rowsDropped: 0,
  busyMs: 35,
  shares: { starved: 19.7, running: 80, cpu: 0.3 },
};
const report: RunReport = {
  name: 'demo',
  status: 'done',
  stopped: false,
  durationMs: 4200,
  cycles: 10,
  operators: {
    read: { ...counts, rowsIn: 2, rowsOut: 1000 },
    slow: { ...counts, retried: 3, droppedCount: 1, rowsDropped: 2 },
    write: { ...counts, rowsIn: 900, rowsOut: 0, tasks: 1200 },
  },
  failure: undefined,
  spill: noSpill,
  reason: undefined,
};
const last = snapshot({
  read: operator({ kind: 'source', state: 'completed' }),
  slow: operator({ state: 'completed' }),
  write: operator({ kind: 'sink', state: 'completed' }),
});

test('the summary tells what came in and out, and where the time went', () => {
  expect(textOf(summaryLines(report, last))).toEqual([
    '✔ demo done in 4.2 s: 1,000 rows read, 900 rows written, 1 block given up, 2 rows given up, at most 4 KiB of blocks',
    '',
    '   operator  tasks  rows in  rows out   busy  where its time went',
    '✔  read          2              1,000  35 ms  running 80 %, starved 20 %',
    '✔  slow          2    1,000       900  35 ms  running 80 %, starved 20 %; 3 attempts repeated; 1 block given up; 2 rows given up',
    '✔  write     1,200      900            35 ms  running 80 %, starved 20 %',
  ]);
});

test('a run that was stopped says so', () => {
  const text = textOf([outcomeLine({ ...report, stopped: true }, last)])[0];
  expect(text).toMatch(/^✔ demo stopped in 4\.2 s/);
  const cancelled = textOf([outcomeLine({ ...report, status: 'cancelled' }, last)])[0];
  expect(cancelled).toMatch(/^⊘ demo cancelled in 4\.2 s/);
});

test('rows that a consumer took are counted if it counted them', () => {
  const text = textOf([outcomeLine(report, last, 42)])[0];
  expect(text).toContain('1,000 rows read, 42 rows out, 900 rows written');
});
