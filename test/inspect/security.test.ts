/** Attacks on a running server: each rule of who may see and do what, from outside. */
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { pipeline, type Run } from '../../src/index.ts';
import { SUBPROTOCOL, TOKEN_SUBPROTOCOL } from '../../src/inspect/protocol.ts';
import { startInspector, type Inspector } from '../../src/inspect/server/index.ts';
import { MAX_VIEWERS } from '../../src/inspect/server/gate.ts';
import { connectClient, ofType, partsOf, raw, request, upgrade, whenClosed } from './support.ts';

/** A run that is under way until it is cancelled. */
function endless(): Run<number> {
  const run = pipeline('secret-pipeline')
    .from([1, 2, 3])
    .map(() => new Promise<number>(() => undefined), { name: 'waits' })
    .start();
  run.drain().catch(() => undefined);
  return run;
}

let inspector: Inspector;
let run: Run<number>;
let port: number;
let token: string;
let readToken: string;

beforeEach(async () => {
  inspector = await startInspector({ control: true });
  run = endless();
  inspector.inspect(run);
  ({ port, token } = partsOf(inspector.url));
  ({ token: readToken } = partsOf(inspector.readUrl));
});

afterEach(async () => {
  await inspector.close();
  void run.cancel();
});

const protocols = (shown = token): string => `${SUBPROTOCOL}, ${TOKEN_SUBPROTOCOL}${shown}`;

/** Whether the server still does what it should, after an attack. */
async function stillWorks(): Promise<void> {
  expect((await request(port, '/')).status).toBe(200);
  const client = await connectClient(inspector.url);
  const hello = await client.next(ofType('hello'));
  expect(hello.run?.name).toBe('secret-pipeline');
  client.close();
}

describe('the server listens', () => {
  test('on this machine alone, at a port of its own', () => {
    expect(new URL(inspector.url).hostname).toBe('127.0.0.1');
    expect(port).toBeGreaterThan(0);
  });

  test('elsewhere only when names are given, and warns', async () => {
    await expect(startInspector({ host: '0.0.0.0' })).rejects.toThrow(
      'host "0.0.0.0" can be reached from other machines: say in allowedHosts by which names',
    );
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    const open = await startInspector({ host: '0.0.0.0', allowedHosts: ['build.example:80'] });
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('0.0.0.0'), expect.anything());
    warned.mockRestore();
    const at = Number(/:(\d+)\//.exec(open.url)?.[1] ?? 80);
    expect(at).toBe(80);
    await open.close();
  });
});

describe('a request by a name that is not the server’s is refused', () => {
  const names = [
    'evil.example',
    'localhost.evil.example',
    'localhost6',
    'evil.example:PORT',
    '127.0.0.1.evil.example:PORT',
    '127.0.0.1:1',
    '127.0.0.1',
    'xlocalhost:PORT',
    '127.0.0.2:PORT',
    '0.0.0.0:PORT',
    '2130706433:PORT',
    '',
  ];

  test.each(names)('as %s', async (name) => {
    const host = name.replace('PORT', String(port));
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'PUT']) {
      const answer = await request(port, '/', { host }, method);
      expect(answer.status).toBe(name === '' && answer.status === 400 ? 400 : 403);
      expect(answer.body).not.toContain('<html');
    }
    const answer = await upgrade(port, { host, 'sec-websocket-protocol': protocols() });
    expect(answer.status).not.toBe(101);
  });

  test('but by each of its own it is not', async () => {
    for (const name of ['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]']) {
      const host = `${name}:${String(port)}`;
      expect((await request(port, '/', { host })).status).toBe(200);
    }
  });
});

