/**
 * What one seed simulates: a random pipeline, budget, faults and interference, as plain data. Each seed
 * draws from a random subset of the features (a "swarm"), so that rare combinations occur.
 */
import type { Budget } from '../../src/index.ts';
import { picker, type Picker } from './random.ts';

/** The rate that some stages call something with. */
export const CALLS = { perSecond: 200, burst: 4 };

export type StageKind = 'map' | 'filter' | 'flatMap' | 'chunks' | 'batch' | 'limit' | 'zip';

/** How an operator misbehaves. Probabilities are per input block. */
export interface Faults {
  /** Attempts that fail before one succeeds, on some blocks. */
  readonly flaky: number;
  readonly flakyAttempts: number;
  /** Blocks on which every attempt fails. */
  readonly poison: number;
  /** Single rows on which the function fails. */
  readonly badRows: number;
  /** Blocks on which the first attempt never ends. */
  readonly hangs: number;
  /** Runs that are lost with their worker, on the first attempt. */
  readonly lost: number;
}

export interface StageCase {
  readonly kind: StageKind;
  /** Indexes of the stages that feed it; -1, -2, ... are sources. */
  readonly inputs: readonly number[];
  /** Constant that tells the functions of different stages apart. */
  readonly constant: number;
  readonly cpu: number;
  readonly memory: number;
  readonly calls: number;
  readonly maxConcurrency: number | undefined;
  readonly retries: number;
  readonly backoff: number;
  readonly restarts: { readonly count: number; readonly within: number } | undefined;
  readonly onError: 'fail' | 'skip' | 'deadLetter';
  readonly onRowError: 'fail' | 'skip' | 'deadLetter';
  readonly maxErrors: number | undefined;
  readonly atomic: boolean;
  readonly preserveOrder: boolean;
  readonly bundle: number | undefined;
  readonly outputRows: number | undefined;
  readonly queue: number | undefined;
  readonly timeout: number | undefined;
  /** Longest delay of a step, in milliseconds. */
  readonly delay: number;
  readonly faults: Faults;
}

/** Something done to the run from outside at a time. */
export type Interference =
  | { readonly at: number; readonly kind: 'pause'; readonly ms: number }
  | { readonly at: number; readonly kind: 'step' }
  | { readonly at: number; readonly kind: 'budget'; readonly budget: Budget }
  | { readonly at: number; readonly kind: 'stop' }
  | { readonly at: number; readonly kind: 'cancel' }
  /** While a message is on its way, for the nth time: as an observer can do. */
  | {
      readonly kind: 'within';
      readonly message: string;
      readonly nth: number;
      readonly command: 'cancel' | 'stop';
    };

/** A store that spills, and the disk it spills to. Probabilities are per file. */
export interface DiskCase {
  /** Bytes in memory above which blocks are spilled. */
  readonly highWater: number;
  /** Bytes the store may write. */
  readonly maxBytes: number;
  /** Bytes the disk has room for. */
  readonly capacity: number;
  /** Longest time a write or a read takes, in milliseconds. */
  readonly slow: number;
  /** Writes that are said to be done, and were done in part. */
  readonly torn: number;
  /** Reads in which a bit is not what was written. */
  readonly flips: number;
  /** Reads that fail. */
  readonly flaky: number;
  /** What the sources read can be read again. */
  readonly rereadable: boolean;
}

export interface SimulationCase {
  readonly seed: number;
  readonly sources: readonly (readonly (readonly number[])[])[];
  readonly stages: readonly StageCase[];
  readonly budget: Budget;
  /** Transforms run in workers that can be lost, and answer late. */
  readonly remote: boolean;
  /** Everything keeps its order, so that the order of the output is known. */
  readonly ordered: boolean;
  readonly sink: boolean;
  readonly ranking: 'bottleneck' | 'mostDownstream' | 'leastMemory' | 'fair';
  /** Longest time the consumer takes for a block, in milliseconds. */
  readonly consumerDelay: number;
  /** The consumer leaves after so many blocks. */
  readonly consumerLeaves: number | undefined;
  readonly interference: readonly Interference[];
  /** Undefined: blocks stay in memory. */
  readonly disk: DiskCase | undefined;
  /** The consumer takes refs and lets each of them go after so many milliseconds. */
  readonly consumerKeeps: number | undefined;
  /** When every step that is under way fails, all at the same moment. */
  readonly outageAt: number | undefined;
}

