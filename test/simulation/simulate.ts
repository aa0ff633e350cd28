/** Runs one seed on the real charts and actors, in virtual time, and says all that is wrong with it. */
import { createHash } from 'node:crypto';
import {
  bottleneck,
  CancelledError,
  fair,
  leastMemory,
  mostDownstream,
  RestartLimitError,
  StallError,
  StoreError,
  TaskError,
  type Run,
  type RunEvent,
} from '../../src/index.ts';
import { spillTo } from '../../src/node/spill/spilling-store.ts';
import { simEnv } from '../../src/testing.ts';
import { buildPipeline } from './build.ts';
import { generateCase, type DiskCase, type SimulationCase } from './case.ts';
import { oracle } from './functions.ts';
import { watchRun, type Watch } from './invariants.ts';
import { chance } from './random.ts';
import { simDisk, type SimDisk } from './sim-disk.ts';
import { remoteRunner, WorkerLostError } from './remote-runner.ts';

const RANKINGS = { bottleneck, fair, leastMemory, mostDownstream };
/** Longest virtual time a run may take from the moment on at which nothing disturbs it any more. */
const LONGEST_MS = 600_000;
/** More than so many happenings at one moment of virtual time are a run that goes round in circles. */
const MOST_AT_ONCE = 100_000;

export interface Outcome {
  readonly seed: number;
  readonly status: 'done' | 'failed' | 'cancelled' | 'stalled';
  /** Hash over every event of the run, if it was asked for. */
  readonly hash: string;
  readonly events: number;
  /** What was the case at least once. */
  readonly seen: ReadonlySet<string>;
}

/** @throws Error that names the broken invariant. */
export async function simulate(seed: number, hashed = false): Promise<Outcome> {
  const simulated = generateCase(seed);
  let check = (): void => undefined;
  let since = { time: 0, happenings: 0 };
  const sim: ReturnType<typeof simEnv> = simEnv(seed, {
    afterEach: () => {
      check();
      const time = sim.now();
      since = { time, happenings: time === since.time ? since.happenings + 1 : 0 };
      if (since.happenings > MOST_AT_ONCE) throw new Error('L1: much happens, and no time passes');
    },
  });
  const { flow, sunk } = buildPipeline(simulated, sim);
  const hash = createHash('sha1');
  const log = createLog();
  const createRunner = remoteRunner(simulated, () => log.seen.add('zombie'));
  const env = simulated.remote ? { ...sim, createRunner } : sim;
  let events = 0;
  const disk =
    simulated.disk === undefined ? undefined : simDisk(simulated.disk, seed, sim, log.seen);
  const run = flow.start({
    env,
    budget: simulated.budget,
    ...(disk === undefined ? {} : { store: { open: () => spillTo(disk, simulated.disk) } }),
    ranking: RANKINGS[simulated.ranking],
    onEvent: (event) => {
      events += 1;
      if (hashed) hash.update(JSON.stringify(event));
      log.note(event);
    },
    onDeadLetter: async () => {
      log.seen.add('dead letter');
      await sim.sleep(3);
    },
  });
  const watch = watchRun(run.actor, simulated.budget.blockBytes ?? 0, disk !== undefined);
  check = () => {
    watch.check();
  };
  const interfered = interfere(simulated, run, sim, log.seen);
  const consumed = consume(simulated, run, sim, log);
  const end = await sim.drive(
    run.done.then(
      (report) => ({ report }),
      (error: unknown) => ({ error }),
    ),
  );
  const rows = await sim.drive(consumed);
  const took = sim.now();
  await sim.drive(interfered);
  await sim.advance();
  judge({
    simulated,
    run,
    end,
    rows: simulated.sink ? sunk : rows,
    log,
    watch,
    took,
    pending: sim.pending(),
    disk,
  });
  for (const what of watch.seen) log.seen.add(what);
  return {
    seed,
    status: statusOf(end, log),
    hash: hash.digest('hex'),
    events,
    seen: log.seen,
  };
}

type End = { readonly report: Awaited<Run<number>['done']> } | { readonly error: unknown };

function statusOf(end: End, log: Log): Outcome['status'] {
  if ('report' in end) {
    if (end.report.stopped) log.seen.add('stopped');
    return end.report.status === 'failed' ? 'failed' : end.report.status;
  }
  return end.error instanceof StallError ? 'stalled' : 'failed';
}

