/**
 * Where the time of a block goes: a CPU profile of the overhead benchmark's work, summed by layer and
 * by function, and the messages between the actors, counted; with bundles of the engine's own choice,
 * and with one block a task.
 */
import { Session, type Profiler } from 'node:inspector/promises';
import type { InspectionEvent } from 'xstate';
import type { OperatorOptions, StartOptions } from '../src/index.ts';
import { benchmark, type Measurement } from './harness/cases.ts';
import { digits, printTable } from './harness/table.ts';
import { runSluice } from './peers/sluice.ts';

const BLOCKS = 20_000;
const WARM_UP_RUNS = 3;
const PROFILED_RUNS = 5;
/** How many functions are listed. */
const LISTED = 25;
const LAYER = 'layer: ';
const FUNCTION = 'function: ';
const MESSAGE = 'message: ';

const transforms = [
  async (rows: number[]) => Promise.resolve(rows.map((row) => row * 2)),
  async (rows: number[]) => Promise.resolve(rows.map((row) => row + 10)),
];

async function runOnce(operator: OperatorOptions, start: StartOptions = {}): Promise<void> {
  const source = Array.from({ length: BLOCKS }, (_, index) => [index, index + 1, index + 2]);
  const stages = transforms.map((transform) => ({ transform, concurrency: 4 }));
  await runSluice({ source, stages, sink: () => undefined }, { operator, start });
}

async function profile(operator: OperatorOptions): Promise<Measurement> {
  for (let run = 0; run < WARM_UP_RUNS; run++) await runOnce(operator);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  for (let run = 0; run < PROFILED_RUNS; run++) await runOnce(operator);
  const { profile: taken } = await session.post('Profiler.stop');
  session.disconnect();

  const measured: Record<string, number> = {};
  const add = (key: string, amount: number): void => {
    measured[key] = (measured[key] ?? 0) + amount;
  };
  for (const { frame, micros } of selfTimes(taken)) {
    const perBlock = micros / (PROFILED_RUNS * BLOCKS);
    const layer = layerOf(frame);
    add(LAYER + layer, perBlock);
    add(`${FUNCTION}${frame.functionName} (${layer})`, perBlock);
  }
  const inspect = ({ type, ...inspected }: InspectionEvent): void => {
    if (type !== '@xstate.event' || !('event' in inspected)) return;
    add(MESSAGE + inspected.event.type, 1 / BLOCKS);
  };
  await runOnce(operator, { inspect });
  return measured;
}

function selfTimes({
  nodes,
  samples = [],
  timeDeltas = [],
}: Profiler.Profile): { frame: Profiler.ProfileNode['callFrame']; micros: number }[] {
  const micros = new Map<number, number>();
  samples.forEach((node, at) => {
    micros.set(node, (micros.get(node) ?? 0) + (timeDeltas[at] ?? 0));
  });
  return nodes.map(({ id, callFrame }) => ({ frame: callFrame, micros: micros.get(id) ?? 0 }));
}

/** A layer is a folder of ours, a package, or something of the platform. */
function layerOf({ functionName, url }: Profiler.ProfileNode['callFrame']): string {
  if (url === '') return functionName.startsWith('(') ? functionName.slice(1, -1) : 'built-ins';
  const [, packageName] = /node_modules\/([^/]+)/.exec(url) ?? [];
  if (packageName !== undefined) return packageName;
  const [, folder] = /\/((?:machines\/\w+|actors|src|bench))[/.]/.exec(url) ?? [];
  return folder ?? 'node';
}

const cases = {
  'bundles of its own choice': () => profile({}),
  'one block a task': () => profile({ input: { blocks: 1 } }),
};

await benchmark(
  import.meta.url,
  cases,
  ({ names, keys, of }) => {
    for (const name of names) {
      const median = (key: string): number => of(name, key).median;
      const ranked = (prefix: string): string[] =>
        keys(name)
          .filter((key) => key.startsWith(prefix))
          .sort((a, b) => median(b) - median(a));
      const print = (prefix: string, unit: string, shown: readonly string[]): void => {
        const total = ranked(prefix).reduce((sum, key) => sum + median(key), 0);
        printTable(
          `${name}: ${prefix.slice(0, -2)}s, ${digits(total)} ${unit} in all`,
          [
            { title: prefix.slice(0, -2), align: 'left', cell: (key) => key.slice(prefix.length) },
            { title: unit, cell: (key) => digits(median(key)) },
            { title: '%', cell: (key) => digits((100 * median(key)) / total) },
          ],
          shown,
        );
      };
      print(LAYER, 'microseconds a block', ranked(LAYER));
      print(FUNCTION, 'microseconds a block', ranked(FUNCTION).slice(0, LISTED));
      print(MESSAGE, 'messages a block', ranked(MESSAGE).slice(0, LISTED));
    }
  },
  1,
);