describe('a socket is refused', () => {
  test.each([
    ['from another site', { origin: 'https://evil.example' }, 403],
    ['from another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['from a sandboxed frame', { origin: 'null' }, 403],
    ['from a file', { origin: 'file://' }, 403],
    ['from an origin that looks like ours', { origin: 'http://127.0.0.1:PORT.evil.example' }, 403],
    ['from an origin with a path', { origin: 'http://127.0.0.1:PORT/x' }, 403],
    ['without an origin', { origin: undefined }, 403],
    ['by a request of another site', { 'sec-fetch-site': 'cross-site' }, 403],
    ['by a request of the same site', { 'sec-fetch-site': 'same-site' }, 403],
    ['that speaks another protocol', { 'sec-websocket-protocol': 'chat' }, 400],
    ['without a token', { 'sec-websocket-protocol': SUBPROTOCOL }, 401],
    [
      'with a wrong token',
      { 'sec-websocket-protocol': `${SUBPROTOCOL}, ${TOKEN_SUBPROTOCOL}wrong` },
      401,
    ],
    [
      'with an empty token',
      { 'sec-websocket-protocol': `${SUBPROTOCOL}, ${TOKEN_SUBPROTOCOL}` },
      401,
    ],
  ])('%s', async (_name, differs, status) => {
    const headers = Object.fromEntries(
      Object.entries({ 'sec-websocket-protocol': protocols(), ...differs }).map(([key, value]) => [
        key,
        value?.replace('PORT', String(port)),
      ]),
    );
    const answer = await upgrade(port, headers);
    expect(answer.status).toBe(status);
    expect(answer.body).not.toContain('secret-pipeline');
    await stillWorks();
  });

  test('with most of the token', async () => {
    const almost = `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`;
    expect((await upgrade(port, { 'sec-websocket-protocol': protocols(almost) })).status).toBe(401);
  });

  test('anywhere but at its place', async () => {
    const answer = await upgrade(port, { 'sec-websocket-protocol': protocols() }, '/other');
    expect(answer.status).toBe(404);
  });

  test('with the token of another inspector', async () => {
    const other = await startInspector();
    const { token: foreign } = partsOf(other.url);
    expect((await upgrade(port, { 'sec-websocket-protocol': protocols(foreign) })).status).toBe(
      401,
    );
    await other.close();
  });

  test('and is let in with the right one, which is not said back', async () => {
    const answer = await upgrade(port, { 'sec-websocket-protocol': protocols() });
    expect(answer.status).toBe(101);
    expect(answer.headers).toContain(`sec-websocket-protocol: ${SUBPROTOCOL}`);
    expect(answer.headers).not.toContain(token.toLowerCase());
  });

  test('or by a program that shows its token in a header no page can set', async () => {
    const headers = { origin: undefined, 'sec-websocket-protocol': SUBPROTOCOL };
    const shown = { ...headers, authorization: `Bearer ${token}` };
    expect((await upgrade(port, shown)).status).toBe(101);
    const wrong = { ...headers, authorization: 'Bearer wrong' };
    expect((await upgrade(port, wrong)).status).toBe(401);
  });

  test('with an origin of another site, even if a header shows the token', async () => {
    const answer = await upgrade(port, {
      origin: 'https://evil.example',
      authorization: `Bearer ${token}`,
      'sec-websocket-protocol': SUBPROTOCOL,
    });
    expect(answer.status).toBe(403);
  });
});

describe('cookies', () => {
  test('are neither set nor taken: they go to every port of this machine', async () => {
    for (const path of ['/', '/index.html', '/missing']) {
      expect((await request(port, path)).headers).not.toContain('set-cookie');
    }
    const opened = await upgrade(port, { 'sec-websocket-protocol': protocols() });
    expect(opened.headers).not.toContain('set-cookie');
    for (const name of ['token', 'sluice.token', `sluice-${String(port)}`]) {
      const answer = await upgrade(port, {
        'sec-websocket-protocol': SUBPROTOCOL,
        cookie: `${name}=${token}`,
      });
      expect(answer.status).toBe(401);
    }
  });

  test('nor is a token that stands in an address', async () => {
    for (const path of [`/live?token=${token}`, `/live?${token}`]) {
      const answer = await upgrade(port, { 'sec-websocket-protocol': SUBPROTOCOL }, path);
      expect([401, 404]).toContain(answer.status);
    }
    expect(
      (await upgrade(port, { 'sec-websocket-protocol': SUBPROTOCOL }, `/live/${token}`)).status,
    ).toBe(404);
  });
});

describe('who guesses tokens', () => {
  test('waits, and cannot make the server wait for everybody else', async () => {
    const guess = (): Promise<{ status: number }> =>
      upgrade(port, { 'sec-websocket-protocol': protocols('guess') });
    for (let tries = 0; tries < 5; tries++) expect((await guess()).status).toBe(401);
    const slow = Promise.all([guess(), guess()]);
    let isOver = false;
    void slow.then(() => (isOver = true));
    await stillWorks();
    expect(isOver).toBe(false);
    expect((await slow).map(({ status }) => status)).toEqual([401, 401]);
    // Those that are too many are not even kept waiting.
    const many = await Promise.all(Array.from({ length: 20 }, guess));
    expect(many.filter(({ status }) => status === 0).length).toBeGreaterThanOrEqual(12);
  });

  test('has 256 bits to guess', () => {
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(token).not.toBe(readToken);
  });
});

describe('a page of the inspector', () => {
  test('is served to nobody who comes from another site', async () => {
    for (const site of ['cross-site', 'same-site']) {
      expect((await request(port, '/', { 'sec-fetch-site': site })).status).toBe(403);
    }
    for (const site of ['same-origin', 'none']) {
      expect((await request(port, '/', { 'sec-fetch-site': site })).status).toBe(200);
    }
  });

  test('has no token and no data in it', async () => {
    const { body, headers } = await request(port, '/');
    for (const text of [token, readToken, 'secret-pipeline', 'waits']) {
      expect(body).not.toContain(text);
      expect(headers).not.toContain(text.toLowerCase());
    }
  });

  test('may load nothing from elsewhere, and be shown in no frame', async () => {
    for (const path of ['/', '/missing']) {
      const { headers } = await request(port, path);
      expect(headers).toContain(
        "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      );
      for (const header of [
        'x-content-type-options: nosniff',
        'referrer-policy: no-referrer',
        'cross-origin-opener-policy: same-origin',
        'cross-origin-resource-policy: same-origin',
        'cache-control: no-store',
      ]) {
        expect(headers).toContain(header);
      }
      expect(headers).not.toContain('access-control-');
    }
  });

  test('answers GET and HEAD, and nothing that could change anything', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND']) {
      const { status, headers } = await request(port, '/', {}, method);
      expect(status).toBe(405);
      expect(headers).not.toContain('access-control-');
    }
    const head = await request(port, '/', {}, 'HEAD');
    expect([head.status, head.body]).toEqual([200, '']);
  });

  test.each([
    '/../package.json',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/....//....//etc/passwd',
    '//etc/passwd',
    '/./index.html',
    '/index.html/../../package.json',
    '/\\..\\..\\etc\\passwd',
    '/__proto__',
    '/constructor',
    '/index.html%00.js',
    '/page.js.map',
  ])('serves no file but its own: %s', async (path) => {
    const { status, body } = await request(port, path);
    expect([400, 404]).toContain(status);
    expect(body).not.toMatch(/root:|"name":/);
    await stillWorks();
  });
});