async function interfere(
  { interference }: SimulationCase,
  run: Run<number>,
  env: ReturnType<typeof simEnv>,
  seen: Set<string>,
): Promise<void> {
  await Promise.all(
    interference.map(async (what) => {
      if (what.at > 0) await env.sleep(what.at);
      const isOver = run.actor.getSnapshot().status !== 'active';
      if (!isOver) seen.add(what.kind);
      switch (what.kind) {
        case 'pause':
          run.pause();
          await env.sleep(what.ms);
          run.resume();
          break;
        case 'step':
          await run.step();
          run.resume();
          break;
        case 'budget':
          try {
            run.setBudget(what.budget);
          } catch {
            seen.add('budget refused');
          }
          break;
        case 'stop':
          await run.stop();
          break;
        case 'cancel':
          if (run.snapshot().state === 'idle') seen.add('cancelled before it began');
          await run.cancel('interference');
          break;
      }
    }),
  );
}

async function consume(
  { seed, sink, consumerDelay, consumerLeaves, disk }: SimulationCase,
  run: Run<number>,
  env: ReturnType<typeof simEnv>,
  log: Log,
): Promise<number[]> {
  const rows: number[] = [];
  if (sink) return rows;
  let blocks = 0;
  try {
    for await (const block of run.blocks()) {
      if (log.delivered.has(block.lineage))
        throw new Error(`S6: block ${block.lineage} came twice`);
      log.delivered.add(block.lineage);
      rows.push(...block.rows);
      blocks += 1;
      if (blocks === consumerLeaves) {
        log.seen.add('consumer left');
        break;
      }
      if (consumerDelay > 0) await env.sleep(consumerDelay * chance('consumer', seed, blocks));
    }
  } catch (error) {
    const expected = [TaskError, CancelledError, StallError].some((type) => error instanceof type);
    const isLost = error instanceof StoreError && disk !== undefined && isFaulty(disk);
    if (isLost) log.seen.add('output lost on disk');
    if (!expected && !isLost) throw error;
  }
  return rows;
}

interface Judged {
  readonly simulated: SimulationCase;
  readonly run: Run<number>;
  readonly end: End;
  readonly rows: readonly number[];
  readonly log: Log;
  readonly watch: Watch;
  readonly took: number;
  readonly pending: number;
  readonly disk: SimDisk | undefined;
}

/** What must hold when a run is over. */
function judge({ simulated, run, end, rows, log, took, pending, disk }: Judged): void {
  const fail = (invariant: string, what: string): never => {
    throw new Error(`${invariant}: ${what}`);
  };
  if (took > LONGEST_MS) fail('L6', `it took ${String(took)} ms of virtual time`);
  if (pending > 0) fail('L7', `${String(pending)} timers are left`);
  const { blockBytes, operators, resources, spill } = run.snapshot();
  if (disk?.isClosed() === false || (disk?.files() ?? 0) > 0) fail('S13', 'files are left');
  if (spill.blocks + spill.bytes + spill.diskBytes !== 0) fail('S13', 'spilled bytes are booked');
  if (spill.written > 0) log.seen.add('spilled');
  if (spill.restored > 0) log.seen.add('restored');
  if (spill.lastError?.includes('cannot be used') === true) log.seen.add('corrupt block found');
  if (blockBytes.live !== 0) fail('S13', `${String(blockBytes.live)} bytes are left in the store`);
  for (const [name, { used }] of Object.entries(resources)) {
    if (name !== 'calls' && used !== 0) fail('S2', `${String(used)} ${name} is still out`);
  }
  for (const [name, { state, in: waiting, active, out }] of Object.entries(operators)) {
    if (!['completed', 'failed', 'cancelled'].includes(state)) fail('S11', `${name} is ${state}`);
    if (waiting + active + out > 0) fail('S5', `${name} has something left`);
  }
  for (const [token, times] of log.tokens) {
    if (times !== 0) fail('S2', `token ${String(token)} was granted and not released once`);
  }
  if (log.ends !== 1 && log.ends !== 0) fail('S11', 'the run ended more than once');

  if ('error' in end) {
    const { error } = end;
    if (error instanceof StallError) {
      if (!mayStall(simulated)) fail('L6', `it stalled: ${error.message}`);
      return;
    }
    if (!(error instanceof TaskError)) throw error;
    if (error.cause instanceof RestartLimitError) log.seen.add('restart limit');
    if (error.later !== undefined) log.seen.add('later errors');
    if (!isExpected(error.cause, simulated))
      fail('S12', `an error nobody threw: ${String(error.cause)}`);
    return;
  }
  const { report } = end;
  // A consumer that lags behind a run that is done may find a block of it damaged.
  const isCut = log.seen.has('consumer left') || log.seen.has('output lost on disk');
  const isWhole = report.status === 'done' && !report.stopped && !isCut;
  const drops = Object.values(report.operators).reduce(
    (sum, { droppedCount, rowsDropped }) => sum + droppedCount + rowsDropped,
    0,
  );
  if (!isWhole) return;
  const expected = oracle(simulated);
  const hasLimit = simulated.stages.some(({ kind }) => kind === 'limit');
  if (drops === 0 && !hasLimit) {
    const [actual, wanted] = simulated.ordered
      ? [rows, expected]
      : [sorted(rows), sorted(expected)];
    if (JSON.stringify(actual) !== JSON.stringify(wanted)) {
      fail(
        simulated.ordered ? 'S10' : 'S6',
        `got ${JSON.stringify(actual)}, expected ${JSON.stringify(wanted)}`,
      );
    }
  } else if (!simulated.stages.some(({ kind }) => kind === 'zip' || kind === 'limit')) {
    if (!isContained(rows, expected)) fail('S6', 'rows came that should not exist, or twice');
  }
}

