/** Random pipelines under random budgets against a plain sequential oracle, in virtual time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pipeline, StallError, type Flow } from '../../src/index.ts';
import { simEnv, type SimEnv } from '../../src/testing.ts';

type Stage =
  | { kind: 'map'; add: number; how: 'sync' | 'async' | 'slow' }
  | { kind: 'filter'; divisor: number }
  | { kind: 'flatMap'; copies: number; how: 'sync' | 'async' }
  | { kind: 'mapBlocks'; how: 'array' | 'promise' | 'generator' | 'asyncGenerator'; delay: number }
  | { kind: 'flaky'; failures: number; atomic: boolean }
  | { kind: 'batch'; rows: number }
  | { kind: 'tee'; left: number; right: number }
  | { kind: 'split'; left: number; right: number };

interface Tuning {
  maxConcurrency: number | undefined;
  cpu: number;
  preserveOrder: boolean;
  outputRows: number | undefined;
  bundle: number | undefined;
  queue: number | undefined;
}

interface Case {
  blocks: number[][];
  stages: { stage: Stage; tuning: Tuning }[];
  cpu: number;
  blockBytes: number;
  seed: number;
}

const stage: fc.Arbitrary<Stage> = fc.oneof(
  fc.record({
    kind: fc.constant('map' as const),
    add: fc.integer({ min: 1, max: 9 }),
    how: fc.constantFrom('sync' as const, 'async' as const, 'slow' as const),
  }),
  fc.record({ kind: fc.constant('filter' as const), divisor: fc.integer({ min: 2, max: 4 }) }),
  fc.record({
    kind: fc.constant('flatMap' as const),
    copies: fc.integer({ min: 0, max: 3 }),
    how: fc.constantFrom('sync' as const, 'async' as const),
  }),
  fc.record({
    kind: fc.constant('mapBlocks' as const),
    how: fc.constantFrom(
      'array' as const,
      'promise' as const,
      'generator' as const,
      'asyncGenerator' as const,
    ),
    delay: fc.integer({ min: 0, max: 30 }),
  }),
  fc.record({
    kind: fc.constant('flaky' as const),
    failures: fc.integer({ min: 1, max: 2 }),
    atomic: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('batch' as const), rows: fc.integer({ min: 1, max: 7 }) }),
  fc.record({
    kind: fc.constantFrom('tee' as const, 'split' as const),
    left: fc.integer({ min: 1, max: 9 }),
    right: fc.integer({ min: 1, max: 9 }),
  }),
);

const tuning: fc.Arbitrary<Tuning> = fc.record({
  maxConcurrency: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  cpu: fc.constantFrom(0, 0.5, 1, 1),
  preserveOrder: fc.boolean(),
  outputRows: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
  bundle: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  queue: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
});

const pipelineCase: fc.Arbitrary<Case> = fc.record({
  blocks: fc.array(fc.array(fc.integer({ min: 0, max: 99 }), { minLength: 1, maxLength: 6 }), {
    maxLength: 12,
  }),
  stages: fc.array(fc.record({ stage, tuning }), { minLength: 1, maxLength: 5 }),
  cpu: fc.integer({ min: 1, max: 4 }),
  blockBytes: fc.constantFrom(1, 40, 200, 2_000, 1_000_000),
  seed: fc.integer({ min: 1, max: 1_000_000 }),
});

test('every random pipeline yields what the oracle does, and leaves nothing behind', async () => {
  await fc.assert(
    fc.asyncProperty(pipelineCase, async (random) => {
      const env = simEnv(random.seed);
      const start = pipeline('random').fromBlocks(random.blocks);
      const flow = random.stages.reduce((before, part) => apply(before, part, env), start);
      const run = flow.start({ env, budget: { cpu: random.cpu, blockBytes: random.blockBytes } });
      const rows = await env.drive(run.collect()).catch((error: unknown) => {
        if (isHonestStall(error, random)) return undefined;
        throw error;
      });
      if (rows === undefined) return;
      const expected = random.stages.reduce(
        (before, part) => oracle(before, part.stage),
        random.blocks.flat(),
      );
      expect(sorted(rows)).toEqual(sorted(expected));
      const report = await env.drive(run.done);
      expect(report.status).toBe('done');
      expect(run.snapshot().blockBytes.live).toBe(0);
      for (const operator of Object.values(run.snapshot().operators)) {
        expect(operator).toMatchObject({ state: 'completed', in: 0, active: 0, out: 0 });
      }
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 300) },
  );
});

test('with preserveOrder everywhere, the order is that of the oracle', async () => {
  const ordered = pipelineCase.filter(({ stages }) =>
    stages.every(({ stage: { kind } }) => kind !== 'tee' && kind !== 'split'),
  );
  await fc.assert(
    fc.asyncProperty(ordered, async (random) => {
      const env = simEnv(random.seed);
      const start = pipeline('ordered').fromBlocks(random.blocks);
      const flow = random.stages.reduce(
        (before, part) =>
          apply(before, { ...part, tuning: { ...part.tuning, preserveOrder: true } }, env),
        start,
      );
      const run = flow.start({ env, budget: { cpu: random.cpu, blockBytes: random.blockBytes } });
      const expected = random.stages.reduce(
        (before, part) => oracle(before, part.stage),
        random.blocks.flat(),
      );
      const rows = await env.drive(run.collect()).catch((error: unknown) => {
        if (isHonestStall(error, random)) return undefined;
        throw error;
      });
      if (rows !== undefined) expect(rows).toEqual(expected);
    }),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? 300) },
  );
});

/** A batch has to hold more rows than the budget of bytes allows: that cannot be, and is said so. */
function isHonestStall(error: unknown, { stages, blockBytes }: Case): boolean {
  let held = 0;
  for (const { stage } of stages) if (stage.kind === 'batch') held += 8 * stage.rows;
  return error instanceof StallError && held > blockBytes / 4;
}

