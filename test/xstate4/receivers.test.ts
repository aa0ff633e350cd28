/** Apps with XState 4 in our inspector: through the receivers of `@xstate/inspect`, with that package as it is. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createWebSocketReceiver, createWindowReceiver, inspect } from '@xstate/inspect';
import { inspect as inspectServer } from '@xstate/inspect/lib/server.js';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { assign, createMachine, interpret, spawn, type AnyInterpreter } from 'xstate';
import { openSource } from '../../src/inspect/open-source.ts';
import { connectSource } from '../../src/inspect/socket-source.ts';
import { startInspector } from '../../src/inspect/server/index.ts';
import type { RunModel } from '../../src/run-model/index.ts';
import { connectClient, ofType, partsOf } from '../inspect/support.ts';

const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  // The package opens the platform's, which Node has from version 22 on.
  vi.stubGlobal('WebSocket', WebSocket);
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  vi.unstubAllGlobals();
});

const kid = createMachine({ id: 'kid', initial: 'x', states: { x: { on: { POKE: 'y' } }, y: {} } });

const light = createMachine(
  {
    predictableActionArguments: true,
    id: 'light',
    description: 'A light at a crossing.',
    initial: 'green',
    context: { cars: 0, password: 'hunter2', kid: undefined as unknown },
    states: {
      green: {
        entry: ['greet', assign({ kid: () => spawn(kid, 'kid') })],
        on: {
          NEXT: [
            { target: 'yellow', cond: 'isBusy', actions: [assign({ cars: 1 }), () => undefined] },
            { target: 'red' },
          ],
        },
      },
      yellow: { id: 'amber', after: { 100_000: 'red' }, on: { NEXT: 'red' } },
      red: {
        type: 'parallel',
        invoke: { src: 'countDown', id: 'countDown' },
        states: {
          cars: { initial: 'wait', states: { wait: { on: { BACK: '#amber' } } } },
          people: { initial: 'walk', states: { walk: {} } },
        },
      },
    },
  },
  {
    actions: { greet: () => undefined },
    guards: { isBusy: () => true },
    services: { countDown: () => new Promise(() => undefined) },
  },
);

function started(): AnyInterpreter {
  const service = interpret(light, { devTools: true }).start();
  cleanups.push(() => service.stop());
  return service;
}

/** The package keeps what it has attached to for ever: one server does for all. */
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
// Its types know `ws` as CommonJS, ours as a module.
const app = inspectServer({ server: server as never });
afterAll(() => {
  app.disconnect();
});

function connectReceiver(server: string) {
  return createWebSocketReceiver({ server, serialize: undefined });
}

/** A receiver that is connected to the app. */
function appReceiver() {
  return connectReceiver(`127.0.0.1:${String((server.address() as AddressInfo).port)}`);
}

const states = ({ actors }: RunModel): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.values(actors).map(({ path, state }) => [path, state]));

test('the machines of an app are on our page: charts, states, messages, contexts', async () => {
  const service = started();
  const inspector = await startInspector();
  cleanups.push(() => inspector.close());
  const url = inspector.inspectReceiver(appReceiver(), 'crossing');
  const { host, token, base } = partsOf(url);
  const source = connectSource({
    url: `ws://${host}/live`,
    token,
    open: (to, protocols) => new WebSocket(to, protocols, { origin: base }) as never,
  });
  cleanups.push(() => {
    source.close();
  });
  const shows = (expected: object) =>
    vi.waitFor(() => {
      expect(states(source.model)).toMatchObject(expected);
    });

  await shows({ crossing: '', 'crossing/light': 'green', 'crossing/kid': 'x' });
  expect(source.run).toMatchObject({ name: 'crossing', kind: 'actor' });
  const definition = source.model.machines['light'];
  expect(definition).toMatchObject({ id: 'light', description: 'A light at a crossing.' });
  const [green, yellow, red] = definition?.root.states ?? [];
  expect(green).toMatchObject({ id: 'green', entry: ['greet', 'xstate.assign'] });
  expect(green?.transitions).toMatchObject([
    { event: 'NEXT', targets: ['yellow'], guard: 'isBusy', actions: ['xstate.assign', '(inline)'] },
    { event: 'NEXT', targets: ['red'] },
  ]);
  expect(yellow?.transitions).toContainEqual(
    expect.objectContaining({ label: 'after 100000 ms', targets: ['red'] }),
  );
  expect(red).toMatchObject({ type: 'parallel', invoke: ['countDown'] });
  // Its id was given: the path is what says where it is.
  expect(red?.states[0]?.states[0]?.transitions).toMatchObject([{ targets: ['yellow'] }]);

  service.send('NEXT');
  await shows({ 'crossing/light': 'yellow' });
  service.send({ type: 'NEXT' });
  await shows({ 'crossing/light': 'red.cars.wait red.people.walk' });
  (service.getSnapshot().children['kid'] as AnyInterpreter).send('POKE');
  await shows({ 'crossing/kid': 'y' });
  const { entries } = source.model.history.messages;
  expect(entries.map(({ to, type }) => `${to} ${type}`)).toEqual([
    'crossing/light NEXT',
    'crossing/light NEXT',
    'crossing/kid POKE',
  ]);
  expect(await source.value('crossing/light')).toMatchObject({
    context: { cars: 1, password: '[redacted]' },
  });
  await expect(source.value('crossing/other')).rejects.toThrow('there is no machine');
  await expect(source.command({ type: 'hold' })).rejects.toThrow('this address may only look');

  service.stop();
  await vi.waitFor(() => {
    expect(source.model.actors['crossing/light']?.stoppedAt).toBeDefined();
  });
});

