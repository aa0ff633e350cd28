/** Makes a pipeline of a case: the same functions as the oracle's, with delays and faults around them. */
import {
  pipeline,
  type Flow,
  type OperatorOptions,
  type TransformContext,
} from '../../src/index.ts';
import type { SimEnv } from '../../src/testing.ts';
import type { SimulationCase, StageCase } from './case.ts';
import { copies, isBadRow, keepsRow, limitOf, mapRow, pairUp, unusedOutputs } from './functions.ts';
import { chance } from './random.ts';

export interface Built {
  readonly flow: Flow<number>;
  /** Rows that reached the sink of a case that ends in one. */
  readonly sunk: number[];
  /** Sources that were begun and have not been read to their end, or returned, yet. */
  readonly openSources: () => number;
}

export function buildPipeline(simulated: SimulationCase, env: SimEnv): Built {
  const { sources, stages, sink, disk } = simulated;
  const flows: Flow<number>[] = [];
  const used = new Set<number>();
  const outage = outageOf(simulated, env);
  let open = 0;
  const openSources = (): number => open;
  const opened = sources.map((blocks) =>
    pipeline('simulated').fromSource<number, undefined>({
      rereadable: disk?.rereadable ?? false,
      splits: () => [undefined],
      *read() {
        open += 1;
        try {
          // A transform may change the rows that it gets.
          for (const rows of blocks) yield rows.slice();
        } finally {
          open -= 1;
        }
      },
    }),
  );
  const flowOf = (input: number): Flow<number> => {
    used.add(input);
    const flow = input < 0 ? opened[-input - 1] : flows[input];
    if (flow === undefined) throw new Error(`no input ${String(input)}`);
    return flow;
  };
  stages.forEach((stage, index) => {
    const [first, ...others] = stage.inputs.map(flowOf);
    if (first === undefined) throw new Error('a stage has an input');
    flows.push(buildStage({ stage, index, first, others, simulated, env, outage }));
  });
  const [head, ...rest] = unusedOutputs(stages.length, used).map((index) => flows[index]);
  if (head === undefined) throw new Error('somebody is last');
  const flow =
    rest.length === 0 ? head : head.union(...rest.filter((other) => other !== undefined));
  const sunk: number[] = [];
  if (!sink) return { flow, sunk, openSources };
  const written = flow.to(async (rows) => {
    if (!simulated.remote) await env.sleep(chance('sink', simulated.seed, sunk.length) * 5);
    sunk.push(...rows);
  });
  return { flow: written as Flow<number>, sunk, openSources };
}

/** Rejects at the moment of the outage. */
function outageOf({ outageAt }: SimulationCase, env: SimEnv): Promise<never> | undefined {
  if (outageAt === undefined) return undefined;
  const outage = env.sleep(outageAt).then((): never => {
    throw new Error('outage');
  });
  outage.catch(() => undefined);
  return outage;
}

/** What the operator of a stage is called. */
export function stageName({ kind }: StageCase, index: number): string {
  return `${kind}${String(index)}`;
}

interface StageSetting {
  readonly stage: StageCase;
  readonly index: number;
  readonly first: Flow<number>;
  readonly others: readonly Flow<number>[];
  readonly simulated: SimulationCase;
  readonly env: SimEnv;
  readonly outage: Promise<never> | undefined;
}

function buildStage(setting: StageSetting): Flow<number> {
  const { stage, index, first, others } = setting;
  const name = stageName(stage, index);
  const input =
    stage.kind === 'zip' ? first : others.reduce((flow, other) => flow.union(other), first);
  const options: OperatorOptions = { name, ...optionsOf(stage) };
  const script = createScript(setting);
  switch (stage.kind) {
    case 'map':
      return input.map(
        (row, context) => script.row(context, row, () => mapRow(row, stage)),
        options,
      );
    case 'filter':
      return input.filter(
        (row, context) => script.row(context, row, () => keepsRow(row, stage)),
        options,
      );
    case 'flatMap':
      return input.flatMap((row, context) => {
        script.failRow(context, row);
        return copies(row, stage);
      }, options);
    case 'chunks':
      return input.mapBlocks((rows, context) => script.chunks(context, rows, stage), {
        ...options,
        onRowError: 'fail',
      });
    case 'batch':
      return input.batch({ rows: stage.constant }, { name });
    case 'limit':
      return input.limit(limitOf(stage), { name });
    case 'zip':
      return input
        .zip(others[0] ?? first, { name })
        .map(([left, right]) => pairUp(left, right), { preserveOrder: true });
  }
}

