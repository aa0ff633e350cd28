/** The inspector in servers of the user's own, with the same checks as in one of its own. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createActor, setup } from 'xstate';
import { pipeline, type Run } from '../../src/index.ts';
import { SUBPROTOCOL } from '../../src/inspect/protocol.ts';
import {
  inspectActor,
  mountInspector,
  startInspector,
  type MountedInspector,
  type MountOptions,
} from '../../src/inspect/server/index.ts';
import { connectClient, ofType, partsOf, request, upgrade } from './support.ts';

let run: Run<number>;
beforeEach(() => {
  run = pipeline('embedded')
    .from([1])
    .map(() => new Promise<number>(() => undefined))
    .start();
  run.drain().catch(() => undefined);
});
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  void run.cancel();
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

function mounted(options?: MountOptions): MountedInspector {
  const inspector = mountInspector(options);
  inspector.inspect(run);
  cleanups.push(() => {
    inspector.close();
  });
  return inspector;
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** That the page and its socket are there, and that the checks are, too. */
async function expectToWork(port: number, path: string, token: string): Promise<void> {
  const page = await request(port, `${path}/`);
  expect(page.status).toBe(200);
  expect(page.headers).toContain("frame-ancestors 'none'");
  expect(page.body).toContain('<html');
  expect((await request(port, path)).headers).toContain(`location: ${path}/`);
  expect((await request(port, `${path}/`, { host: 'evil.example' })).status).toBe(403);
  expect((await request(port, `${path}/`, {}, 'POST')).status).toBe(405);
  const foreign = { origin: 'https://evil.example', 'sec-websocket-protocol': SUBPROTOCOL };
  expect((await upgrade(port, foreign, `${path}/live`)).status).toBe(403);
  const client = await connectClient(
    `http://127.0.0.1:${String(port)}${path}/#token=${token}`,
    {},
    path,
  );
  expect((await client.next(ofType('hello'))).run?.name).toBe('embedded');
  client.close();
}