/** A batch, or a pair of flows of unequal speed, may need more bytes or queue than the case allows. */
function mayStall({ stages, budget, interference }: SimulationCase): boolean {
  const budgets = interference.flatMap((what) => (what.kind === 'budget' ? [what.budget] : []));
  const least = Math.min(...[budget, ...budgets].map(({ blockBytes = Infinity }) => blockBytes));
  const gathers = stages.some(({ kind }) => kind === 'batch' || kind === 'zip');
  const branches = stages.some(({ inputs }) => inputs.length > 1);
  const explicit = stages.some(({ queue }) => queue !== undefined);
  return (gathers && least <= 1000) || (gathers && branches && explicit);
}

function isExpected(cause: unknown, { disk }: SimulationCase): boolean {
  if (cause instanceof StoreError) return disk !== undefined && isFaulty(disk);
  if (cause instanceof WorkerLostError) return true;
  const name = (cause as { name?: string }).name ?? '';
  if (name === 'TimeoutError' || name === 'RestartLimitError') return true;
  return ['poison', 'flaky', 'bad row', 'aborted'].includes((cause as Error).message);
}

/** Whether what was written may not come back. */
function isFaulty({ torn, flips, flaky }: DiskCase): boolean {
  return torn + flips + flaky > 0;
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

interface Log {
  readonly note: (event: RunEvent) => void;
  readonly seen: Set<string>;
  readonly delivered: Set<string>;
  readonly tokens: Map<number, number>;
  readonly ends: number;
}

/** Follows the events of a run: tokens, sizes, and what rare things have happened. */
function createLog(): Log {
  const seen = new Set<string>();
  const tokens = new Map<number, number>();
  const published = new Map<string, number>();
  let ends = 0;
  return {
    seen,
    delivered: new Set(),
    tokens,
    get ends() {
      return ends;
    },
    note(event) {
      switch (event.type) {
        case 'token.granted':
          tokens.set(event.token, (tokens.get(event.token) ?? 0) + 1);
          break;
        case 'token.released':
          tokens.set(event.token, (tokens.get(event.token) ?? 0) - 1);
          break;
        case 'token.denied':
          seen.add(event.limit === 'calls' ? 'rate denied' : `denied ${event.limit}`);
          break;
        case 'block.produced':
          published.set(`${event.operator} ${String(event.task)}`, 1);
          break;
        case 'task.retried':
          seen.add('retried');
          if (published.has(`${event.operator} ${String(event.task)}`))
            seen.add('retried after a yield');
          if (event.error.includes('worker is gone')) seen.add('worker lost');
          if (event.error.includes('timeout')) seen.add('timed out');
          break;
        case 'block.dropped':
          seen.add('block given up');
          break;
        case 'task.ended':
          seen.add(`task ${event.outcome}`);
          break;
        case 'message':
          if (event.message === 'operator.stop') seen.add('stopped early');
          if (event.message === 'task.returned') seen.add('credit came too late');
          if (event.message === 'resource.refilled') seen.add('refilled');
          break;
        case 'state.entered':
          if (event.actor === 'simulated' && ['done', 'failed', 'cancelled'].includes(event.state))
            ends += 1;
          if (event.state === 'retrying') seen.add('waits to retry');
          break;
        default:
          break;
      }
    },
  };
}

function sorted(rows: readonly number[]): number[] {
  return [...rows].sort((a, b) => a - b);
}