function optionsOf(stage: StageCase): OperatorOptions {
  const { bundle, outputRows, queue, timeout, maxConcurrency, restarts, maxErrors } = stage;
  return {
    resources: { cpu: stage.cpu, memory: stage.memory, calls: stage.calls },
    retries: { count: stage.retries, backoff: stage.backoff },
    onError: stage.onError,
    onRowError: stage.onRowError,
    atomic: stage.atomic,
    preserveOrder: stage.preserveOrder,
    ...(maxConcurrency === undefined ? {} : { maxConcurrency }),
    ...(restarts === undefined ? {} : { restarts }),
    ...(maxErrors === undefined ? {} : { maxErrors }),
    ...(bundle === undefined ? {} : { input: { blocks: bundle } }),
    ...(outputRows === undefined ? {} : { output: { rows: outputRows } }),
    ...(queue === undefined ? {} : { queue: { blocks: queue } }),
    ...(timeout === undefined ? {} : { timeout }),
  };
}

/** What goes wrong, and how long things take. Depends on the block and the attempt, not on the order. */
function createScript({ stage, index, simulated, env, outage }: StageSetting) {
  const { seed, remote } = simulated;
  const { faults, delay } = stage;

  function luck(what: string, { lineage }: TransformContext): number {
    return chance(what, seed, index, lineage);
  }

  function failBlock(context: TransformContext, step: number, steps: number): void {
    const at = Math.floor(luck('where', context) * (steps + 1));
    if (step !== at) return;
    if (luck('poison', context) < faults.poison) throw new Error('poison');
    const isFlaky = luck('flaky', context) < faults.flaky;
    if (isFlaky && context.attempt <= faults.flakyAttempts) throw new Error('flaky');
  }

  async function wait(context: TransformContext, step: number): Promise<void> {
    if (context.attempt === 1 && luck('hangs', context) < faults.hangs) {
      await new Promise((_resolve, reject) => {
        // Half of those that hang listen to their signal.
        if (luck('listens', context) < 0.5) return;
        context.signal.addEventListener('abort', () => {
          reject(new Error('aborted'));
        });
      });
    }
    const ms = delay * chance('delay', seed, index, context.lineage, step, context.attempt);
    if (ms <= 1) return;
    const slept = env.sleep(ms);
    const isBefore = env.now() < (simulated.outageAt ?? -1);
    await (outage !== undefined && isBefore ? Promise.race([slept, outage]) : slept);
  }

  function failRow(context: TransformContext, row: number): void {
    if (isBadRow(row, index, stage)) throw new Error('bad row');
    if (row % 3 === 0) failBlock(context, 0, 0);
  }

  return {
    failRow,
    row<R>(context: TransformContext, row: number, result: () => R): R | Promise<R> {
      if (remote || (delay === 0 && faults.hangs === 0)) {
        failRow(context, row);
        return result();
      }
      return wait(context, row).then(() => {
        failRow(context, row);
        return result();
      });
    },
    chunks(context: TransformContext, rows: number[], by: StageCase) {
      const parts: number[][] = [];
      for (let from = 0; from < rows.length; from += 2) {
        parts.push(rows.slice(from, from + 2).map((row) => mapRow(row, by)));
      }
      if (remote) {
        return (function* () {
          for (const [step, part] of parts.entries()) {
            failBlock(context, step, parts.length);
            yield part;
          }
          failBlock(context, parts.length, parts.length);
        })();
      }
      return (async function* () {
        for (const [step, part] of parts.entries()) {
          await wait(context, step);
          failBlock(context, step, parts.length);
          yield part;
        }
        failBlock(context, parts.length, parts.length);
      })();
    },
  };
}