test('who is told of a receiver late is told what is there', async () => {
  const service = started();
  service.send('NEXT');
  const early = appReceiver();
  await new Promise<void>((resolve) => {
    early.subscribe(() => {
      resolve();
    });
  });
  const source = await openSource(early);
  cleanups.push(() => {
    source.close();
  });
  await vi.waitFor(() => {
    expect(states(source.model)).toMatchObject({ 'XState 4/light': 'yellow' });
  });
  // All receivers of a server are told when one of them asks: nobody is there twice.
  const other = appReceiver();
  await new Promise<void>((resolve) => {
    other.subscribe(() => {
      resolve();
    });
  });
  service.send('NEXT');
  await vi.waitFor(() => {
    expect(states(source.model)['XState 4/light']).toContain('red');
  });
  expect(Object.keys(source.model.actors).sort()).toEqual([
    'XState 4',
    'XState 4/kid',
    'XState 4/light',
  ]);
});

test('what is nothing the package tells does no harm', async () => {
  const told: ((event: unknown) => void)[] = [];
  const failed: ((error: unknown) => void)[] = [];
  const source = await openSource({
    send: () => undefined,
    subscribe(next, error) {
      told.push(next);
      if (error !== undefined) failed.push(error);
      return { unsubscribe: () => undefined };
    },
  });
  cleanups.push(() => {
    source.close();
  });
  const machine = (id: unknown, states: object = {}) => ({ definition: { id, key: id, states } });
  const state = { value: 'a', _event: { name: 'xstate.init' } };
  const events: unknown[] = [
    null,
    'service.register',
    {},
    { type: 'service.register' },
    { type: 'service.register', sessionId: 'x:1', machine: null, state },
    { type: 'service.register', sessionId: '__proto__', machine: machine('__proto__'), state },
    { type: 'service.register', sessionId: 'x:2', machine: machine(7, { a: null }), state },
    { type: 'service.state', sessionId: 'x:9', state },
    { type: 'service.event', sessionId: 'x:2', event: { name: { evil: true } } },
    { type: 'service.state', sessionId: 'x:2', state: { value: { a: { b: 3 } } } },
    { type: 'xstate.unknown', sessionId: 'x:2' },
    { type: 'service.register', sessionId: 'x:3', id: 'good', machine: machine('good'), state },
  ];
  for (const event of events) for (const tell of told) tell(event);
  expect(states(source.model)).toMatchObject({ 'XState 4/good': 'a' });
  expect(Object.getPrototypeOf(source.model.actors)).toBe(Object.prototype);
  for (const fail of failed) fail(new Error('gone'));
  expect(source.model.end).toMatchObject({ status: 'failed', failure: { error: 'gone' } });
});

test('the package cannot enter our server: it shows neither a token nor our protocol', async () => {
  const inspector = await startInspector();
  cleanups.push(() => inspector.close());
  const { host, token } = partsOf(inspector.url);
  for (const server of [`${host}/live`, `${host}/live?token=${token}`]) {
    const receiver = connectReceiver(server);
    const refused = await new Promise<{ readonly message?: string }>((resolve) => {
      receiver.subscribe({ next: () => undefined, error: resolve, complete: () => undefined });
    });
    expect(refused.message).toContain('403');
  }
  const client = await connectClient(inspector.url);
  expect((await client.next(ofType('hello'))).runs).toEqual([]);
  client.close();
});

/** A window of a browser: what is posted to it arrives later, as a copy. */
function createWindow() {
  const target = new EventTarget();
  return Object.assign(target, {
    postMessage(data: unknown) {
      const copy: unknown = structuredClone(data);
      setImmediate(() => target.dispatchEvent(new MessageEvent('message', { data: copy })));
    },
  }) as unknown as Window;
}

test('in a page, machines in another window are shown with parents and the transitions taken', async () => {
  const [app, tools] = [createWindow(), createWindow()];
  vi.stubGlobal('window', app);
  inspect({ url: 'http://tools.example', targetWindow: tools, iframe: null as never });
  const service = started();
  const receiver = createWindowReceiver({ window: tools, targetWindow: app });
  const source = await openSource(receiver);
  cleanups.push(() => {
    source.close();
  });
  await vi.waitFor(() => {
    expect(states(source.model)).toMatchObject({ 'XState 4/light': 'green' });
  });
  service.send('NEXT');
  await vi.waitFor(() => {
    expect(source.model.actors['XState 4/light']).toMatchObject({
      state: 'yellow',
      lastEvent: 'NEXT',
      lastTransitions: ['green/NEXT/0'],
    });
  });
  interpret(createMachine({ id: 'parent', invoke: { src: kid, id: 'below' } }), { devTools: true })
    .start()
    .children.get('below')
    ?.send({ type: 'POKE' });
  await vi.waitFor(() => {
    expect(states(source.model)).toMatchObject({ 'XState 4/parent/below': 'y' });
  });
});
