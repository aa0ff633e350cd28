/** Runs of ours in viewers of XState 4: the receivers of `@xstate/inspect`, with that package as it is. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createWebSocketReceiver } from '@xstate/inspect';
import { inspect } from '@xstate/inspect/lib/server.js';
import { afterAll, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import type { AnyStateMachine } from 'xstate';
import { pipeline, xstate4Inspector, type Run, type XState4DevTools } from '../../src/index.ts';

vi.stubGlobal('WebSocket', WebSocket);
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
inspect({ server: server as never });
const devTools = (globalThis as unknown as { __xstate__: XState4DevTools }).__xstate__;
const { port } = server.address() as AddressInfo;
afterAll(() => {
  server.close();
  vi.unstubAllGlobals();
});

interface Told {
  readonly type: string;
  readonly sessionId: string;
  readonly id?: string;
  readonly machine?: AnyStateMachine;
  readonly state?: { readonly value: unknown; readonly context: unknown };
  readonly event?: { readonly name: string };
}

let told: Told[];
let receiver: ReturnType<typeof createWebSocketReceiver>;
beforeEach(async () => {
  // Receivers of this package cannot be closed: each keeps to its own list.
  const mine: Told[] = [];
  told = mine;
  const entered = once(server, 'connection');
  receiver = createWebSocketReceiver({ server: `127.0.0.1:${String(port)}`, serialize: undefined });
  receiver.subscribe((event) => mine.push(event));
  const [socket] = (await entered) as [WebSocket];
  await once(socket, 'message');
});

function start(options?: Parameters<typeof xstate4Inspector>[1]): Run<number> {
  return pipeline('seen')
    .from([1, 2, 3])
    .map((row: number) => row + 1, { name: 'increment' })
    .start({ inspect: xstate4Inspector(devTools, options) });
}

/** All that has been told of the actor with this name, once it has stopped. */
async function toldOf(id: string): Promise<readonly Told[]> {
  return vi.waitFor(() => {
    const sessionId = told.find((event) => event.id === id)?.sessionId;
    const found = told.filter((event) => event.sessionId === sessionId);
    expect(found.at(-1)?.type).toBe('service.stop');
    return found;
  });
}

test('a receiver sees the charts, states, messages and the end of a run', async () => {
  const run = start();
  expect(await run.collect()).toEqual([2, 3, 4]);
  const [registered, ...events] = await toldOf('seen');
  const { machine } = registered ?? {};
  expect(machine?.id).toBe('supervisor');
  expect(Object.keys(machine?.states ?? {})).toEqual(
    expect.arrayContaining(['idle', 'running', 'draining', 'done']),
  );
  // It is a machine of version 4: it can be asked what comes next.
  const [cancelling] = machine?.states['running']?.definition.on['run.cancel'] ?? [];
  expect(JSON.parse(JSON.stringify(cancelling))).toMatchObject({
    target: ['#supervisor.draining'],
    actions: [{ type: 'cancel' }],
  });
  const values = events.flatMap(({ state }) => (state === undefined ? [] : [state.value]));
  expect(JSON.stringify(values)).toContain('running');
  expect(values.at(-1)).toBe('done');
  const operator = await toldOf('increment');
  expect(operator.map(({ event }) => event?.name)).toContain('operator.dispatch');
});

test('a receiver that comes late is told of what is there', async () => {
  const run = start();
  const late: Told[] = [];
  createWebSocketReceiver({
    server: `127.0.0.1:${String(port)}`,
    serialize: undefined,
  }).subscribe((event) => late.push(event));
  await vi.waitFor(() => {
    expect(late.some(({ machine }) => machine?.id === 'supervisor')).toBe(true);
  });
  await run.drain();
});

test('a receiver may look, and send nothing', async () => {
  const run = start();
  await vi.waitFor(() => {
    expect(told.some(({ id }) => id === 'seen')).toBe(true);
  });
  const { sessionId } = told.find(({ id }) => id === 'seen') ?? {};
  const event = JSON.stringify({
    $$type: 'scxml',
    name: 'run.cancel',
    data: { type: 'run.cancel' },
    origin: sessionId,
  });
  receiver.send({ type: 'xstate.event', event, service: sessionId ?? '' });
  await vi.waitFor(() => {
    // It has reached the package.
    expect(told.some(({ event: seen }) => seen?.name === 'run.cancel')).toBe(true);
  });
  expect(await run.collect()).toEqual([2, 3, 4]);
});

test('only what is asked for is shown, and no secrets', async () => {
  const run = start({
    actors: ({ id }) => id === 'increment',
    redact: (key) => (key === 'plan' ? 'hidden' : undefined),
  });
  await run.collect();
  const seen = await toldOf('increment');
  expect(told.filter(({ id }) => id !== undefined)).toHaveLength(1);
  expect(seen[0]?.state?.context).toMatchObject({ plan: 'hidden' });
  expect(() => xstate4Inspector(devTools, { all: true } as never)).toThrow('"all"');
});
