/**
 * What the inspector's server sends to a viewer: fifty operators that end ten tasks a second each, as they
 * would by a clock; bytes and processor time for each second of the run, of events as they are, packed, and
 * of the topics of each tab. Beside them, figures alone: as events, packed, and as one frame of columns
 * every 100 ms, which forgets what was between.
 * Run it: `npm run bench:wire`
 */
import { performance } from 'node:perf_hooks';
import { simEnv } from '../actors/sim-env.ts';
import type { OperatorFigures, RunEvent } from '../machines/run-event.ts';
import { modelOf } from '../src/inspect/export/index.ts';
import { createPacker, createUnpacker, type PackedEvent } from '../src/inspect/packed-events.ts';
import { isWatched, type Topic } from '../src/inspect/topics.ts';
import { pipeline, type Flow } from '../src/index.ts';
import { digits, printTable } from './harness/table.ts';

const OPERATORS = 50;
const TASK_MS = 100;
const WARM_MS = 10_000;
const SECONDS = 10;
const ROUNDS = 7;
/** How often a viewer is told. */
const TELL_MS = 100;

const env = simEnv();

function* rows(): Generator<number> {
  for (let row = 0; ; row += 1) yield row;
}

function chain(): Flow<number> {
  let flow: Flow<number> = pipeline('chain').from(rows(), { rowsPerBlock: 1 });
  for (let stage = 1; stage < OPERATORS; stage += 1) {
    flow = flow.mapBlocks(
      async (block: number[]) => {
        await env.sleep(TASK_MS);
        return block;
      },
      { name: `stage ${String(stage)}`, maxConcurrency: 1, resources: {} },
    );
  }
  return flow;
}

const before: RunEvent[] = [];
const events: RunEvent[] = [];
const run = chain().start({
  env,
  onEvent: (event) => (event.at < WARM_MS ? before : events).push(event),
});
run.drain().catch(() => undefined);
await env.advance(WARM_MS + SECONDS * 1000);
const model = modelOf(before);

/** The events of each time a viewer is told. */
function batches(chosen: readonly RunEvent[]): readonly (readonly RunEvent[])[] {
  const found: RunEvent[][] = Array.from({ length: (SECONDS * 1000) / TELL_MS }, () => []);
  for (const event of chosen) found[Math.floor((event.at - WARM_MS) / TELL_MS)]?.push(event);
  return found;
}

interface Measured {
  readonly what: string;
  readonly kib: number;
  readonly serverMs: number;
  readonly viewerMs: number;
}

const median = (numbers: number[]): number =>
  numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;

function measure(
  what: string,
  chosen: readonly RunEvent[],
  pack: () => (batch: readonly RunEvent[]) => unknown,
  unpack: () => (packed: unknown) => void,
): Measured {
  const told = batches(chosen);
  const [server, viewer]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 0; round <= ROUNDS; round += 1) {
    const [packBatch, unpackBatch] = [pack(), unpack()];
    const started = performance.now();
    const texts = told.map((batch) => JSON.stringify(packBatch(batch)));
    const packed = performance.now();
    for (const text of texts) unpackBatch(JSON.parse(text));
    server.push(packed - started);
    viewer.push(performance.now() - packed);
    bytes = texts.reduce((sum, text) => sum + text.length, 0);
  }
  return {
    what,
    kib: bytes / 1024 / SECONDS,
    serverMs: median(server) / SECONDS,
    viewerMs: median(viewer) / SECONDS,
  };
}

const asTheyAre = (what: string, chosen: readonly RunEvent[]): Measured =>
  measure(
    what,
    chosen,
    () => (batch) => batch,
    () => () => undefined,
  );

function packed(what: string, chosen: readonly RunEvent[], topics?: readonly Topic[]): Measured {
  return measure(
    what,
    chosen,
    () => {
      const packer = createPacker();
      packer.reset(model);
      return (batch) =>
        batch.filter((event) => isWatched(event, topics, model)).map((event) => packer.pack(event));
    },
    () => {
      const unpacker = createUnpacker();
      unpacker.reset(model);
      return (batch) => (batch as PackedEvent[]).map((event) => unpacker.unpack(event));
    },
  );
}

/** For each figure the operators of which it has changed since the last frame, and their new values. */
function columns(what: string, chosen: readonly RunEvent[]): Measured {
  return measure(
    what,
    chosen,
    () => {
      const known = new Map(model.operators.map(({ name, figures }) => [name, figures]));
      return (batch) => {
        const latest = new Map<string, OperatorFigures>();
        for (const event of batch) {
          if (event.type === 'operator.changed') latest.set(event.operator, event.figures);
        }
        const frame: Record<string, [number[], unknown[]]> = {};
        model.operators.forEach(({ name }, index) => {
          const now = latest.get(name);
          if (now === undefined) return;
          for (const [field, value] of Object.entries(now)) {
            const then = (known.get(name) as Record<string, unknown> | undefined)?.[field];
            if (JSON.stringify(then) === JSON.stringify(value)) continue;
            const [indices, values] = (frame[field] ??= [[], []]);
            indices.push(index);
            values.push(value);
          }
          known.set(name, now);
        });
        return frame;
      };
    },
    () => () => undefined,
  );
}

const figures = events.filter(({ type }) => type === 'operator.changed');
const measured = [
  asTheyAre('everything, as it is', events),
  packed('everything, packed', events),
  packed('tabs Pipeline, Metrics, Events', events, []),
  packed('tab Timeline', events, ['states']),
  packed('tab Messages', events, ['messages']),
  packed('tab Actors, one actor', events, ['states', 'actor:chain/stage 7']),
  asTheyAre('figures alone, as they are', figures),
  packed('figures alone, packed', figures),
  columns('figures alone, columns every 100 ms', figures),
];
printTable(
  `${String(OPERATORS)} operators, ${digits(events.length / SECONDS)} events a second (figures: ${digits(figures.length / SECONDS)})`,
  [
    { title: 'sent', cell: ({ what }) => what, align: 'left' },
    { title: 'KiB/s', cell: ({ kib }) => digits(kib) },
    { title: 'server, ms/s', cell: ({ serverMs }) => digits(serverMs) },
    { title: 'viewer, ms/s', cell: ({ viewerMs }) => digits(viewerMs) },
  ],
  measured,
);
await env.drive(run.cancel());