function apply(
  flow: Flow<number>,
  { stage, tuning }: { stage: Stage; tuning: Tuning },
  env: SimEnv,
): Flow<number> {
  const options = {
    resources: { cpu: tuning.cpu },
    preserveOrder: tuning.preserveOrder,
    ...(tuning.maxConcurrency === undefined ? {} : { maxConcurrency: tuning.maxConcurrency }),
    ...(tuning.outputRows === undefined ? {} : { output: { rows: tuning.outputRows } }),
    ...(tuning.bundle === undefined ? {} : { input: { blocks: tuning.bundle } }),
    ...(tuning.queue === undefined ? {} : { queue: { blocks: tuning.queue } }),
  };
  const random = (): number => Math.floor(env.random() * 20);
  switch (stage.kind) {
    case 'map':
      if (stage.how === 'sync') return flow.map((row) => row + stage.add, options);
      return flow.map(async (row) => {
        if (stage.how === 'slow') await env.sleep(random());
        return row + stage.add;
      }, options);
    case 'filter':
      return flow.filter((row) => row % stage.divisor !== 0, options);
    case 'flatMap':
      if (stage.how === 'sync') {
        return flow.flatMap((row) => Array.from({ length: stage.copies }, () => row), options);
      }
      return flow.flatMap(async function* (row) {
        for (let copy = 0; copy < stage.copies; copy++) {
          await env.sleep(random());
          yield row;
        }
      }, options);
    case 'mapBlocks':
      switch (stage.how) {
        case 'array':
          return flow.mapBlocks((rows) => rows.map((row) => row + 1), options);
        case 'promise':
          return flow.mapBlocks(async (rows) => {
            await env.sleep(stage.delay);
            return rows.map((row) => row + 1);
          }, options);
        case 'generator':
          return flow.mapBlocks(function* (rows) {
            for (const row of rows) yield [row + 1];
          }, options);
        case 'asyncGenerator':
          return flow.mapBlocks(async function* (rows) {
            for (const row of rows) {
              await env.sleep(random());
              yield [row + 1];
            }
          }, options);
      }
    case 'flaky':
      return flow.mapBlocks(
        function* (rows, { attempt }) {
          const halfway = Math.floor(rows.length / 2);
          for (const [index, row] of rows.entries()) {
            if (index === halfway && attempt <= stage.failures) throw new Error('flaky');
            yield [row + 1];
          }
        },
        { ...options, atomic: stage.atomic, retries: { count: 3, backoff: 10 } },
      );
    case 'batch':
      return flow.batch({ rows: stage.rows });
    case 'tee': {
      const [left, right] = flow.tee();
      return left.map((row) => row + stage.left).union(right.map((row) => row + stage.right));
    }
    case 'split': {
      const [left, right] = flow.split();
      return left.map((row) => row + stage.left).union(right.map((row) => row + stage.left));
    }
  }
}

function oracle(rows: readonly number[], stage: Stage): number[] {
  switch (stage.kind) {
    case 'map':
      return rows.map((row) => row + stage.add);
    case 'filter':
      return rows.filter((row) => row % stage.divisor !== 0);
    case 'flatMap':
      return rows.flatMap((row) => Array.from({ length: stage.copies }, () => row));
    case 'mapBlocks':
    case 'flaky':
      return rows.map((row) => row + 1);
    case 'batch':
      return [...rows];
    case 'tee':
      return [...rows.map((row) => row + stage.left), ...rows.map((row) => row + stage.right)];
    case 'split':
      return rows.map((row) => row + stage.left);
  }
}

function sorted(rows: readonly number[]): number[] {
  return [...rows].sort((a, b) => a - b);
}