describe('what is no request at all', () => {
  test.each([
    'GET // HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n',
    'GET http://[ HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: [\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.1\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'GET * HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n',
    'CONNECT HOST HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n',
    'GET /live HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: [\r\n\r\n',
    'GET /live HTTP/1.1\r\nHost: [\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://[\r\n\r\n',
    'GET //live HTTP/1.1\r\nHost: HOST\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
    'GET /live HTTP/1.1\r\nHost: HOST\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001',
    'GET / HTTP/1.1\r\nHost: HOST\r\nX: LONG\r\n\r\n',
  ])('does no harm: %j', async (template) => {
    const text = template.replace('LONG', 'x'.repeat(100_000));
    const answer = await raw(port, text.replaceAll('HOST', `127.0.0.1:${String(port)}`));
    expect(answer.status).not.toBe(101);
    expect(answer.body).not.toContain('secret-pipeline');
    await stillWorks();
  });

  test('a connection that says nothing holds nobody up', async () => {
    const silent = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    await stillWorks();
    for (const socket of silent) socket.destroy();
  });
});

describe('what a viewer sends', () => {
  test.each([
    'not JSON',
    '[]',
    'null',
    '"ask"',
    '{}',
    '{"id":-1,"type":"ask"}',
    '{"id":1,"type":"eval","code":"process.exit()"}',
    '{"id":1,"type":"ask","question":{"type":"readFile","path":"/etc/passwd"}}',
    '{"id":1,"type":"ask","question":{"type":"constructor"}}',
    '{"id":1,"type":"ask","question":{"type":"__proto__"}}',
    '{"id":1,"type":"do","command":{"type":"hold","__proto__":{"x":1}}}',
    '{"id":1,"type":"do","command":{"type":"setBudget","amounts":{"cpu":"4"}}}',
    '{"id":1,"type":"do","command":{"type":"setBudget","amounts":{"cpu":1e999}}}',
    '{"id":1,"type":"do","command":{"type":"setMaxConcurrency","operator":"waits","maxConcurrency":-1}}',
    '{"id":1,"type":"ask","question":{"type":"moment","at":"now"}}',
    '{"id":1,"type":"ask","question":{"type":"events","fromSeq":0,"limit":1e9,"more":true}}',
    `{"id":1,"type":"ask","question":{"type":"value","actor":"${'x'.repeat(5000)}"}}`,
    '{"id":1,"type":"ask","question":{"type":"watch","topics":["messages"]}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":"messages","since":0}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":["everything"],"since":0}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":["__proto__"],"since":0}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":[{"actor":"x"}],"since":0}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":[],"since":-2}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":[],"since":1.5}}',
    '{"id":1,"type":"ask","question":{"type":"watch","topics":[],"since":0,"path":"/etc"}}',
    `{"id":1,"type":"ask","question":{"type":"watch","topics":[${Array(21).fill('"states"').join()}],"since":0}}`,
    `{"id":1,"type":"ask","question":{"type":"watch","topics":["actor:${'x'.repeat(5000)}"],"since":0}}`,
    `${'['.repeat(10_000)}${']'.repeat(10_000)}`,
  ])('is refused when it is nothing of ours: %s', async (text) => {
    const client = await connectClient(inspector.url);
    client.socket.send(text);
    const { code } = await client.next(ofType('error'));
    expect(code).toBe('BAD_MESSAGE');
    client.close();
    await stillWorks();
  });

  test('is refused when it is binary', async () => {
    const client = await connectClient(inspector.url);
    client.socket.send(Buffer.from([1, 2, 3]));
    expect((await client.next(ofType('error'))).code).toBe('BAD_MESSAGE');
    client.close();
  });

  test('ends the connection when it is too large', async () => {
    const client = await connectClient(inspector.url);
    client.socket.send('x'.repeat(65 * 1024));
    expect(await client.closed).toBe(1009);
    await stillWorks();
  });

  test('ends the connection when it breaks the protocol', async () => {
    const client = await connectClient(inspector.url);
    const { _socket: socket } = client.socket as unknown as { _socket: { write(b: Buffer): void } };
    // A frame without a mask, of a kind there is not.
    socket.write(Buffer.from([0x8b, 0x01, 0x00]));
    expect(await client.closed).toBe(1002);
    await stillWorks();
  });

  test('is not answered when there is too much of it', async () => {
    const client = await connectClient(inspector.url);
    const answers = await Promise.all(
      Array.from({ length: 200 }, () =>
        client.ask({ type: 'ask', question: { type: 'explain', operator: 'waits' } }),
      ),
    );
    const refused = answers.filter((one) => one.type === 'error' && one.code === 'BUSY');
    expect(refused.length).toBeGreaterThan(100);
    client.close();
    await stillWorks();
  });

  test('names actors and runs, and reaches nothing besides', async () => {
    const client = await connectClient(inspector.url);
    for (const actor of ['secret-pipeline/__proto__', 'constructor', '../..', '']) {
      const answer = await client.ask({ type: 'ask', question: { type: 'value', actor } });
      expect(answer).toMatchObject({ type: 'error', code: 'NOT_FOUND' });
    }
    const answer = await client.ask({
      type: 'ask',
      question: { type: 'select', run: '__proto__' },
    });
    expect(answer).toMatchObject({ type: 'error', code: 'NOT_FOUND' });
    client.close();
  });

  test('asks again and again for everything, and gets it no more often than it may ask', async () => {
    const client = await connectClient(inspector.url);
    await client.next(ofType('hello'));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, turn) =>
        client.ask({
          type: 'ask',
          question: { type: 'watch', topics: turn % 2 === 0 ? [] : ['messages'], since: -1 },
        }),
      ),
    );
    const refused = answers.filter((one) => one.type === 'error' && one.code === 'BUSY').length;
    expect(refused).toBeGreaterThan(100);
    const keyframes = client.received.filter(({ type }) => type === 'keyframe').length;
    expect(keyframes).toBeLessThanOrEqual((200 - refused) / 2);
    client.close();
    await stillWorks();
  });
});