export function generateCase(seed: number): SimulationCase {
  const pick = picker(seed * 7919 + 13);
  const swarm = {
    branching: pick.maybe(0.5),
    faults: pick.maybe(0.6),
    tuning: pick.maybe(0.6),
    interference: pick.maybe(0.5),
    tight: pick.maybe(0.5),
    delays: pick.maybe(0.8),
  };
  const ordered = pick.maybe(0.3);
  const remote = pick.maybe(0.4);
  const sources = Array.from({ length: swarm.branching ? pick.integer(1, 3) : 1 }, () =>
    Array.from({ length: pick.integer(0, 12) }, () =>
      Array.from({ length: pick.integer(1, 6) }, () => pick.integer(0, 999)),
    ),
  );
  const cpu = pick.integer(1, 4);
  const budget: Budget = {
    cpu,
    memory: 4,
    blockBytes: swarm.tight ? pick.of(1, 30, 100, 300, 1000) : 1_000_000,
    calls: CALLS,
  };
  const stages: StageCase[] = [];
  const count = pick.integer(1, 8);
  for (let index = 0; index < count; index++) {
    stages.push(generateStage(pick, { index, sources: sources.length, swarm, ordered, remote }));
  }
  const whole: SimulationCase = {
    seed,
    sources,
    stages,
    budget,
    remote,
    ordered,
    sink: pick.maybe(0.15),
    ranking: pick.of('bottleneck', 'bottleneck', 'mostDownstream', 'leastMemory', 'fair'),
    consumerDelay: pick.maybe(0.3) ? pick.integer(1, 40) : 0,
    consumerLeaves: swarm.interference && pick.maybe(0.2) ? pick.integer(0, 8) : undefined,
    interference: swarm.interference ? generateInterference(pick, cpu) : [],
    consumerKeeps: pick.maybe(0.15) ? pick.integer(1, 60) : undefined,
    outageAt: pick.maybe(0.15) ? pick.integer(1, 60) : undefined,
    // Drawn last, and of its own: the rest of a seed is the same with and without.
    disk: generateDisk(picker(seed * 104_729 + 7)),
  };
  return whole.disk?.rereadable === true && whole.disk.torn > 0 ? repeatable(whole) : whole;
}

/** The case with nothing in it that could not be made again, and a disk that loses much. */
function repeatable(whole: SimulationCase): SimulationCase {
  const repeated: readonly StageKind[] = ['map', 'filter', 'flatMap', 'chunks'];
  return {
    ...whole,
    remote: false,
    outageAt: undefined,
    stages: whole.stages.map((stage) => ({
      ...stage,
      kind: repeated.includes(stage.kind) ? stage.kind : 'chunks',
      inputs: whole.ordered ? stage.inputs.slice(0, 1) : stage.inputs,
      retries: Math.max(1, stage.retries),
      atomic: false,
      calls: 0,
    })),
    disk: whole.disk && { ...whole.disk, highWater: 0, maxBytes: Infinity, torn: 0.3 },
  };
}

function generateDisk(pick: Picker): DiskCase | undefined {
  if (pick.maybe(0.5)) return undefined;
  const isFaulty = pick.maybe(0.5);
  return {
    highWater: pick.of(0, 0, 20, 100, 1000),
    maxBytes: pick.of(Infinity, Infinity, 300),
    capacity: isFaulty ? pick.of(0, 500, Infinity) : Infinity,
    slow: pick.of(0, 5, 50, 300),
    torn: isFaulty ? pick.of(0, 0.1) : 0,
    flips: isFaulty ? pick.of(0, 0.1) : 0,
    flaky: isFaulty ? pick.of(0, 0.2) : 0,
    rereadable: pick.maybe(0.5),
  };
}

interface StageSetting {
  readonly index: number;
  readonly sources: number;
  readonly swarm: { branching: boolean; faults: boolean; tuning: boolean; delays: boolean };
  readonly ordered: boolean;
  readonly remote: boolean;
}

