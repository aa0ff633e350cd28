/** What a viewer in the same process sees and does: timeline, values, breakpoints, commands. */
import { describe, expect, test } from 'vitest';
import { simEnv } from '../../actors/sim-env.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { pipeline, type Run } from '../../src/index.ts';
import { localSource } from '../../src/inspect/local-source.ts';
import type { BreakpointSpec } from '../../src/inspect/protocol.ts';
import { createTimeline } from '../../src/inspect/timeline.ts';
import { applyRunEvent, emptyModel, operatorNamed } from '../../src/run-model/index.ts';

function slowRun(parts: { retries?: number } = {}) {
  const env = simEnv();
  const run = pipeline('watched')
    .fromBlocks(Array.from({ length: 60 }, (_, row) => [row]))
    .mapBlocks(
      async (rows: number[], { attempt }) => {
        await env.sleep(100);
        if (parts.retries !== undefined && attempt === 1 && rows[0] === 4) throw new Error('bad');
        return rows;
      },
      { name: 'work', maxConcurrency: 2, retries: parts.retries ?? 0 },
    )
    .start({ env, budget: { cpu: 4 } });
  void run.drain().catch(() => undefined);
  return { env, run, end: () => env.drive(run.cancel()) };
}

const withoutRevision = (model: object): unknown =>
  JSON.parse(JSON.stringify({ ...model, revision: 0 })) as unknown;

describe('a timeline', () => {
  async function recorded(): Promise<readonly RunEvent[]> {
    const { env, run } = slowRun();
    const events: RunEvent[] = [];
    run.trace.subscribe((event) => events.push(event));
    await env.drive(run.done);
    return events;
  }

  test.each([false, true])('leads back to any moment (compact: %s)', async (compact) => {
    const events = await recorded();
    const timeline = createTimeline({ compact });
    for (const event of events) timeline.push(event);
    expect(timeline.range().keyframes.length).toBeGreaterThan(1);
    for (const at of [0, 99, 100, 1234, 2500, timeline.model.at]) {
      const past = emptyModel();
      for (const event of events) if (event.at <= at) applyRunEvent(past, event);
      const found = timeline.modelAt(at);
      expect(found?.at).toBe(at);
      for (const part of ['operators', 'actors', 'used', 'state', 'seq', 'plan'] as const) {
        expect(withoutRevision({ part: found?.[part] })).toEqual(
          withoutRevision({ part: past[part] }),
        );
      }
      expect(found?.history.tasks).toEqual(past.history.tasks);
      expect(found?.history.messages).toEqual(past.history.messages);
    }
  });

  test('looking back leaves it as it is', async () => {
    const events = await recorded();
    const timeline = createTimeline();
    for (const event of events) timeline.push(event);
    const before = JSON.stringify(timeline.model);
    for (const at of [0, 700, 1500]) {
      const past = timeline.modelAt(at);
      past?.history.tasks.entries.pop();
      if (past !== undefined) past.operators.length = 0;
    }
    expect(JSON.stringify(timeline.model)).toBe(before);
    expect(timeline.modelAt(700)?.operators).toHaveLength(2);
  });

  test('keeps no more than it may, and says from when on', async () => {
    const events = await recorded();
    const timeline = createTimeline({ maxBytes: 600_000 });
    for (const event of events) timeline.push(event);
    const { from, firstSeq, lastSeq } = timeline.range();
    expect(from).toBeGreaterThan(0);
    expect(lastSeq).toBe(events.length - 1);
    const [first] = timeline.events(0, 1);
    expect(first?.seq).toBe(firstSeq);
    expect(timeline.modelAt(0)?.at).toBeGreaterThanOrEqual(0);
  });

  test('has the events by number', async () => {
    const events = await recorded();
    const timeline = createTimeline({ compact: true });
    for (const event of events) timeline.push(event);
    expect(timeline.events(10, 5)).toEqual(events.slice(10, 15));
    expect(timeline.events(1990, 30)).toEqual(events.slice(1990, 2020));
    expect(timeline.events(events.length, 5)).toEqual([]);
  });
});