describe('rights', () => {
  const commands = [
    { type: 'hold' },
    { type: 'resume' },
    { type: 'step', by: 'cycle' },
    { type: 'setBudget', amounts: { cpu: 1 } },
    { type: 'setMaxConcurrency', operator: 'waits', maxConcurrency: 1 },
    { type: 'cancel' },
    { type: 'stop' },
    { type: 'addBreakpoint', breakpoint: { on: 'state', state: 'running' } },
    { type: 'removeBreakpoint', id: 'b1' },
  ] as const;

  test.each(commands)('with the token to look there is no $type', async (command) => {
    const client = await connectClient(inspector.readUrl);
    expect((await client.next(ofType('hello'))).rights).toEqual({ control: false, values: true });
    const answer = await client.ask({ type: 'do', command });
    expect(answer).toMatchObject({ type: 'error', code: 'FORBIDDEN' });
    expect(run.snapshot().state).toBe('running');
    client.close();
  });

  test('without control there is no token for it', async () => {
    const looking = await startInspector();
    looking.inspect(run);
    expect(looking.url).toBe(looking.readUrl);
    const client = await connectClient(looking.url);
    const answer = await client.ask({ type: 'do', command: { type: 'cancel' } });
    expect(answer).toMatchObject({ type: 'error', code: 'FORBIDDEN' });
    client.close();
    await looking.close();
  });

  test('values can be kept back', async () => {
    const looking = await startInspector({ values: false });
    looking.inspect(run);
    const client = await connectClient(looking.url);
    const question = { type: 'value', actor: 'secret-pipeline' } as const;
    expect(await client.ask({ type: 'ask', question })).toMatchObject({ code: 'FORBIDDEN' });
    client.close();
    await looking.close();
  });
});

