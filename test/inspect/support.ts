/** Clients for tests of the inspector's server: raw requests, and a socket that waits for messages. */
import { connect, type Socket } from 'node:net';
import { WebSocket, type ClientOptions } from 'ws';
import {
  SUBPROTOCOL,
  TOKEN_SUBPROTOCOL,
  type ClientMessage,
  type ServerMessage,
} from '../../src/inspect/protocol.ts';
import type { RunEvent } from '../../machines/run-event.ts';
import { createUnpacker } from '../../src/inspect/packed-events.ts';

/** What a server has said, with its events unpacked. */
export type Told =
  | Exclude<ServerMessage, { type: 'events' }>
  | (Omit<Extract<ServerMessage, { type: 'events' }>, 'events'> & {
      readonly events: readonly RunEvent[];
    });

/** Host, port and token of an address of the inspector. */
export function partsOf(url: string): { host: string; port: number; token: string; base: string } {
  const { host, port, hash, origin } = new URL(url);
  return { host, port: Number(port), token: hash.replace('#token=', ''), base: origin };
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: string;
  readonly body: string;
}

/** Sends bytes as they are, and reads the answer until the connection is closed or a whole one is there. */
export function raw(port: number, text: string): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const end = (): void => {
      socket.destroy();
      const [headers = '', ...body] = answer.split('\r\n\r\n');
      const status = Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1] ?? 0);
      resolve({ status, headers: headers.toLowerCase(), body: body.join('\r\n\r\n') });
    };
    socket.on('data', (part: Buffer) => {
      answer += part.toString('latin1');
      if (answer.startsWith('HTTP/1.1 101')) end();
    });
    socket.on('close', end);
    // A server that has had enough resets the connection: that is an answer, too.
    socket.on('error', end);
    socket.write(text);
  });
}

/** A request with just these headers. */
export function request(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<RawAnswer> {
  const all = { host: `127.0.0.1:${String(port)}`, connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return raw(port, `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
}

/** A request to upgrade, as a page of the inspector sends it but for what differs. */
export function upgrade(
  port: number,
  differs: Readonly<Record<string, string | undefined>>,
  path = '/live',
): Promise<RawAnswer> {
  const headers: Record<string, string | undefined> = {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    origin: `http://127.0.0.1:${String(port)}`,
    ...differs,
  };
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) given[name] = value;
  return request(port, path, given);
}

export interface Client {
  readonly socket: WebSocket;
  readonly received: Told[];
  /** The next message for which this is true, also one that came already and was not waited for. */
  readonly next: <T extends Told>(check: (message: Told) => message is T) => Promise<T>;
  /** Sends a request and waits for its answer. */
  readonly ask: (request: WithoutId) => Promise<Extract<Told, { type: 'reply' | 'error' }>>;
  readonly closed: Promise<number>;
  readonly close: () => void;
}

type WithoutId = ClientMessage extends infer T
  ? T extends unknown
    ? Omit<T, 'id'>
    : never
  : never;

export function ofType<TType extends Told['type']>(type: TType) {
  return (message: Told): message is Extract<Told, { type: TType }> => message.type === type;
}

/** Opens a socket as a page of the inspector would. */
export async function connectClient(
  url: string,
  options: ClientOptions = {},
  path = '',
): Promise<Client> {
  const { base, token } = partsOf(url);
  const socket = new WebSocket(
    `${base.replace('http', 'ws')}${path}/live`,
    [SUBPROTOCOL, `${TOKEN_SUBPROTOCOL}${token}`],
    { origin: base, ...options },
  );
  const received: Told[] = [];
  const unpacker = createUnpacker();
  const unpack = (message: ServerMessage): Told => {
    if (message.type === 'hello') unpacker.reset(message.keyframe?.model);
    if (message.type === 'keyframe') unpacker.reset(message.keyframe.model);
    if (message.type !== 'events') return message;
    return { ...message, events: message.events.map(unpacker.unpack) };
  };
  const waiting = new Set<() => void>();
  let seen = 0;
  let nextId = 1;
  socket.on('message', (data) => {
    received.push(unpack(JSON.parse((data as Buffer).toString()) as ServerMessage));
    for (const wake of [...waiting]) wake();
  });
  const closed = new Promise<number>((resolve) => {
    socket.on('close', resolve);
  });
  await new Promise<void>((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });

  function find<T extends Told>(take: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = take();
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  }

  return {
    socket,
    received,
    closed,
    next: (check) =>
      find(() => {
        while (seen < received.length) {
          const message = received[seen++];
          if (message !== undefined && check(message)) return message;
        }
        return undefined;
      }),
    ask(message) {
      const id = nextId++;
      socket.send(JSON.stringify({ ...message, id }));
      return find(() =>
        received.find(
          (one): one is Extract<Told, { type: 'reply' | 'error' }> =>
            (one.type === 'reply' || one.type === 'error') && one.id === id,
        ),
      );
    },
    close() {
      socket.terminate();
    },
  };
}

/** Resolves when a socket has been closed by the other side. */
export function whenClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('close', () => {
      resolve();
    });
    socket.on('error', () => undefined);
  });
}