describe('a viewer in the same process', () => {
  test('sees the run as it goes, and its end', async () => {
    const { env, run } = slowRun();
    const source = localSource(run, { control: true });
    let told = 0;
    const seen: RunEvent[] = [];
    source.subscribe(() => (told += 1));
    source.onEvents((events) => seen.push(...events));
    expect(source.status.kind).toBe('live');
    await env.drive(run.done);
    await env.advance(1000);
    expect(source.status.kind).toBe('ended');
    expect(source.model.end?.status).toBe('done');
    expect(told).toBeGreaterThan(5);
    expect(seen.map(({ seq }) => seq)).toEqual(
      Array.from({ length: seen.length }, (_, index) => index + (seen[0]?.seq ?? 0)),
    );
    expect((await source.modelAt(500)).at).toBe(500);
    source.close();
    expect(env.pending()).toBe(0);
  });

  test('may only look, unless it is said otherwise', async () => {
    const { run, end } = slowRun();
    const source = localSource(run);
    expect(source.rights.control).toBe(false);
    await expect(source.command({ type: 'hold' })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    source.close();
    await end();
  });

  test('sees how long nothing has happened', async () => {
    const env = simEnv();
    const run = pipeline('stuck')
      .fromBlocks([[1], [2], [3]])
      .map((row: number) => row)
      .start({ env });
    const source = localSource(run);
    await env.advance(5000);
    expect(source.model.at).toBeGreaterThan(4500);
    expect(source.model.why).toMatchObject({ kind: 'consumer', limit: 'demand' });
    source.close();
    await env.drive(run.cancel());
  });

  test('holds, steps, resumes, and changes limits', async () => {
    const { env, run, end } = slowRun();
    const source = localSource(run, { control: true });
    await env.advance(150);
    await source.command({ type: 'hold' });
    await env.advance(300);
    expect(source.model.pausedSince).toBeDefined();
    expect(source.model.why.kind).toBe('paused');
    expect(operatorNamed(source.model, 'work')?.figures.active).toBe(0);
    const cycles = source.model.cycles;
    await env.drive(source.command({ type: 'step', by: 'cycle' }));
    expect(source.model.cycles).toBe(cycles + 1);
    await source.command({ type: 'setMaxConcurrency', operator: 'work', maxConcurrency: 4 });
    await source.command({ type: 'setBudget', amounts: { cpu: 3 } });
    await source.command({ type: 'resume' });
    await env.advance(50);
    expect(operatorNamed(source.model, 'work')?.figures).toMatchObject({
      active: 3,
      maxConcurrency: 4,
    });
    expect(source.model.budget.resources['cpu']).toEqual({ amount: 3 });
    await expect(source.command({ type: 'setBudget', amounts: { gpu: 3 } })).rejects.toThrow(
      'the budget has no "gpu"; it has: cpu, blockBytes',
    );
    await source.command({ type: 'cancel' });
    await env.drive(run.done);
    expect(source.model.end).toMatchObject({ status: 'cancelled' });
    await expect(source.command({ type: 'hold' })).rejects.toMatchObject({ code: 'RUN' });
    source.close();
    await end();
  });

  test('is shown values without secrets, cut short', async () => {
    const { env, run, end } = slowRun();
    const source = localSource(run);
    await env.advance(50);
    const { state, context } = await source.value('watched/work');
    expect(state).toBe('running');
    expect(context).toMatchObject({ plan: { name: 'work' }, counts: { tasks: 0 } });
    await expect(source.value('watched/nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(source.value('watched/__proto__')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(source.value('constructor')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    source.close();
    await end();
  });

  test('is refused for what is no run', () => {
    expect(() => localSource({} as Run<unknown>)).toThrow('this is no run');
  });
});

describe('a breakpoint', () => {
  const cases: readonly [string, BreakpointSpec, RegExp][] = [
    [
      'a state',
      { on: 'state', actor: 'watched/work/task0', state: 'starting' },
      /task0 entered starting/,
    ],
    [
      'a message',
      { on: 'message', message: 'task.settled' },
      /task\.settled was delivered to watched\/work/,
    ],
    ['a queue', { on: 'queue', operator: 'work', above: 5 }, /\d blocks wait in front of work/],
    ['a failure', { on: 'failure', operator: 'work' }, /task \d+ of work failed: bad/],
    [
      'a block',
      { on: 'blocked', operator: 'source', longerThanMs: 30 },
      /source blocked by queue for/,
    ],
  ];

  test.each(cases)('on %s holds the run right after it', async (_name, spec, text) => {
    const { env, run, end } = slowRun({ retries: 1 });
    const source = localSource(run, { control: true });
    const added = (await source.command({ type: 'addBreakpoint', breakpoint: spec })) as object;
    expect(added).toMatchObject({ ...spec, id: 'b1', hits: 0 });
    await env.advance(3000);
    expect(source.model.state).toBe('paused');
    expect(source.model.breakpoint?.text).toMatch(text);
    expect(source.model.why.text).toMatch(/^held by a breakpoint/);
    expect(source.breakpoints).toMatchObject([{ id: 'b1' }]);
    expect(run.snapshot().state).toBe('paused');
    source.close();
    await end();
  });

  test('counts, and goes away after its only time', async () => {
    const { env, run, end } = slowRun();
    const source = localSource(run, { control: true });
    await source.command({
      type: 'addBreakpoint',
      breakpoint: { on: 'message', message: 'task.settled', hit: 4, once: true },
    });
    await env.advance(2000);
    expect(source.model.state).toBe('paused');
    expect(source.model.operators[1]?.figures.done).toBeGreaterThanOrEqual(4);
    expect(source.breakpoints).toEqual([]);
    await source.command({ type: 'resume' });
    await env.advance(2000);
    expect(source.model.breakpoint).toBeUndefined();
    expect(source.model.state).not.toBe('paused');
    source.close();
    await end();
  });

  test.each([
    [{ on: 'queue', operator: 'work' }, 'breakpoint.above'],
    [{ on: 'state' }, 'breakpoint.state'],
    [{ on: 'eval', state: 'x' }, 'breakpoint.on'],
    [{ on: 'failure', hit: 0 }, 'breakpoint.hit'],
    [{ on: 'blocked', longerThanMs: Number.NaN }, 'breakpoint.longerThanMs'],
  ])('that makes no sense is refused: %j', async (breakpoint, option) => {
    const { run, end } = slowRun();
    const source = localSource(run, { control: true });
    await expect(
      source.command({ type: 'addBreakpoint', breakpoint: breakpoint as BreakpointSpec }),
    ).rejects.toMatchObject({ code: 'OPTION', option });
    source.close();
    await end();
  });

  test('can be taken away', async () => {
    const { env, run, end } = slowRun();
    const source = localSource(run, { control: true });
    await source.command({
      type: 'addBreakpoint',
      breakpoint: { on: 'message', message: 'task.settled' },
    });
    await source.command({ type: 'removeBreakpoint', id: 'b1' });
    await expect(source.command({ type: 'removeBreakpoint', id: 'b1' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await env.advance(500);
    expect(source.model.state).not.toBe('paused');
    source.close();
    await end();
  });
});
