/** What must hold when a simulated run is over. The letters are those of docs/reliability.md. */
import {
  RestartLimitError,
  StallError,
  StoreError,
  TaskError,
  type DeadLetterBlock,
  type Run,
  type RunReport,
} from '../../src/index.ts';
import { stageName } from './build.ts';
import type { SimulationCase, StageCase } from './case.ts';
import { oracle } from './functions.ts';
import type { Log } from './log.ts';
import type { Protocol } from './protocol.ts';
import { remainsOf } from './remains.ts';
import { WorkerLostError } from './remote-runner.ts';
import type { SimDisk } from './sim-disk.ts';

/** Longest virtual time a run may take. */
const LONGEST_MS = 600_000;

export type End = { readonly report: RunReport } | { readonly error: unknown };

export interface Judged {
  readonly simulated: SimulationCase;
  readonly run: Run<number>;
  readonly end: End;
  readonly rows: readonly number[];
  readonly log: Log;
  readonly protocol: Protocol;
  readonly letters: readonly DeadLetterBlock[];
  /** Virtual time, in milliseconds. */
  readonly took: number;
  /** Timers and macrotasks that wait although the run is over. */
  readonly pending: number;
  /** Sources that were begun, and neither read to their end nor returned. */
  readonly openSources: number;
  /** The disk blocks were spilled to, if there was one. */
  readonly disk: SimDisk | undefined;
}

/** @throws Error that names the broken invariant. */
export function judge(judged: Judged): void {
  judgeRemains(judged);
  const { end } = judged;
  if ('error' in end) judgeError(judged, end.error);
  else judgeReport(judged, end.report);
}

function fail(invariant: string, what: string): never {
  throw new Error(`${invariant}: ${what}`);
}

function judgeRemains({ simulated, run, log, took, pending, openSources, disk }: Judged): void {
  if (took > LONGEST_MS) fail('L6', `it took ${String(took)} ms of virtual time`);
  if (openSources > 0) fail('L5', `${String(openSources)} sources were left and not returned`);
  const [remains] = remainsOf(run, pending);
  if (remains !== undefined) throw new Error(remains);
  const { spill } = run.snapshot();
  if (disk?.isClosed() === false || (disk?.files() ?? 0) > 0) fail('S13', 'files are left');
  if (spill.blocks + spill.bytes + spill.diskBytes !== 0) fail('S13', 'spilled bytes are booked');
  if (spill.written > 0) log.seen.add('spilled');
  if (spill.restored > 0) log.seen.add('restored');
  if (spill.remade > 0) log.seen.add('made again');
  if (spill.failed > 0 && !mayLose(simulated)) log.seen.add('damaged, and nothing may be lost');
  if (spill.lastError?.includes('cannot be used') === true) log.seen.add('corrupt block found');
  for (const [token, times] of log.tokens) {
    if (times !== 0) fail('S2', `token ${String(token)} was granted and not released once`);
  }
  if (log.ends > 1) fail('S11', 'the run ended more than once');
}

function judgeError({ simulated, log, protocol }: Judged, error: unknown): void {
  if (error instanceof StallError) {
    if (!mayStall(simulated)) fail('L6', `it stalled: ${error.message}`);
    return;
  }
  if (!(error instanceof TaskError)) throw error;
  const { cause, later, operator, attempt } = error;
  if (later !== undefined) log.seen.add('later errors');
  if (cause instanceof StoreError && mayLose(simulated)) return;
  if (!isExpected(cause)) fail('S12', `an error nobody threw: ${String(cause)}`);
  if (protocol.failed.size > 1 + (later?.errors.length ?? 0)) {
    fail('S12', `of ${String(protocol.failed.size)} tasks that failed not all are told`);
  }
  const stage = simulated.stages.find((each, index) => stageName(each, index) === operator);
  if (cause instanceof RestartLimitError) {
    log.seen.add('restart limit');
    const allowed = stage?.restarts?.count ?? 0;
    if (cause.errors.length !== allowed + 1) {
      fail('S12', `${operator} ended after ${String(cause.errors.length)} failed attempts`);
    }
  } else if (attempt !== (stage?.retries ?? 0) + 1) {
    fail('S12', `${operator} was given up after attempt ${String(attempt)}`);
  }
}

