/** The bridge to `@statelyai/inspect`, with that package as it is. */
import { createInspector } from '@statelyai/inspect';
import { describe, expect, test, vi } from 'vitest';
import { createActor, setup } from 'xstate';
import { pipeline, statelyInspector, type StatelyInspectorOptions } from '../../src/index.ts';

type Sent = Parameters<Parameters<typeof createInspector>[0]['send']>[0];

/** What reaches the inspector of a run. It converts in idle time: it is waited for. */
async function sentOf(options?: StatelyInspectorOptions): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  const inspector = createInspector({ send: (event) => sent.push(event) });
  const run = pipeline('seen')
    .fromBlocks([[1], [2], [3]])
    .map((row: number) => row + 1, { name: 'increment' })
    .start({ inspect: statelyInspector(inspector, options) });
  expect(await run.collect()).toEqual([2, 3, 4]);
  expect(run.callbackErrors.count).toBe(0);
  let before = -1;
  await vi.waitFor(() => {
    const now = sent.length;
    const isQuiet = now === before;
    before = now;
    expect(isQuiet).toBe(true);
  });
  return sent;
}

const named = (sent: readonly Sent[]): readonly string[] =>
  sent.flatMap((event) => (event.type === '@xstate.actor' ? [event.name] : []));

describe('the inspector of XState shows', () => {
  test('the charts of a run with their definitions, and none of its hands', async () => {
    const sent = await sentOf();
    expect(named(sent)).toEqual(
      expect.arrayContaining(['seen', 'resource', 'source', 'increment', 'task0']),
    );
    for (const hand of ['runner', 'store', 'clock', 'outlet']) {
      expect(named(sent)).not.toContain(hand);
    }
    const [root] = sent;
    expect(root?.type === '@xstate.actor' && root.definition).toContain('"id":"supervisor"');
    const states = sent.flatMap((event) =>
      event.type === '@xstate.snapshot' ? [JSON.stringify(event.snapshot)] : [],
    );
    expect(states.some((state) => state.includes('"running"'))).toBe(true);
    expect(states.at(-1)).toContain('"done"');
  });

  test('what things were when they happened, and not what they are when it looks', async () => {
    const sent = await sentOf();
    const cycles = sent.flatMap((event) => {
      if (event.type !== '@xstate.snapshot') return [];
      const { context } = event.snapshot as { context?: { cycles?: number } };
      return context?.cycles === undefined ? [] : [context.cycles];
    });
    expect(cycles[0]).toBe(0);
    expect(new Set(cycles).size).toBeGreaterThan(2);
    expect([...cycles].sort((a, b) => a - b)).toEqual(cycles);
  });

  test('only what it is asked for, before anything is converted', async () => {
    const convert = vi.spyOn(JSON, 'stringify');
    const sent = await sentOf({
      actors: ({ id }) => id === 'increment',
      messages: (type) => type === 'operator.dispatch',
      context: false,
    });
    convert.mockRestore();
    expect(named(sent)).toEqual(['increment']);
    for (const event of sent) {
      if (event.type !== '@xstate.actor') expect(event.event.type).toBe('operator.dispatch');
      if (event.type === '@xstate.snapshot') expect(event.snapshot).not.toHaveProperty('context');
    }
  });

  test('no secrets of contexts', () => {
    const next = vi.fn();
    const machine = setup({ types: { context: {} as { apiKey: string } } }).createMachine({
      context: { apiKey: 'hunter2' },
      on: { '*': {} },
    });
    const actor = createActor(machine, { inspect: statelyInspector({ inspect: { next } }) });
    actor.start();
    actor.send({ type: 'x', token: 'hunter2' });
    expect(JSON.stringify(next.mock.calls)).toContain('[redacted]');
    const seen = next.mock.calls.flatMap(([event]: unknown[]) => {
      const { event: message, snapshot } = event as { event?: unknown; snapshot?: unknown };
      return [message, snapshot];
    });
    expect(JSON.stringify(seen)).not.toContain('hunter2');
  });
});
