/** Recordings that begin in the middle of a run: by a viewer, and where the oldest events are gone. */
import { expect, test, vi } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline } from '../../src/index.ts';
import { modelOf } from '../../src/inspect/export/index.ts';
import { localSource } from '../../src/inspect/local-source.ts';
import { parseRecording } from '../../src/inspect/recording.ts';
import type { RunSource } from '../../src/inspect/run-source.ts';
import { startTape } from '../../src/inspect/tape.ts';
import { createTimeline } from '../../src/inspect/timeline.ts';
import { createTranscript } from '../../src/inspect/transcript.ts';
import { emptyModel, type RunModel } from '../../src/run-model/index.ts';

function slowRun() {
  const env = simEnv();
  const run = pipeline('taped')
    .fromBlocks(Array.from({ length: 60 }, (_, row) => [row]))
    .mapBlocks(
      async (rows: number[]) => {
        await env.sleep(100);
        return rows;
      },
      { name: 'work', maxConcurrency: 2 },
    )
    .start({ env, budget: { cpu: 4 } });
  void run.drain().catch(() => undefined);
  return { env, run };
}

async function allEvents(): Promise<readonly RunEvent[]> {
  const { env, run } = slowRun();
  const events: RunEvent[] = [];
  run.trace.subscribe((event) => events.push(event));
  await env.drive(run.done);
  return events;
}

/** What is told of a run now: what was before is not. */
function present({ plan, budget, state, cycles, used, liveBytes, consumer, ...model }: RunModel) {
  return {
    ...{ plan, budget, state, cycles, used, liveBytes, end: model.end },
    consumer: { ...consumer, blocks: 0 },
    operators: model.operators.map(({ figures, account, denial, doing, doingSince, running }) => ({
      ...{ figures, account, denial, doing, doingSince },
      running: running.map((bar) => bar && { task: bar.task, lineage: bar.lineage }),
    })),
    actors: Object.values(model.actors)
      .filter(({ stoppedAt }) => stoppedAt === undefined)
      .map(({ path, machine, state: actorState }) => ({ path, machine, state: actorState })),
  };
}

/** A source that is told what to show, and that tells its listeners of nothing but that something has changed. */
function stagedSource(maxBytes = Infinity): RunSource & {
  readonly push: (events: readonly RunEvent[]) => void;
  readonly show: (id: string) => void;
} {
  const timeline = createTimeline({ maxBytes });
  const listeners = new Set<() => void>();
  let id = 'run-0';
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const never = (): Promise<never> => Promise.reject(new Error('not asked for'));
  return {
    model: timeline.model,
    status: { kind: 'live' },
    get run() {
      return { id, name: 'staged', startedAt: 5, kind: 'pipeline', ended: false } as const;
    },
    runs: [],
    rights: { control: false, values: false },
    breakpoints: [],
    get range() {
      return timeline.range();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onEvents: () => () => undefined,
    modelAt: (at) => Promise.resolve(timeline.modelAt(at) ?? emptyModel()),
    events: (fromSeq, limit) => Promise.resolve(timeline.events(fromSeq, limit)),
    value: never,
    select: never,
    command: never,
    close: () => undefined,
    push(events) {
      for (const event of events) timeline.push(event);
      tell();
    },
    show(other) {
      id = other;
      tell();
    },
  };
}

test('a tape of the rest of a run tells it as it is', async () => {
  const { env, run } = slowRun();
  const source = localSource(run);
  await env.advance(1030);
  let ends = 0;
  const tape = startTape(source, () => {
    ends += 1;
  });
  expect(tape.from).toBeCloseTo(source.model.at);
  await env.advance(700);
  const first = parseRecording(await tape.stop());
  expect(first.isPartial).toBe(true);
  expect(first.header.name).toBe('taped');
  const told = modelOf(first.events);
  expect(told.history.tasks.entries.length).toBeGreaterThan(8);
  expect(present(told)).toEqual(present(source.model));
  expect(ends).toBe(0);

  const second = startTape(source, () => {
    ends += 1;
  });
  await env.drive(run.done);
  await env.advance(100);
  expect(ends).toBeGreaterThan(0);
  const { events, isPartial } = parseRecording(await second.stop());
  expect(isPartial).toBe(false);
  expect(present(modelOf(events))).toEqual(present(source.model));
  source.close();
});

test('causes lie within the tape, or are left out', async () => {
  const all = await allEvents();
  const half = all.length >> 1;
  const events: RunEvent[] = [];
  const transcript = createTranscript((event) => events.push(event));
  transcript.tell(modelOf(all.slice(0, half)));
  const told = events.length;
  for (const event of all.slice(half)) transcript.add(event);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index));
  const causes = events.flatMap((event) =>
    event.type === 'message' && event.cause !== undefined ? [[event.cause, event.seq]] : [],
  );
  expect(causes.length).toBeGreaterThan(20);
  for (const [cause = -1, seq = -1] of causes) {
    expect(cause).toBeGreaterThanOrEqual(told);
    expect(cause).toBeLessThan(seq);
    expect(events[cause]?.type).toBe('message');
  }
  expect(present(modelOf(events))).toEqual(present(modelOf(all)));
});

test('what the inspector has let go of in between is told by how things were after it', async () => {
  const all = await allEvents();
  const source = stagedSource(300_000);
  source.push(all.slice(0, 100));
  const tape = startTape(source, () => undefined);
  source.push(all.slice(100));
  expect(source.range.firstSeq).toBeGreaterThan(100);
  const { events } = parseRecording(await tape.stop());
  expect(events.filter(({ type }) => type === 'run.started')).toHaveLength(2);
  expect(present(modelOf(events))).toEqual(present(modelOf(all)));
});

test('much is fetched while it goes on, so that it is not let go of', async () => {
  const all = await allEvents();
  const source = stagedSource();
  source.push(all.slice(0, 100));
  const tape = startTape(source, () => undefined);
  const first = await vi.waitFor(() => {
    expect(tape.events()).toBeGreaterThan(0);
    return tape.events();
  });
  source.push(all.slice(100, 1400));
  await vi.waitFor(() => {
    expect(tape.events()).toBe(first + 1300);
  });
  await tape.stop();
});

test('another run in the place of this one is not on the tape', async () => {
  const all = await allEvents();
  const source = stagedSource();
  source.push(all.slice(0, 200));
  let ends = 0;
  const tape = startTape(source, () => {
    ends += 1;
  });
  await vi.waitFor(() => {
    expect(tape.events()).toBeGreaterThan(0);
  });
  const before = tape.events();
  source.show('run-1');
  expect(ends).toBe(1);
  source.push(all.slice(200));
  const { events } = parseRecording(await tape.stop());
  expect(events).toHaveLength(before);
  source.show('run-0');
  expect(ends).toBe(2);
});

test('the range of a recording that begins late begins there', async () => {
  const { env, run } = slowRun();
  await env.advance(1500);
  const source = localSource(run);
  expect(source.range.from).toBe(1500);
  await env.drive(run.cancel());
  source.close();
});
