/** What a viewer sees over a socket: from the first message to after the last, whatever happens between. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { simEnv } from '../../actors/sim-env.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline, type Run } from '../../src/index.ts';
import { PROTOCOL_VERSION } from '../../src/inspect/protocol.ts';
import type { RunSource } from '../../src/inspect/run-source.ts';
import { startInspector, type Inspector } from '../../src/inspect/server/index.ts';
import { connectSource, type SocketLike } from '../../src/inspect/socket-source.ts';
import { operatorNamed } from '../../src/run-model/index.ts';
import { partsOf } from './support.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function inspector(options: Parameters<typeof startInspector>[0] = {}): Promise<Inspector> {
  const started = await startInspector(options);
  cleanups.push(() => started.close());
  return started;
}

/** A source, and the sockets it has opened. */
function sourceOf(url: string): { source: RunSource; sockets: WebSocket[] } {
  const { base, token } = partsOf(url);
  const sockets: WebSocket[] = [];
  const source = connectSource({
    url: `${base.replace('http', 'ws')}/live`,
    token,
    open(to, protocols) {
      const socket = new WebSocket(to, protocols, { origin: base });
      sockets.push(socket);
      return socket as unknown as SocketLike;
    },
  });
  cleanups.push(() => {
    source.close();
  });
  return { source, sockets };
}

/** Resolves when something has become true of a source. */
function when(source: RunSource, check: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!check()) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = source.subscribe(look);
    look();
  });
}

/** A run whose time goes by as the test says. */
function simulated(name = 'remote'): { env: ReturnType<typeof simEnv>; run: Run<number> } {
  const env = simEnv();
  const run = pipeline(name)
    .fromBlocks(Array.from({ length: 50 }, (_, row) => [row]))
    .mapBlocks(
      async (rows: number[]) => {
        await env.sleep(100);
        return rows;
      },
      { name: 'work', maxConcurrency: 2 },
    )
    .start({ env, budget: { cpu: 2 } });
  run.drain().catch(() => undefined);
  cleanups.push(() => env.drive(run.cancel()));
  return { env, run };
}