function generateStage(pick: Picker, setting: StageSetting): StageCase {
  const { index, sources, swarm, ordered, remote } = setting;
  const some = (): number => pick.integer(-sources, index - 1);
  const last = index === 0 ? -1 : index - 1;
  // Ordered pipelines are chains, but for pairs: the order of a union is nobody's promise.
  const kind = pick.of<StageKind>(
    'map',
    'map',
    'filter',
    'flatMap',
    'chunks',
    'chunks',
    'batch',
    ...(pick.maybe(0.2) ? (['limit'] as const) : []),
    ...(ordered && swarm.branching && pick.maybe(0.5) ? (['zip'] as const) : []),
  );
  let inputs = [last];
  if (kind === 'zip') inputs = [last, some()];
  else if (!ordered && swarm.branching) {
    inputs = pick.maybe(0.3) ? [some(), some()] : [pick.maybe(0.7) ? last : some()];
  }
  const onError = pick.of('fail', 'skip', 'deadLetter');
  const faulty = swarm.faults && pick.maybe(0.6);
  const timeout = faulty && pick.maybe(0.4) ? pick.integer(60, 200) : undefined;
  const tune = <T>(make: () => T): T | undefined =>
    swarm.tuning && pick.maybe(0.4) ? make() : undefined;
  return {
    kind,
    inputs,
    constant: pick.integer(1, 9),
    cpu: pick.of(0, 0.5, 1, 1, 1),
    memory: pick.of(0, 0, 1, 3),
    calls: pick.maybe(0.1) ? 1 : 0,
    maxConcurrency: tune(() => pick.integer(1, 4)),
    retries: swarm.faults ? pick.integer(0, 3) : 0,
    backoff: pick.of(0, 5, 30),
    restarts: faulty && pick.maybe(0.2) ? { count: pick.integer(1, 4), within: 100 } : undefined,
    onError,
    onRowError: pick.of('fail', 'fail', 'skip', 'deadLetter'),
    maxErrors: pick.maybe(0.2) ? pick.integer(0, 3) : undefined,
    atomic: pick.maybe(0.25),
    preserveOrder: ordered || pick.maybe(0.2),
    bundle: tune(() => pick.integer(1, 5)),
    outputRows: tune(() => pick.integer(1, 6)),
    queue: tune(() => pick.integer(1, 6)),
    timeout,
    delay: swarm.delays ? pick.of(0, 2, 10, 40) : 0,
    faults: {
      flaky: faulty ? pick.of(0, 0.2, 0.6) : 0,
      flakyAttempts: pick.integer(1, 3),
      poison: faulty ? pick.of(0, 0, 0.1, 0.3) : 0,
      badRows: faulty ? pick.of(0, 0, 0.05) : 0,
      hangs: faulty && timeout !== undefined ? pick.of(0, 0.3) : 0,
      lost: faulty && remote ? pick.of(0, 0.2) : 0,
    },
  };
}

function generateInterference(pick: Picker, cpu: number): readonly Interference[] {
  const events: Interference[] = [];
  const at = (): number => pick.of(0, 0, pick.integer(0, 30), pick.integer(0, 300));
  if (pick.maybe(0.4)) events.push({ at: at(), kind: 'pause', ms: pick.integer(1, 200) });
  if (pick.maybe(0.2)) events.push({ at: at(), kind: 'step' });
  if (pick.maybe(0.4)) {
    const budget = {
      cpu: pick.integer(1, cpu + 2),
      memory: pick.integer(2, 6),
      calls: CALLS,
    };
    events.push({
      at: at(),
      kind: 'budget',
      budget: { ...budget, blockBytes: pick.of(50, 500, 1_000_000) },
    });
  }
  if (pick.maybe(0.25)) events.push({ at: at(), kind: 'stop' });
  if (pick.maybe(0.3)) events.push({ at: at(), kind: 'cancel' });
  if (pick.maybe(0.1)) events.push({ at: at(), kind: 'cancel' });
  if (pick.maybe(0.2)) {
    events.push({
      kind: 'within',
      message: pick.of('resource.request', 'operator.poll', 'task.progress', 'runner.opened'),
      nth: pick.integer(1, 12),
      command: pick.of('cancel', 'cancel', 'stop'),
    });
  }
  return events;
}