describe('the inspector works inside', () => {
  test('Express', async () => {
    const inspector = mounted();
    const app = express();
    app.use('/tools/inspect', inspector.handler);
    app.get('/', (_request, response) => {
      response.send('the app');
    });
    const server = createServer(app);
    inspector.attach(server, '/tools/inspect');
    const port = await listening(server);
    await expectToWork(port, '/tools/inspect', inspector.tokens.read);
    expect((await request(port, '/')).body).toBe('the app');
  });

  test('Fastify', async () => {
    const inspector = mounted();
    const app = fastify();
    await app.register(inspector.fastify, { prefix: '/inspect' });
    app.get('/', () => 'the app');
    await app.listen({ port: 0, host: '127.0.0.1' });
    cleanups.push(() => app.close());
    const { port } = app.server.address() as AddressInfo;
    await expectToWork(port, '/inspect', inspector.tokens.read);
    expect((await request(port, '/')).body).toBe('the app');
  });

  test('servers that speak Fetch', async () => {
    const inspector = mounted();
    const ask = (path: string, init?: RequestInit): Promise<Response> =>
      inspector.fetch(new Request(`http://localhost:3000${path}`, init), '/inspect');
    const page = await ask('/inspect/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('<html');
    expect((await ask('/inspect')).headers.get('location')).toBe('/inspect/');
    expect((await ask('/inspect/', { method: 'DELETE' })).status).toBe(405);
    expect((await ask('/inspect/../etc/passwd')).status).toBe(404);
    expect((await ask('/inspect/', { headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(
      403,
    );
    const elsewhere = new Request('http://evil.example/inspect/');
    expect((await inspector.fetch(elsewhere, '/inspect')).status).toBe(403);
    const tag = page.headers.get('etag') ?? '';
    expect((await ask('/inspect/', { headers: { 'if-none-match': tag } })).status).toBe(304);
  });

  test('a server with sockets of its own, which it leaves alone', async () => {
    const inspector = mounted();
    const server = createServer((_request, response) => response.end());
    const others = vi.fn((socket: { end: () => void }) => {
      socket.end();
    });
    server.on('upgrade', (asked, socket) => {
      if (asked.url === '/chat') others(socket);
    });
    const detach = inspector.attach(server, '/inspect');
    const port = await listening(server);
    await upgrade(port, {}, '/chat');
    expect(others).toHaveBeenCalledOnce();
    detach();
    expect(server.listenerCount('upgrade')).toBe(1);
  });
});

describe('in production', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  test('it takes somebody who says who may', () => {
    vi.stubEnv('NODE_ENV', 'production');
    expect(() => mountInspector()).toThrow(
      'an inspector in a production server needs authorize(request)',
    );
    expect(() => mountInspector({ authorize: 'me' } as never)).toThrow('authorize');
  });

  test.each([
    ['false', false, undefined],
    ['read', 'read', false],
    ['control', 'control', true],
  ] as const)('who is said to be %s gets that', async (_name, granted, control) => {
    vi.stubEnv('NODE_ENV', 'production');
    const inspector = mounted({ control: true, authorize: () => Promise.resolve(granted) });
    const server = createServer(inspector.handler);
    inspector.attach(server, '/');
    const port = await listening(server);
    const page = await request(port, '/');
    expect(page.status).toBe(granted === false ? 403 : 200);
    const url = `http://127.0.0.1:${String(port)}/#token=x`;
    if (granted === false) {
      await expect(connectClient(url)).rejects.toThrow('401');
      return;
    }
    const client = await connectClient(url);
    expect((await client.next(ofType('hello'))).rights.control).toBe(control);
    client.close();
  });

  test('somebody who fails to say lets nobody in', async () => {
    const inspector = mounted({
      authorize: () => {
        throw new Error('the database is gone');
      },
    });
    const server = createServer(inspector.handler);
    inspector.attach(server, '/');
    const port = await listening(server);
    expect((await request(port, '/')).status).toBe(0);
    const answer = await upgrade(port, { 'sec-websocket-protocol': SUBPROTOCOL });
    expect(answer.status).toBe(0);
  });
});

describe('options', () => {
  test.each([
    [{ port: 70_000 }, 'port'],
    [{ control: 'yes' }, 'control'],
    [{ host: 'example.org' }, 'host'],
    [{ allowedHosts: 'example.org' }, 'allowedHosts'],
    [{ frameAncestors: ["'unsafe'"] }, 'frameAncestors'],
    [{ frameAncestors: ['https://a; script-src *'] }, 'frameAncestors'],
    [{ redact: true }, 'redact'],
    [{ resumeAfterMs: -1 }, 'resumeAfterMs'],
    [{ tokens: 'x' }, 'tokens'],
  ])('that make no sense are refused: %j', async (options, option) => {
    await expect(startInspector(options as never)).rejects.toMatchObject({
      code: 'OPTION',
      option,
    });
  });

  test('pages that are named may show it in a frame', async () => {
    const inspector = await startInspector({ frameAncestors: ['https://intranet.example'] });
    cleanups.push(() => inspector.close());
    const { headers } = await request(partsOf(inspector.url).port, '/');
    expect(headers).toContain('frame-ancestors https://intranet.example');
  });

  test('a port that is taken is an error', async () => {
    const inspector = await startInspector();
    cleanups.push(() => inspector.close());
    const { port } = partsOf(inspector.url);
    await expect(startInspector({ port })).rejects.toThrow('EADDRINUSE');
  });
});

describe('actors that are no pipeline', () => {
  const light = setup({
    types: { events: {} as { type: 'toggle' }, context: {} as { count: number } },
  }).createMachine({
    id: 'light',
    context: { count: 3 },
    initial: 'off',
    states: { off: { on: { toggle: 'on' } }, on: { on: { toggle: 'off' } } },
  });

  test('are shown with their charts, states, messages and contexts, from when they are', async () => {
    const actor = createActor(light, { id: 'kitchen' }).start();
    actor.send({ type: 'toggle' });
    const url = await inspectActor(actor);
    const client = await connectClient(url);
    const hello = await client.next(ofType('hello'));
    expect(hello.run).toMatchObject({ name: 'kitchen', kind: 'actor' });
    const { model } = hello.keyframe ?? {};
    expect(model?.actors['kitchen']).toMatchObject({ state: 'on', machine: 'light' });
    expect(model?.machines['light']?.root.states.map(({ name }) => name)).toEqual(['off', 'on']);
    actor.send({ type: 'toggle' });
    const { events } = await client.next(
      (message): message is Extract<typeof message, { type: 'events' }> =>
        message.type === 'events' && message.events.length > 0,
    );
    expect(events).toMatchObject([
      { type: 'message', to: 'kitchen', message: 'toggle' },
      { type: 'state.entered', state: 'off', event: 'toggle', transitions: ['on/toggle/0'] },
    ]);
    const question = { type: 'value', actor: 'kitchen' } as const;
    expect(await client.ask({ type: 'ask', question })).toMatchObject({
      result: { state: 'off', context: { count: 3 } },
    });
    expect(await client.ask({ type: 'do', command: { type: 'hold' } })).toMatchObject({
      code: 'FORBIDDEN',
    });
    expect(await inspectActor(actor)).toBe(url);
    actor.stop();
    await client.next(
      (message): message is Extract<typeof message, { type: 'events' }> =>
        message.type === 'events' && message.events.some(({ type }) => type === 'run.ended'),
    );
    client.close();
  });
});