describe('a viewer over a socket', () => {
  test('sees the run from its beginning to its end', async () => {
    const shown = await inspector();
    const { env, run } = simulated();
    shown.inspect(run);
    const { source } = sourceOf(shown.url);
    await when(source, () => source.status.kind === 'live');
    expect(source.run).toMatchObject({ name: 'remote', kind: 'pipeline', ended: false });
    const seen: RunEvent[] = [];
    source.onEvents((events) => seen.push(...events));
    // Bit by bit: of too much at once a viewer is told no more than what came of it.
    for (const done of [20, 40]) {
      await env.advance(1000);
      await when(source, () => (operatorNamed(source.model, 'work')?.figures.done ?? 0) >= done);
    }
    await env.drive(run.done);
    await when(source, () => source.model.end !== undefined);
    expect(source.status.kind).toBe('ended');
    expect(source.model.history.tasks.entries).toHaveLength(51);
    expect(seen.at(-1)?.type).toBe('run.ended');
    await when(source, () => source.run?.ended === true);
  });

  test('who comes late sees all that was', async () => {
    const shown = await inspector();
    const { env, run } = simulated();
    shown.inspect(run);
    await env.advance(1050);
    const { source } = sourceOf(shown.url);
    await when(source, () => source.status.kind === 'live');
    expect(operatorNamed(source.model, 'work')?.figures.done).toBe(20);
    expect(source.model.history.tasks.entries.length).toBeGreaterThanOrEqual(20);
    expect(source.model.history.metrics.at.length).toBeGreaterThan(5);
    const past = await source.modelAt(550);
    expect(past.at).toBe(550);
    expect(operatorNamed(past, 'work')?.figures.done).toBe(10);
    expect(past.history.tasks.entries.filter(({ operator }) => operator === 1)).toHaveLength(10);
    const [first] = await source.events(0, 1);
    expect(first?.type).toBe('run.started');
  });

  test('chooses among the runs of a process', async () => {
    const shown = await inspector();
    const one = simulated('one');
    const two = simulated('two');
    shown.inspect(one.run);
    const { source } = sourceOf(shown.url);
    await when(source, () => source.run?.name === 'one');
    shown.inspect(two.run);
    await when(source, () => source.runs.length === 2);
    expect(source.run?.name).toBe('one');
    await source.select(source.runs[1]?.id ?? '');
    expect(source.run?.name).toBe('two');
    expect(source.model.plan.name).toBe('two');
    await expect(source.select('run-99')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('holds the run, with breakpoints that everybody sees', async () => {
    const shown = await inspector({ control: true });
    const { env, run } = simulated();
    shown.inspect(run);
    const { source } = sourceOf(shown.url);
    const { source: other } = sourceOf(shown.readUrl);
    await when(source, () => source.status.kind === 'live');
    await when(other, () => other.status.kind === 'live');
    expect([source.rights.control, other.rights.control]).toEqual([true, false]);
    await source.command({
      type: 'addBreakpoint',
      breakpoint: { on: 'queue', operator: 'work', above: 3 },
    });
    await when(other, () => other.breakpoints.length === 1);
    await env.advance(300);
    await when(other, () => other.model.breakpoint !== undefined);
    expect(other.model.why.kind).toBe('paused');
    await expect(other.command({ type: 'resume' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await source.command({ type: 'removeBreakpoint', id: 'b1' });
    await source.command({ type: 'resume' });
    await env.advance(100);
    await when(other, () => other.model.pausedSince === undefined);
  });

  test('sees time pass while nothing happens', async () => {
    const shown = await inspector();
    const { env, run } = simulated();
    shown.inspect(run);
    run.pause();
    await env.advance(500);
    const { source } = sourceOf(shown.url);
    await when(source, () => source.status.kind === 'live');
    const before = source.model.at;
    await env.advance(5000);
    await when(source, () => source.model.at >= before + 5000);
  });

  test('comes back by itself when the connection is lost, and goes on where it was', async () => {
    const shown = await inspector();
    const { env, run } = simulated();
    shown.inspect(run);
    const { source, sockets } = sourceOf(shown.url);
    await when(source, () => source.status.kind === 'live');
    const { model } = source;
    await env.advance(500);
    await when(source, () => model.at >= 500);
    sockets[0]?.terminate();
    await when(source, () => source.status.kind === 'disconnected');
    expect(source.status).toMatchObject({ kind: 'disconnected', retryInMs: 500 });
    expect(source.model.at).toBeGreaterThanOrEqual(500);
    await expect(source.value('remote')).rejects.toMatchObject({ code: 'DISCONNECTED' });
    await env.advance(500);
    await when(source, () => source.status.kind === 'live');
    expect(sockets).toHaveLength(2);
    // The same object: viewers hold on to it.
    expect(source.model).toBe(model);
    expect(operatorNamed(source.model, 'work')?.figures.done).toBeGreaterThan(10);
    const ends = source.model.history.tasks.entries.map(({ seq }) => seq);
    expect(new Set(ends).size).toBe(ends.length);
    expect([...ends].sort((a, b) => a - b)).toEqual(ends);
  });

  test('is told why it cannot connect, and tries again', async () => {
    const shown = await inspector();
    const { source } = sourceOf(shown.url.replace(/token=.*/, 'token=wrong'));
    await when(source, () => source.status.kind === 'disconnected');
    expect(source.status).toMatchObject({ kind: 'disconnected', retryInMs: 500 });
    expect(source.run).toBeUndefined();
  });

  test('refuses a server of another version', () => {
    const close = vi.fn();
    const socket: SocketLike = {
      send: vi.fn(),
      close,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
    };
    const source = connectSource({ url: 'ws://x', token: 't', open: () => socket });
    socket.onmessage?.({
      data: JSON.stringify({ type: 'hello', version: PROTOCOL_VERSION + 1, runs: [] }),
    });
    expect(source.status).toMatchObject({
      kind: 'disconnected',
      reason: expect.stringContaining('another version') as string,
    });
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('a viewer that says what it looks at', () => {
  /** Notes what is sent: who listens to a source gets everything. */
  function listenTo(socket: WebSocket | undefined, seen: RunEvent[]): void {
    socket?.on('message', (data) => {
      const { events = [] } = JSON.parse((data as Buffer).toString()) as { events?: unknown[] };
      for (const event of events) if (!Array.isArray(event)) seen.push(event as RunEvent);
    });
  }

  /** Two viewers of one run: one of everything, and one that has said what it wants. */
  async function watched(topics: Parameters<NonNullable<RunSource['watch']>>[0]) {
    const shown = await inspector();
    const { env, run } = simulated();
    shown.inspect(run);
    const all = sourceOf(shown.url);
    const some = sourceOf(shown.url);
    await some.source.watch?.(topics);
    for (const { source } of [all, some]) await when(source, () => source.status.kind === 'live');
    const seen: RunEvent[] = [];
    listenTo(some.sockets[0], seen);
    const both = (check: (source: RunSource) => boolean): Promise<unknown> =>
      Promise.all([all.source, some.source].map((one) => when(one, () => check(one))));
    const advance = async (ms: number): Promise<void> => {
      await env.advance(ms);
      let last = -1;
      run.trace.subscribe(({ seq }) => (last = seq)).unsubscribe();
      const done = run.snapshot().operators['work']?.done;
      await both(({ model }) => operatorNamed(model, 'work')?.figures.done === done);
      expect(last).toBeGreaterThan(0);
    };
    return { env, run, all, some, seen, both, advance };
  }

  const messagesOf = ({ model }: RunSource): readonly number[] =>
    model.history.messages.entries.map(({ seq }) => seq);
  const typesOf = (events: readonly RunEvent[]): ReadonlySet<string> =>
    new Set(events.map(({ type }) => type));

  test('is told of operators and tasks, and not of messages', async () => {
    const { all, some, seen, advance } = await watched([]);
    await advance(1000);
    expect(typesOf(seen)).toContain('task.ended');
    for (const type of ['message', 'token.granted', 'blocks.released']) {
      expect(typesOf(seen)).not.toContain(type);
    }
    const states = seen.flatMap((event) => (event.type === 'state.entered' ? [event.actor] : []));
    expect(states).toContain('remote/work');
    expect(states.filter((actor) => actor.includes('task'))).toEqual([]);
    const { model } = some.source;
    expect(operatorNamed(model, 'work')).toMatchObject({
      figures: operatorNamed(all.source.model, 'work')?.figures,
      state: operatorNamed(all.source.model, 'work')?.state,
    });
    expect(model.history.tasks).toEqual(all.source.model.history.tasks);
    expect(model.seq).toBe(some.source.range.lastSeq);
  });

  test('gets what it has missed when it looks there, and no more than that', async () => {
    const { all, some, both, advance, env, run } = await watched(['messages']);
    await advance(300);
    const watchedUntil = some.source.range.lastSeq;
    // What had happened by now is told, and nothing after it.
    await some.source.watch?.([]);
    const early = messagesOf(some.source);
    expect(early).not.toEqual([]);
    await advance(500);
    expect(messagesOf(some.source)).toEqual(early);
    const frames: { type: string; keyframe?: { model: RunSource['model'] } }[] = [];
    some.sockets[0]?.on('message', (data) => {
      frames.push(JSON.parse((data as Buffer).toString()) as (typeof frames)[number]);
    });
    await some.source.watch?.(['states', 'messages']);
    await both(({ model }) => model.seq === some.source.model.seq);
    expect(messagesOf(some.source)).toEqual(messagesOf(all.source));
    const keyframe = frames.find(({ type }) => type === 'keyframe')?.keyframe;
    const [first] = keyframe?.model.history.messages.entries ?? [];
    expect(first?.seq).toBeGreaterThan(watchedUntil);
    expect(some.source.model.actors).toEqual(all.source.model.actors);
    await env.drive(run.done);
    await both(({ model }) => model.end !== undefined);
    expect(messagesOf(some.source)).toEqual(messagesOf(all.source));
    expect(some.source.model.skipped).toBe(0);
  });

  test('of one actor is told of its messages and states alone', async () => {
    const { seen, advance } = await watched(['actor:remote/work/task0']);
    await advance(500);
    const messages = seen.flatMap((event) => (event.type === 'message' ? [event] : []));
    expect(messages.length).toBeGreaterThan(0);
    for (const { from, to } of messages) expect([from, to]).toContain('remote/work/task0');
    const tasks = seen.flatMap((event) =>
      event.type === 'state.entered' && event.actor.includes('task') ? [event.actor] : [],
    );
    expect(new Set(tasks)).toEqual(new Set(['remote/work/task0']));
  });

  test('says so again when it comes back', async () => {
    const { some, seen, advance } = await watched([]);
    some.sockets[0]?.terminate();
    await when(some.source, () => some.source.status.kind === 'disconnected');
    await when(some.source, () => some.source.status.kind === 'live');
    await some.source.watch?.(['details']);
    seen.length = 0;
    listenTo(some.sockets[1], seen);
    await advance(500);
    expect(typesOf(seen)).toContain('token.granted');
    expect(typesOf(seen)).not.toContain('message');
  });

  test('is told of everything as long as it listens to events', async () => {
    const { some, seen, advance } = await watched([]);
    const heard: RunEvent[] = [];
    const end = some.source.onEvents((events) => heard.push(...events));
    // The answer comes after what was asked for before it.
    await some.source.events(0, 1);
    heard.length = 0;
    await advance(500);
    expect(heard.map(({ seq }) => seq - (heard[0]?.seq ?? 0))).toEqual(heard.map((_e, at) => at));
    expect(typesOf(heard)).toContain('message');
    end();
    await some.source.events(0, 1);
    seen.length = 0;
    await advance(500);
    expect(typesOf(seen)).not.toContain('message');
  });
});