function judgeReport({ simulated, rows, log, letters }: Judged, report: RunReport): void {
  if (report.status !== 'done') return;
  const reports = Object.entries(report.operators);
  for (const [name, { droppedCount, rowsDropped }] of reports) {
    const stage = simulated.stages.find((each, index) => stageName(each, index) === name);
    const own = letters.filter(({ operator }) => operator === name);
    const blocks = own.filter(({ row }) => row === undefined).length;
    if (stage?.onError === 'deadLetter' && blocks !== droppedCount) {
      fail('S6', `${name} gave up ${String(droppedCount)} blocks and handed out ${String(blocks)}`);
    }
    if (stage?.onRowError === 'deadLetter' && own.length - blocks !== rowsDropped) {
      fail('S6', `${name} gave up ${String(rowsDropped)} rows and handed out others`);
    }
  }
  if (report.stopped || log.seen.has('consumer left')) return;
  // A consumer that lags behind a run that is done may find a block of it damaged.
  if (log.seen.has('output lost on disk')) return;
  const drops = reports.reduce((sum, [, each]) => sum + each.droppedCount + each.rowsDropped, 0);
  judgeRows(simulated, rows, drops);
}

function judgeRows(simulated: SimulationCase, rows: readonly number[], drops: number): void {
  const expected = oracle(simulated);
  const has = (...kinds: StageCase['kind'][]): boolean =>
    simulated.stages.some(({ kind }) => kinds.includes(kind));
  if (drops === 0 && !has('limit')) {
    const [actual, wanted] = simulated.ordered
      ? [rows, expected]
      : [sorted(rows), sorted(expected)];
    if (JSON.stringify(actual) === JSON.stringify(wanted)) return;
    const invariant = simulated.ordered ? 'S10' : 'S6';
    fail(invariant, `got ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`);
  }
  if (!has('zip', 'limit') && !isContained(rows, expected)) {
    fail('S6', 'rows came that should not exist, or twice');
  }
}

/**
 * A batch, a pair of flows of unequal speed, or a consumer that keeps what it has, may need more bytes
 * or queue than the case allows.
 */
function mayStall({ stages, budget, interference, consumerKeeps }: SimulationCase): boolean {
  const budgets = interference.flatMap((what) => (what.kind === 'budget' ? [what.budget] : []));
  const least = Math.min(...[budget, ...budgets].map(({ blockBytes = Infinity }) => blockBytes));
  const gathers = stages.some(({ kind }) => kind === 'batch' || kind === 'zip');
  const branches = stages.some(({ inputs }) => inputs.length > 1);
  const explicit = stages.some(({ queue }) => queue !== undefined);
  const keeps = gathers || consumerKeeps !== undefined;
  return (keeps && least <= 1000) || (gathers && branches && explicit);
}

/** Whether what was written may not come back, and not be made again. */
export function mayLose({ disk, stages, remote, outageAt }: SimulationCase): boolean {
  if (disk === undefined || disk.torn + disk.flips + disk.flaky === 0) return false;
  // What fails at a moment, rather than on a block, may fail the second time.
  if (!disk.rereadable || remote || outageAt !== undefined) return true;
  return !stages.every(mayRunAgain);
}

function mayRunAgain({ kind, retries, atomic, calls }: StageCase): boolean {
  return (
    ['map', 'filter', 'flatMap', 'chunks'].includes(kind) && retries > 0 && !atomic && calls === 0
  );
}

function isExpected(cause: unknown): boolean {
  if (cause instanceof WorkerLostError) return true;
  const name = (cause as { name?: string }).name ?? '';
  if (name === 'TimeoutError' || name === 'RestartLimitError') return true;
  return ['poison', 'flaky', 'bad row', 'aborted', 'outage'].includes((cause as Error).message);
}

function isContained(rows: readonly number[], all: readonly number[]): boolean {
  const left = new Map<number, number>();
  for (const row of all) left.set(row, (left.get(row) ?? 0) + 1);
  return rows.every((row) => {
    const count = left.get(row) ?? 0;
    left.set(row, count - 1);
    return count > 0;
  });
}

function sorted(rows: readonly number[]): number[] {
  return [...rows].sort((a, b) => a - b);
}
