/** Runs one seed on the real charts and actors, in virtual time, and says what is wrong with it. */
import { createHash } from 'node:crypto';
import {
  bottleneck,
  CancelledError,
  fair,
  leastMemory,
  mostDownstream,
  StallError,
  StoreError,
  TaskError,
  type DeadLetterBlock,
  type Run,
  type RunEvent,
} from '../../src/index.ts';
import { spillTo } from '../../src/node/spill/spilling-store.ts';
import { simEnv } from '../../src/testing.ts';
import { buildPipeline, stageName } from './build.ts';
import { CALLS, generateCase, type SimulationCase } from './case.ts';
import { watchRun } from './invariants.ts';
import { judge, mayLose, type End } from './judge.ts';
import { createLog, type Log } from './log.ts';
import { watchProtocol, type OperatorFacts } from './protocol.ts';
import { chance } from './random.ts';
import { remoteRunner } from './remote-runner.ts';
import { simDisk } from './sim-disk.ts';

const RANKINGS = { bottleneck, fair, leastMemory, mostDownstream };
/** More timers and macrotasks than any run needs: one that takes more goes round in circles. */
const MOST_STEPS = 200_000;

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
  const log = createLog();
  const protocol = watchProtocol(factsOf(simulated), CALLS);
  let check = protocol.check;
  let steps = 0;
  const sim = simEnv(seed, {
    afterEach: () => {
      check();
      if (++steps > MOST_STEPS) throw new Error(`L6: no end after ${String(steps)} steps`);
    },
  });
  const { flow, sunk, openSources } = buildPipeline(simulated, sim);
  const hash = createHash('sha1');
  const createRunner = remoteRunner(simulated, () => log.seen.add('zombie'));
  const env = simulated.remote ? { ...sim, createRunner } : sim;
  const letters: DeadLetterBlock[] = [];
  let events = 0;
  let reenter: (event: RunEvent) => void = () => undefined;
  const disk =
    simulated.disk === undefined ? undefined : simDisk(simulated.disk, seed, sim, log.seen);
  const run = flow.start({
    env,
    budget: simulated.budget,
    ...(disk === undefined ? {} : { store: { open: () => spillTo(disk, simulated.disk) } }),
    ranking: RANKINGS[simulated.ranking],
    inspect: protocol.inspect,
    onEvent: (event) => {
      events += 1;
      if (hashed) hash.update(JSON.stringify(event));
      log.note(event);
      reenter(event);
    },
    onDeadLetter: async (letter) => {
      letters.push(letter);
      log.seen.add('dead letter');
      await sim.sleep(3);
    },
  });
  reenter = reentrance(simulated, run, log.seen);
  const kept = { bytes: 0 };
  const blockBytes = simulated.budget.blockBytes ?? 0;
  const watch = watchRun(run.actor, blockBytes, protocol, () => kept.bytes, disk !== undefined);
  check = () => {
    protocol.check();
    watch.check();
  };
  const interfered = interfere(simulated, run, sim, log.seen);
  const consumed = consume(simulated, run, sim, { log, kept });
  // What these say is asked for below, unless something else is wrong before.
  for (const promise of [interfered, consumed]) promise.catch(() => undefined);
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
  protocol.check();
  judge({
    simulated,
    run,
    end,
    rows: simulated.sink ? sunk : rows,
    log,
    protocol,
    letters,
    took,
    pending: sim.pending(),
    openSources: openSources(),
    disk,
  });
  for (const what of [...watch.seen, ...protocol.seen]) log.seen.add(what);
  return {
    seed,
    status: statusOf(end, log),
    hash: hash.digest('hex'),
    events,
    seen: log.seen,
  };
}

function factsOf({ stages }: SimulationCase): ReadonlyMap<string, OperatorFacts> {
  return new Map(
    stages.map((stage, index) => {
      const { atomic, retries } = stage;
      return [stageName(stage, index), { atomic, retries }];
    }),
  );
}

function statusOf(end: End, log: Log): Outcome['status'] {
  if ('report' in end) {
    if (end.report.stopped) log.seen.add('stopped');
    return end.report.status === 'failed' ? 'failed' : end.report.status;
  }
  return end.error instanceof StallError ? 'stalled' : 'failed';
}

/** Commands given from within the run: by an observer, while a message is on its way. */
function reentrance(
  { interference }: SimulationCase,
  run: Run<number>,
  seen: Set<string>,
): (event: RunEvent) => void {
  const counts = new Map<string, number>();
  return (event) => {
    if (event.type !== 'message') return;
    const { message } = event;
    const count = (counts.get(message) ?? 0) + 1;
    counts.set(message, count);
    for (const what of interference) {
      if (what.kind !== 'within' || what.message !== message || what.nth !== count) continue;
      seen.add(`${what.command} within ${message}`);
      if (what.command === 'cancel') void run.cancel('from within');
      else void run.stop();
    }
  };
}

async function interfere(
  { interference }: SimulationCase,
  run: Run<number>,
  env: ReturnType<typeof simEnv>,
  seen: Set<string>,
): Promise<void> {
  await Promise.all(
    interference.map(async (what) => {
      if (what.kind === 'within') return;
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

/** What the consumer has taken and not let go of. */
interface Kept {
  bytes: number;
}

async function consume(
  simulated: SimulationCase,
  run: Run<number>,
  env: ReturnType<typeof simEnv>,
  { log, kept }: { readonly log: Log; readonly kept: Kept },
): Promise<number[]> {
  const { seed, sink, consumerDelay, consumerLeaves } = simulated;
  const rows: number[] = [];
  if (sink) return rows;
  let blocks = 0;
  try {
    for await (const { lineage, rows: own } of blocksOf(simulated, run, env, kept)) {
      if (log.delivered.has(lineage)) throw new Error(`S6: block ${lineage} came twice`);
      log.delivered.add(lineage);
      rows.push(...own);
      blocks += 1;
      if (blocks === consumerLeaves) {
        log.seen.add('consumer left');
        break;
      }
      if (consumerDelay > 0) await env.sleep(consumerDelay * chance('consumer', seed, blocks));
    }
  } catch (error) {
    const expected = [TaskError, CancelledError, StallError].some((type) => error instanceof type);
    const isLost = error instanceof StoreError && mayLose(simulated);
    if (isLost) log.seen.add('output lost on disk');
    if (!expected && !isLost) throw error;
  }
  return rows;
}

/** The blocks of a run; with `consumerKeeps` as refs, each of which is kept for a while. */
async function* blocksOf(
  { consumerKeeps }: SimulationCase,
  run: Run<number>,
  env: ReturnType<typeof simEnv>,
  kept: Kept,
): AsyncGenerator<{ readonly lineage: string; readonly rows: readonly number[] }> {
  if (consumerKeeps === undefined) {
    yield* run.blocks();
    return;
  }
  for await (const ref of run.refs()) {
    const { rows } = run.read(ref);
    kept.bytes += ref.sizeBytes;
    void env.sleep(consumerKeeps).then(() => {
      run.release(ref);
      kept.bytes -= ref.sizeBytes;
    });
    yield { lineage: ref.lineage, rows };
  }
}