describe('a viewer can take nothing from the run', () => {
  test('there are so many viewers and no more', async () => {
    const clients = await Promise.all(
      Array.from({ length: MAX_VIEWERS }, () => connectClient(inspector.url)),
    );
    const refused = await upgrade(port, { 'sec-websocket-protocol': protocols() });
    expect(refused.status).toBe(503);
    const [first, ...others] = clients;
    first?.close();
    await vi.waitFor(() => {
      expect(inspector.viewers).toBe(MAX_VIEWERS - 1);
    });
    await stillWorks();
    for (const client of others) client.close();
  });

  test('one that reads nothing is left behind, and the server does not grow', async () => {
    const busy = pipeline('busy')
      .from(
        (async function* () {
          for (let row = 0; ; row++) {
            yield row;
            if (row % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        })(),
        { rowsPerBlock: 1 },
      )
      .map((row: number) => row + 1, { name: 'add' })
      .start();
    const draining = busy.drain();
    inspector.inspect(busy);
    const client = await connectClient(inspector.url);
    await client.next(ofType('hello'));
    const { _socket: stream } = client.socket as unknown as {
      _socket: { pause(): void; resume(): void };
    };
    stream.pause();
    const before = busy.snapshot().operators['add']?.done ?? 0;
    // Long enough that what it should have read is many times what may wait for it.
    await vi.waitFor(
      () => {
        expect((busy.snapshot().operators['add']?.rowsOut ?? 0) - before).toBeGreaterThan(60_000);
      },
      { timeout: 60_000, interval: 50 },
    );
    client.received.length = 0;
    stream.resume();
    const skipped = await client.next(ofType('keyframe'));
    expect(skipped.skipped).toBeGreaterThan(1000);
    expect(skipped.keyframe.model.operators[1]?.name).toBe('add');
    const bytes = client.received.reduce((sum, message) => sum + JSON.stringify(message).length, 0);
    expect(bytes).toBeLessThan(32 * 2 ** 20);
    await busy.cancel();
    await draining;
    client.close();
  });

  test('one that goes away in the middle of everything hurts nobody', async () => {
    for (let times = 0; times < 5; times++) {
      const client = await connectClient(inspector.url);
      client.socket.send('{"id":1,"type":"ask","question":{"type":"moment","at":0}}');
      client.close();
    }
    await stillWorks();
  });

  test('a run that is held by somebody who has gone goes on', async () => {
    const brief = await startInspector({ control: true, resumeAfterMs: 1 });
    brief.inspect(run);
    const client = await connectClient(brief.url);
    await client.ask({ type: 'do', command: { type: 'hold' } });
    await vi.waitFor(() => {
      expect(run.snapshot().state).toBe('paused');
    });
    client.close();
    await vi.waitFor(() => {
      expect(run.snapshot().state).toBe('running');
    });
    await brief.close();
  });

  test('closing the inspector lets everybody go, and leaves the run alone', async () => {
    const client = await connectClient(inspector.url);
    const silent = connect(port, '127.0.0.1');
    const gone = whenClosed(silent);
    await inspector.close();
    expect(await client.closed).toBe(1001);
    await gone;
    expect(run.snapshot().state).toBe('running');
    await expect(connectClient(inspector.url)).rejects.toThrow();
    inspector = await startInspector({ control: true });
  });
});

describe('what is shown', () => {
  let quiet: Inspector;
  beforeAll(async () => {
    quiet = await startInspector();
  });
  afterAll(() => quiet.close());

  test('has no passwords or tokens in it', async () => {
    const leaky = pipeline('leaky')
      .from([{ password: 'hunter2' }])
      .mapBlocks(
        (rows: object[], { log }) => {
          log('connecting with password=hunter2 to postgres://me:hunter2@db/x');
          if (rows.length > 0) throw new Error('bad header: Authorization: Bearer hunter2');
          return rows;
        },
        { name: 'load' },
      )
      .start();
    quiet.inspect(leaky);
    const client = await connectClient(quiet.url);
    await leaky.drain().catch(() => undefined);
    await client.next(
      (message): message is Extract<typeof message, { type: 'events' }> =>
        message.type === 'events' && message.events.some(({ type }) => type === 'run.ended'),
    );
    const all = JSON.stringify(client.received);
    expect(all).toContain('bad header');
    expect(all).not.toContain('hunter2');
    const answer = await client.ask({
      type: 'ask',
      question: { type: 'value', actor: 'leaky/load' },
    });
    expect(JSON.stringify(answer)).not.toContain('hunter2');
    client.close();
  });

  test('is told to a socket that was opened before there was any run', async () => {
    const early = await startInspector();
    const client = await connectClient(early.url);
    expect((await client.next(ofType('hello'))).run).toBeUndefined();
    early.inspect(run);
    expect((await client.next(ofType('hello'))).run?.name).toBe('secret-pipeline');
    client.close();
    await early.close();
  });
});

test('a socket of another version is told apart', async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${String(port)}/live`, ['sluice.inspect.v0'], {
    headers: { authorization: `Bearer ${token}` },
  });
  await expect(
    new Promise((resolve, reject) => {
      socket.on('open', resolve);
      socket.on('error', reject);
    }),
  ).rejects.toThrow('400');
});
